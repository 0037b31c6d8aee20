// The 16-bit types: conversions over all their patterns, tensors of them through everything that moves elements, and files.

#include "tensor/half.h"

#include <cfloat>
#include <limits>

#include "tensor/npy.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/sort.h"
#include "tensor/ops/where.h"
#include "tensor/random.h"
#include "tensor/safetensors.h"
#include "tests/support/temporary.h"
#include "tests/tensor/arrays.h"

namespace pf {
namespace {

using testing::error_of;
using testing::numbers;
using testing::values;

template <class T> struct Kind;
template <> struct Kind<BFloat16> { static constexpr int exponent = 8, fraction = 7; };
template <> struct Kind<Float16> { static constexpr int exponent = 5, fraction = 10; };

/// What a pattern means, by the definition of such numbers.
template <class T> double meaning(uint16_t bits) {
  constexpr int fraction_bits = Kind<T>::fraction, exponent_bits = Kind<T>::exponent, most = (1 << exponent_bits) - 1;
  const int exponent = bits >> fraction_bits & most, fraction = bits & ((1 << fraction_bits) - 1);
  const double sign = bits & 0x8000 ? -1 : 1;
  if (exponent == most) return fraction ? NAN : sign * INFINITY;
  const int bias = most / 2;
  if (exponent == 0) return sign * std::ldexp(fraction, 1 - bias - fraction_bits);
  return sign * std::ldexp((1 << fraction_bits) + fraction, exponent - bias - fraction_bits);
}
template <class T> T of_bits(uint16_t bits) {
  T out;
  out.bits = bits;
  return out;
}

template <class T> class HalfTypes : public ::testing::Test {};
using Both = ::testing::Types<BFloat16, Float16>;
TYPED_TEST_SUITE(HalfTypes, Both);

TYPED_TEST(HalfTypes, every_pattern_has_its_meaning_and_comes_back) {
  for (int i = 0; i <= 0xffff; ++i) {
    const auto x = of_bits<TypeParam>(uint16_t(i));
    const double wanted = meaning<TypeParam>(uint16_t(i));
    if (std::isnan(wanted)) {
      EXPECT_TRUE(std::isnan(float(x))) << i;
      EXPECT_TRUE(std::isnan(meaning<TypeParam>(TypeParam(float(x)).bits))) << i;
      EXPECT_EQ(TypeParam(float(x)).bits >> 15, i >> 15) << i;
      continue;
    }
    ASSERT_EQ(double(float(x)), wanted) << i;
    ASSERT_EQ(std::signbit(float(x)), i >> 15 != 0) << i;
    ASSERT_EQ(TypeParam(float(x)).bits, i);
    ASSERT_EQ(TypeParam(wanted).bits, i);
  }
}

// Between every two neighbours: the middle goes to the even one, the next numbers on its sides to the nearer, also where
// a float on the way would have been the middle itself.
TYPED_TEST(HalfTypes, rounds_to_the_nearest_and_ties_to_even) {
  constexpr uint16_t infinity = ((1 << Kind<TypeParam>::exponent) - 1) << Kind<TypeParam>::fraction;
  for (uint16_t low = 0; low < infinity; ++low) {
    const uint16_t high = uint16_t(low + 1);
    const double step = meaning<TypeParam>(low ? low : 1) - meaning<TypeParam>(low ? uint16_t(low - 1) : 0);
    const double below = meaning<TypeParam>(low);
    const double above = high < infinity ? meaning<TypeParam>(high) : below + step, middle = (below + above) / 2;
    ASSERT_EQ(TypeParam(middle).bits, low % 2 ? high : low) << below;
    ASSERT_EQ(TypeParam(-middle).bits, 0x8000 | (low % 2 ? high : low)) << below;
    ASSERT_EQ(TypeParam(std::nextafter(middle, 0)).bits, low) << below;
    ASSERT_EQ(TypeParam(std::nextafter(middle, INFINITY)).bits, high) << below;
    const float f = float(middle);
    if (double(f) != middle) continue;
    ASSERT_EQ(TypeParam(f).bits, low % 2 ? high : low) << below;
    ASSERT_EQ(TypeParam(std::nextafter(f, 0.0f)).bits, low) << below;
    ASSERT_EQ(TypeParam(std::nextafter(f, float(INFINITY))).bits, high) << below;
  }
}

TYPED_TEST(HalfTypes, what_is_too_large_or_too_small) {
  for (double x : {1e300, double(INFINITY)}) {
    EXPECT_EQ(float(TypeParam(x)), INFINITY);
    EXPECT_EQ(float(TypeParam(-x)), -INFINITY);
  }
  EXPECT_EQ(float(TypeParam(FLT_MAX)), INFINITY);
  EXPECT_EQ(TypeParam(1e-300).bits, 0);
  EXPECT_EQ(TypeParam(-1e-300).bits, 0x8000);
  EXPECT_EQ(TypeParam(std::numeric_limits<double>::denorm_min()).bits, 0);
}

TEST(HalfTypes, whole_numbers_round_once) {
  EXPECT_EQ(float(BFloat16(int64_t(257))), 256);
  EXPECT_EQ(float(BFloat16(int64_t(259))), 260);
  EXPECT_EQ(float(BFloat16(int64_t(-259))), -260);
  EXPECT_EQ(float(Float16(int64_t(65519))), 65504);
  EXPECT_EQ(float(Float16(int64_t(65520))), INFINITY);
  // The middle of two neighbours, and one more, which a double cannot tell apart.
  const int64_t low = int64_t(1) << 62, middle = low + (int64_t(1) << 54);
  EXPECT_EQ(float(BFloat16(middle)), 0x1p62f);
  EXPECT_EQ(float(BFloat16(middle + 1)), 0x1p62f + 0x1p55f);
  EXPECT_EQ(float(BFloat16(middle - 1)), 0x1p62f);
  EXPECT_EQ(float(BFloat16(std::numeric_limits<int64_t>::min())), -0x1p63f);
}

constexpr DType all_types[] = {float32, float64, int64, boolean, bfloat16, float16};

class HalfTensors : public ::testing::TestWithParam<DType> {};
INSTANTIATE_TEST_SUITE_P(, HalfTensors, ::testing::Values(bfloat16, float16),
                         [](const auto& each) { return std::string(name_of(each.param)); });

TEST_P(HalfTensors, convert_to_and_from_every_type) {
  const std::vector<double> some = {0, 1, -1, 3, 40};
  for (DType other : all_types) {
    const Tensor from = tensor(some, other);
    const Tensor there = cast(from, GetParam());
    EXPECT_EQ(there.dtype(), GetParam());
    EXPECT_EQ(values(there), values(from)) << name_of(other);
    EXPECT_EQ(values(cast(there, other)), values(from)) << name_of(other);
  }
  EXPECT_EQ(values(cast(tensor({2.75, -2.75}, GetParam()), int64)), (std::vector<double>{2, -2}));
  EXPECT_EQ(values(full({3}, 0.1, GetParam())), values(cast(full({3}, 0.1, float64), GetParam())));
  EXPECT_EQ(values(arange(0, 5, 1, GetParam())), (std::vector<double>{0, 1, 2, 3, 4}));
  EXPECT_EQ(tensor({1.5, -2}, GetParam()).at({1}), -2);
}

// What moves elements does not look at them: moved then rounded is rounded then moved.
TEST_P(HalfTensors, move_like_any_elements) {
  const Tensor index = tensor({2, 0, 1, 1}, int64), each = testing::positions({3, 4}, 3);
  const Tensor chosen = numbers({3, 4}, float32, 5) > 0.0;
  const std::pair<const char*, std::function<Tensor(const Tensor&)>> moves[] = {
      {"transpose", [](const Tensor& x) { return contiguous(transpose(x)); }},
      {"slice", [](const Tensor& x) { return contiguous(slice(x, 1, 1, {}, 2)); }},
      {"flip", [](const Tensor& x) { return flip(x, -1); }},
      {"expand",
       [](const Tensor& x) {
         return copy(expand(slice(x, 0, 0, 1), {3, 4}));
       }},
      {"reshape",
       [](const Tensor& x) {
         return reshape(transpose(x), {2, 6});
       }},
      {"pick", [](const Tensor& x) { return pick(x, 1, 2); }},
      {"pad", [](const Tensor& x) { return pad(x, 0, 1, 2); }},
      {"pad with a number", [](const Tensor& x) { return pad(x, 1, 1, 0, 0.5); }},
      {"concat",
       [](const Tensor& x) {
         return concat({x, flip(x, 0)}, 1);
       }},
      {"stack",
       [](const Tensor& x) {
         return stack({x, x}, 1);
       }},
      {"roll", [](const Tensor& x) { return roll(x, 1, 1); }},
      {"index_select", [&](const Tensor& x) { return index_select(x, 0, index); }},
      {"gather", [&](const Tensor& x) { return gather(x, 0, each); }},
      {"where", [&](const Tensor& x) { return where(chosen, x, flip(x, 0)); }},
      {"sort", [](const Tensor& x) { return sort(x, 1).values; }},
  };
  const Tensor x = cast(numbers({3, 4}, float32), GetParam());
  for (const auto& [name, move] : moves) {
    const Tensor found = move(x);
    EXPECT_EQ(found.dtype(), GetParam()) << name;
    EXPECT_EQ(values(found), values(move(widened(x)))) << name;
  }
  EXPECT_EQ(values(Tensor(argmax(x, 1))), values(argmax(widened(x), 1)));
  EXPECT_FALSE(any(isnan(x)));
  EXPECT_TRUE(all(isinf(full({2}, 1e300, GetParam()))));
}

TEST_P(HalfTensors, compute_in_float32_and_round_once) {
  const Tensor x = cast(numbers({5, 7}, float32), GetParam()), y = cast(numbers({5, 7}, float32, 2), GetParam());
  const auto rounded = [&](const Tensor& wide) { return values(cast(wide, GetParam())); };
  EXPECT_EQ(values(x + y), rounded(widened(x) + widened(y)));
  EXPECT_EQ(values(exp(x)), rounded(exp(widened(x))));
  EXPECT_EQ(values(transpose(x) * 0.1), rounded(transpose(widened(x)) * 0.1)) << "numbers are not rounded first";
  EXPECT_EQ(values(matmul(x, transpose(y))), rounded(matmul(widened(x), transpose(widened(y)))));
  EXPECT_EQ(values(sum(x, 0)), rounded(sum(widened(x), 0)));
  EXPECT_EQ(values(x < 0.1), values(widened(x) < 0.1));
  // 2048 of them in a row: a sum in 16 bits would stop at 256 or 2048.
  EXPECT_EQ(sum(ones({4096}, GetParam())).item(), 4096);
}

TEST_P(HalfTensors, refuse_other_types_beside_them) {
  const Tensor x = ones({2, 2}, GetParam());
  EXPECT_EQ(error_of([&] {
              x + ones({2, 2});
            }),
            join("add: ", GetParam(), " [2, 2] and float32 [2, 2]: element types differ; convert one with cast(x, ",
                 GetParam(), ")"));
  EXPECT_NE(error_of([&] { matmul(ones({2, 2}, float64), x); }).find("element types differ"), std::string::npos);
  EXPECT_EQ(error_of([&] { x.data<float>(); }),
            join("data: the tensor is ", GetParam(), ", not float32; convert with cast(x, float32)"));
  Rng rng(1);
  EXPECT_NE(error_of([&] { rng.uniform({2}, GetParam()); }).find("draw float32 and cast"), std::string::npos);
}

TEST_P(HalfTensors, print_and_draw) {
  EXPECT_EQ(to_string(tensor({1.5, -2}, GetParam())), join("[ 1.5000, -2.0000]  [2] ", GetParam()));
  Rng a(3), b(3);
  EXPECT_EQ(values(a.normal({9}, GetParam())), values(cast(b.normal({9}), GetParam())));
  EXPECT_EQ(values(a.bernoulli(0.3, {9}, GetParam())), values(b.bernoulli(0.3, {9})));
  EXPECT_EQ(values(a.rademacher({9}, GetParam())), values(b.rademacher({9})));
}

TEST_P(HalfTensors, files) {
  const testing::TemporaryFolder folder;
  const Tensor x = cast(numbers({3, 5}, float32), GetParam());
  NamedTensors content;
  content.add("x", x);
  content.add("y", ones({3}));
  write_safetensors(folder.path() / "x.safetensors", content);
  const NamedTensors read = read_safetensors(folder.path() / "x.safetensors");
  EXPECT_EQ(read.at("x").dtype(), GetParam());
  EXPECT_EQ(values(read.at("x")), values(x));
  const auto path = folder.path() / "x.npy";
  if (GetParam() == float16) {
    write_npy(path, transpose(x));
    const Tensor back = read_npy(path);
    EXPECT_EQ(back.dtype(), float16);
    EXPECT_EQ(values(back), values(transpose(x)));
    return;
  }
  EXPECT_EQ(error_of([&] { write_npy(path, x); }),
            path.string() + ": NPY has no bfloat16; write cast(x, float32), or a safetensors file, which has");
}

}  // namespace
}  // namespace pf
