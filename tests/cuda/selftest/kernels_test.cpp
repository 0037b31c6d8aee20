// Kernels of the usual kinds give what plain C++ gives, in every order.

#include "selftest/kernels.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "selftest/emulator_fixture.h"

namespace pf::selftest {
namespace {

using Kernels = EveryMode;
PF_IN_EVERY_MODE(Kernels);

std::vector<float> numbers(size_t n, uint32_t seed = 1) {
  std::vector<float> values(n);
  for (float& v : values) {
    seed = seed * 1664525u + 1013904223u;
    v = float(seed >> 8) / float(1 << 24) - 0.5f;
  }
  return values;
}
std::vector<int> integers(size_t n, int below, uint32_t seed = 1) {
  std::vector<int> values(n);
  for (int& v : values) {
    seed = seed * 1664525u + 1013904223u;
    v = int(seed >> 8) % below;
  }
  return values;
}
void expect_near(const std::vector<float>& got, const std::vector<float>& expected, float tolerance) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) ASSERT_NEAR(got[i], expected[i], tolerance) << "at " << i;
}
float total(const std::vector<float>& x) { return float(std::accumulate(x.begin(), x.end(), 0.0)); }

TEST_P(Kernels, StridedSum) {  // a transposed, b broadcast
  const auto a = numbers(105), b = numbers(7, 2);
  DeviceArray<float> da(a), db(b), out(105);
  ASSERT_EQ(
      add_strided(da.data(), db.data(), out.data(), {105, 3, {5, 3, 7}, {7, 35, 1}, {0, 0, 1}, {21, 7, 1}}, stream_),
      cudaSuccess);
  std::vector<float> expected(105);
  for (size_t j = 0; j < 5; ++j) {
    for (size_t i = 0; i < 3; ++i) {
      for (size_t k = 0; k < 7; ++k) expected[j * 21 + i * 7 + k] = a[i * 35 + j * 7 + k] + b[k];
    }
  }
  EXPECT_EQ(out.read(stream_), expected);
}

TEST_P(Kernels, PacksOfSixteenBytes) {
  auto a = numbers(1000);
  const auto b = numbers(1000, 2);
  DeviceArray<float> da(a), db(b), out(1000);
  ASSERT_EQ(add_packs(da.data(), db.data(), out.data(), 1000, stream_), cudaSuccess);
  for (size_t i = 0; i < a.size(); ++i) a[i] += b[i];
  EXPECT_EQ(out.read(stream_), a);
}

TEST_P(Kernels, SumByShufflesAndAtomics) {
  const auto x = numbers(10001);
  DeviceArray<float> dx(x), out(std::vector<float>{0});
  ASSERT_EQ(sum(dx.data(), out.data(), 10001, stream_), cudaSuccess);
  expect_near(out.read(stream_), {total(x)}, 1e-3f);
}

TEST_P(Kernels, TheLastBlockAddsWhatAllHaveLeft) {
  const auto x = numbers(10001);
  DeviceArray<float> dx(x), out(1), partial(64);
  DeviceArray<unsigned> finished(std::vector<unsigned>{0});
  for (int round = 0; round < 2; ++round) {
    ASSERT_EQ(sum_in_one_pass(dx.data(), out.data(), partial.data(), finished.data(), 10001, stream_), cudaSuccess);
    expect_near(out.read(stream_), {total(x)}, 1e-3f);
  }
}

TEST_P(Kernels, Transpose) {
  const int rows = 67, columns = 131;
  const auto x = numbers(size_t(rows) * columns);
  std::vector<float> expected(x.size());
  for (int i = 0; i < rows; ++i) {
    for (int j = 0; j < columns; ++j) expected[size_t(j * rows + i)] = x[size_t(i * columns + j)];
  }
  DeviceArray<float> dx(x);
  for (auto kernel : {transpose, transpose_with_conflicts, transpose_without_tile}) {
    DeviceArray<float> out(x.size());
    ASSERT_EQ(kernel(dx.data(), out.data(), rows, columns, stream_), cudaSuccess);
    EXPECT_EQ(out.read(stream_), expected);
  }
}

TEST_P(Kernels, ScanOfABlock) {
  const auto x = integers(600, 100);
  DeviceArray<int> dx(x), out(600);
  ASSERT_EQ(block_scan(dx.data(), out.data(), 600, stream_), cudaSuccess);
  std::vector<int> expected(600);
  for (size_t start = 0; start < 600; start += 256) {
    const size_t end = std::min<size_t>(600, start + 256);
    std::partial_sum(x.begin() + long(start), x.begin() + long(end), expected.begin() + long(start));
  }
  EXPECT_EQ(out.read(stream_), expected);
}

TEST_P(Kernels, HistogramByAtomics) {
  const auto x = integers(5000, 64);
  DeviceArray<int> dx(x);
  DeviceArray<unsigned> counts(std::vector<unsigned>(64, 0));
  ASSERT_EQ(histogram(dx.data(), counts.data(), 5000, stream_), cudaSuccess);
  std::vector<unsigned> expected(64, 0);
  for (int v : x) ++expected[size_t(v)];
  EXPECT_EQ(counts.read(stream_), expected);
}

TEST_P(Kernels, SoftmaxOfARowByAWarp) {
  const int rows = 9, columns = 200;
  const auto x = numbers(size_t(rows) * columns);
  DeviceArray<float> dx(x), out(x.size());
  ASSERT_EQ(softmax(dx.data(), out.data(), rows, columns, stream_), cudaSuccess);
  std::vector<float> expected(x.size());
  for (size_t start = 0; start < x.size(); start += size_t(columns)) {
    double sum = 0;
    for (size_t i = start; i < start + size_t(columns); ++i) sum += std::exp(double(x[i]));
    for (size_t i = start; i < start + size_t(columns); ++i) expected[i] = float(std::exp(double(x[i])) / sum);
  }
  expect_near(out.read(stream_), expected, 1e-6f);
}

TEST_P(Kernels, RanksByVotes) {
  const auto flags = integers(100, 2);
  DeviceArray<int> df(flags), rank(100), count(4);
  ASSERT_EQ(rank_flags(df.data(), rank.data(), count.data(), 100, stream_), cudaSuccess);
  std::vector<int> ranks(100), counts(4, 0);
  for (size_t i = 0; i < 100; ++i) {
    ranks[i] = counts[i / 32];
    counts[i / 32] += flags[i];
  }
  EXPECT_EQ(rank.read(stream_), ranks);
  EXPECT_EQ(count.read(stream_), counts);
}

TEST_P(Kernels, DynamicSharedMemory) {
  auto x = numbers(3 * 96);
  DeviceArray<float> dx(x);
  ASSERT_EQ(reverse_blocks(dx.data(), 96, 3, stream_), cudaSuccess);
  for (auto start = x.begin(); start != x.end(); start += 96) std::reverse(start, start + 96);
  EXPECT_EQ(dx.read(stream_), x);
}

TEST_P(Kernels, CountAtABarrier) {
  const auto x = numbers(256);
  DeviceArray<float> dx(x);
  DeviceArray<int> counts(2);
  ASSERT_EQ(count_above(dx.data(), 0.1f, counts.data(), 2, stream_), cudaSuccess);
  const auto above = [](float v) { return v > 0.1f; };
  const std::vector<int> expected = {int(std::count_if(x.begin(), x.begin() + 128, above)),
                                     int(std::count_if(x.begin() + 128, x.end(), above))};
  EXPECT_EQ(counts.read(stream_), expected);
}

TEST_P(Kernels, NeighboursThroughSharedMemory) {
  auto x = numbers(32);
  DeviceArray<float> dx(x), out(32);
  ASSERT_EQ(shift_in_warp(dx.data(), out.data(), stream_), cudaSuccess);
  std::rotate(x.begin(), x.begin() + 1, x.end());
  EXPECT_EQ(out.read(stream_), x);
}

}  // namespace
}  // namespace pf::selftest
