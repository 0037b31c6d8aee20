// Operations on the sizes around a warp, a block and a pack of 16 bytes, on arrays that begin at such a boundary and one
// element behind it. Where the CPU refuses a shape, the device does.

#include <gtest/gtest.h>

#include <sys/mman.h>

#include <iostream>

#include "tensor/cuda_backend.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/random.h"
#include "tests/cuda/parity/emulator.h"
#include "tests/cuda/parity/outcome.h"
#include "tests/cuda/parity/partial.h"

namespace pf {
namespace {

using testing::Outcome;
const Device device = Device::cuda();

/// A sample whose inputs all have one shape, as a matrix of any size.
const OpSample* resizable(const OpEntry& entry) {
  for (const OpSample& sample : entry.samples) {
    bool fits = !sample.inputs.empty();
    for (const InputSpec& in : sample.inputs)
      fits &= in.shape == sample.inputs[0].shape && in.shape.rank() == 2 && in.shape.numel() > 0 &&
              (in.values == Values::any || in.values == Values::distinct);
    if (fits) return &sample;
  }
  return nullptr;
}

/// x in memory that begins one element behind where an allocation does.
Tensor misaligned(const Tensor& x) {
  const Tensor flat = concat({zeros({1}, x.dtype(), x.device()), reshape(x, {-1})}, 0);
  return reshape(slice(flat, 0, 1), x.shape());
}

struct Arrangement {
  const char* name;
  bool long_rows;
  DType dtype;
  Tensor (*lay)(const Tensor& x);
};
const Arrangement arrangements[] = {
    {"long rows", true, float32, [](const Tensor& x) { return x; }},
    {"long rows, misaligned", true, float32, misaligned},
    {"short rows, misaligned", false, float64, misaligned},
    {"transposed, misaligned", false, float32,
     [](const Tensor& x) { return transpose(misaligned(contiguous(transpose(x)))); }},
};

TEST(SizeParity, around_warps_blocks_and_packs) {
  int operations = 0, compared = 0, refused = 0;
  for (const OpEntry& entry : op_catalogue()) {
    const OpSample* sample = resizable(entry);
    if (!sample) continue;
    try {
      for (int64_t n : {1, 31, 32, 33, 255, 257, 1025})
        for (const Arrangement& how : arrangements) {
          OpSample resized = *sample;
          for (InputSpec& in : resized.inputs) in.shape = how.long_rows ? Shape{2, n} : Shape{n, 3};
          Rng rng(uint64_t{7});
          std::vector<Tensor> here, there;
          for (const Tensor& x : draw(resized, rng)) {
            here.push_back(how.lay(cast(x, how.dtype)));
            there.push_back(how.lay(to_device(cast(x, how.dtype), device)));
          }
          const Outcome expected = testing::evaluate_or_fail(entry, here);
          const Outcome found = testing::evaluate_or_fail(entry, there);
          const std::string what = join(entry.name, ", ", resized.inputs[0].shape, ", ", how.name);
          ASSERT_EQ(found.error.empty(), expected.error.empty()) << what << found.error << expected.error;
          if (!expected.error.empty() && ++refused) continue;
          if (testing::is_exact(entry)) {
            EXPECT_TRUE(testing::same_bits(expected.value, found.value)) << what;
          } else {
            EXPECT_LE(testing::difference(expected.value, found.value), testing::parity_tolerance(how.dtype)) << what;
          }
          for (size_t i = 0; i < expected.gradients.size(); ++i)
            EXPECT_LE(testing::difference(expected.gradients[i], found.gradients[i]),
                      testing::parity_tolerance(how.dtype))
                << what << ", gradient " << i;
          compared += 1 + int(expected.gradients.size());
        }
      ++operations;
    } catch (const Error& e) {
      if (!testing::is_left_out(e)) throw;
    }
  }
  std::cout << operations << " operations × 7 sizes × 4 layouts: " << compared << " arrays compared, " << refused
            << " shapes refused by both\n";
  EXPECT_GE(operations, testing::least_operations() > 0 ? 30 : 100);
}

// Sums of a scatter are taken in the order of the index, whichever way the work is divided: the CPU's bits.
TEST(SizeParity, sums_of_a_scatter_have_the_bits_of_the_cpu) {
  if (testing::least_operations() > 0) GTEST_SKIP() << "the library has a few formulas only";
  Rng rng(8);
  for (const auto& [outer, n, indexed, inner] :
       {std::array<int64_t, 4>{1, 37, 1000, 5}, {1, 3, 257, 70}, {3, 40, 65, 1}, {1, 2, 40, 20000}, {2, 100, 33, 31}})
    for (DType dtype : {float32, float64, int64}) {
      const std::string what = join(Shape{outer, n, indexed, inner}, " ", dtype);
      const Tensor x = cast(rng.normal({outer, indexed, inner}) * 10.0, dtype),
                   base = cast(rng.normal({outer, n, inner}) * 10.0, dtype);
      const Tensor one = rng.integers(n, {indexed}), each = rng.integers(n, {outer, indexed, inner});
      const auto there = [](const Tensor& t) { return to_device(t, device); };
      EXPECT_TRUE(testing::same_bits(index_add(base, 1, one, x),
                                     to_device(index_add(there(base), 1, there(one), there(x)), Device::cpu())))
          << what;
      EXPECT_TRUE(testing::same_bits(scatter_add(base, 1, each, x),
                                     to_device(scatter_add(there(base), 1, there(each), there(x)), Device::cpu())))
          << what;
    }
}

/// Device addresses for so many bytes. Emulated kernels take the host's, of which only pages that are touched take memory.
class FarMemory {
 public:
  explicit FarMemory(int64_t bytes) : bytes_(size_t(bytes)) {
    if (testing::emulator())
      start_ = mmap(nullptr, bytes_, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    else start_ = cuda::backend().allocate(bytes_);
  }
  ~FarMemory() {
    if (testing::emulator()) munmap(start_, bytes_);
    else cuda::backend().release(start_, bytes_, device.index);
  }
  FarMemory(const FarMemory&) = delete;
  void put(int64_t at, float value) const {
    const BFloat16 element(value);
    void* to = static_cast<BFloat16*>(start_) + at;
    if (testing::emulator()) std::memcpy(to, &element, sizeof element);
    else cuda::backend().upload(to, &element, sizeof element);
  }
  const BFloat16* data() const { return static_cast<const BFloat16*>(start_); }

 private:
  size_t bytes_;
  void* start_;
};

// Few elements, more than 2³¹ apart, as the rows of a sum of [65536, 40000] are.
TEST(SizeParity, elements_further_apart_than_32_bits_reach) {
  constexpr int64_t apart = (int64_t(1) << 31) + 8, rows = 2, columns = 3;
  cuda::backend().use(device.index);
  if (!testing::emulator() && cuda::backend().describe(device.index).free_memory < 3 * 2 * apart)
    GTEST_SKIP() << "the GPU has not enough memory";
  const FarMemory memory(2 * (rows * apart));
  for (int64_t r = 0; r < rows; ++r)
    for (int64_t c = 0; c < columns; ++c) memory.put(r * apart + c, float(3 * r + c));
  const auto sums = [&](const BFloat16* from, const Layout& kept, const Layout& reduced) {
    Tensor out = Tensor::empty({kept.numel()}, float32, device);
    cuda::backend().reduce(cuda::Reduction::sum, bfloat16, from, kept, reduced, out.mutable_raw());
    return out.to_vector<float>();
  };
  const Layout down{{rows}, {apart}, 0}, along{{columns}, {1}, 0}, up{{rows}, {-apart}, 0};
  EXPECT_EQ(sums(memory.data(), down, along), (std::vector<float>{3, 12}));
  EXPECT_EQ(sums(memory.data(), along, down), (std::vector<float>{3, 5, 7}));
  EXPECT_EQ(sums(memory.data() + apart, up, along), (std::vector<float>{12, 3}));
  const Layout all{{rows, columns}, {apart, 1}, 0}, none{{}, {}, 0};
  EXPECT_EQ(sums(memory.data(), none, all), (std::vector<float>{15}));
  EXPECT_EQ(sums(memory.data(), all, none), (std::vector<float>{0, 1, 2, 3, 4, 5}));
  // Element-wise passes are cut in pieces instead.
  Tensor copied = Tensor::empty({rows, columns}, float32, device);
  cuda::backend().copy({rows, columns}, copied.mutable_raw(), copied.strides(), float32, memory.data(), {apart, 1},
                       bfloat16);
  EXPECT_EQ(copied.to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4, 5}));
}

}  // namespace
}  // namespace pf
