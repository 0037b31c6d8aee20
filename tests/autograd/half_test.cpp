// Every operation of the catalogue on 16-bit numbers: its value is that of float32 rounded once, its derivatives are those
// of float32 to a few roundings, and everything has the type that came in.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>

#include "autograd/functional.h"
#include "autograd/op_check.h"
#include "tensor/ops/cast.h"
#include "tensor/ops/matmul.h"

namespace pf {
namespace {

struct ValueAndSlopes {
  Tensor value, tangent;
  std::vector<Tensor> gradients;
};

/// The cotangent and the tangents are small numbers that 16 bits hold exactly.
ValueAndSlopes evaluate(const OpEntry& entry, const std::vector<Tensor>& inputs) {
  std::vector<Variable> x;
  std::vector<Tensor> tangents;
  for (const Tensor& one : inputs) {
    x.push_back(entry.differentiable() ? tracked(one) : Variable(one));
    tangents.push_back(full(one.shape(), 0.5, one.dtype()));
  }
  const Variable y = entry.apply(x);
  ValueAndSlopes out{y.value(), {}, {}};
  if (!entry.differentiable()) return out;
  out.gradients = pull_cotangents<Tensor>(y, x, expand(full({}, 0.75, y.dtype()), y.shape()), {.allow_unused = true});
  out.tangent = push_tangents<Tensor>(y, x, tangents);
  return out;
}

std::vector<double> numbers_of(const Tensor& x) { return cast(x, float64).to_vector<double>(); }

/// The largest difference in units of the last place, of 1 or of the size of the numbers; infinite where shapes differ.
double roundings(const Tensor& found, const Tensor& wide, DType dtype) {
  if (found.defined() != wide.defined()) return INFINITY;
  if (!found.defined()) return 0;
  if (!(found.shape() == wide.shape()) || found.dtype() != dtype) return INFINITY;
  const std::vector<double> a = numbers_of(found), b = numbers_of(cast(wide, dtype));
  const double unit = dtype == bfloat16 ? 0x1p-8 : 0x1p-11;
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (std::isnan(a[i]) && std::isnan(b[i]))) continue;
    const double error = std::abs(a[i] - b[i]) / std::max({1.0, std::abs(a[i]), std::abs(b[i])});
    worst = std::max(worst, error <= 1e300 ? error / unit : INFINITY);
  }
  return worst;
}

std::string entry_name(const testing::TestParamInfo<size_t>& info) {
  const std::vector<OpEntry>& all = op_catalogue();
  const std::string& name = all[info.param].name;
  int64_t before = 0;
  for (size_t i = 0; i < info.param; ++i) before += all[i].name == name;
  return before ? join(name, "_", before + 1) : name;
}

class HalfOps : public testing::TestWithParam<size_t> {};
INSTANTIATE_TEST_SUITE_P(Catalogue, HalfOps, testing::Range<size_t>(0, op_catalogue().size()), entry_name);

TEST_P(HalfOps, are_those_of_float32_rounded) {
  const OpEntry& entry = op_catalogue()[GetParam()];
  // What is made of several operations is rounded after each; what a derivative reads of the result was rounded, too.
  const double value_bound = entry.op.empty() ? 8 : 0, slope_bound = 16;
  Rng rng(1);
  for (const OpSample& sample : entry.samples) {
    const std::vector<Tensor> plain = draw(sample, rng);
    for (DType dtype : {bfloat16, float16}) {
      const std::string what = join(entry.name, ", ", sample.label, ", ", dtype);
      std::vector<Tensor> half, wide;
      for (const Tensor& x : plain) {
        half.push_back(cast(x, dtype));
        wide.push_back(widened(half.back()));
      }
      const ValueAndSlopes found = evaluate(entry, half), expected = evaluate(entry, wide);
      const DType own = expected.value.dtype();
      const bool follows = own == float32 && entry.name != "one_hot";  // whose type is a parameter
      const DType type = follows ? dtype : own;
      EXPECT_LE(roundings(found.value, expected.value, type), value_bound) << what;
      if (!entry.differentiable()) continue;
      EXPECT_LE(roundings(found.tangent, expected.tangent, dtype), slope_bound) << what << ", tangent";
      for (size_t i = 0; i < expected.gradients.size(); ++i)
        EXPECT_LE(roundings(found.gradients[i], expected.gradients[i], dtype), slope_bound)
            << what << ", gradient " << i;
    }
  }
}

// The gradient of a float32 parameter that is used in 16 bits comes back as float32, once more differentiable.
TEST(HalfCast, derivatives_pass_in_the_types_of_the_values) {
  const Variable w = tracked(tensor({0.5, -1.25, 3})), x = tracked(tensor({1, 2, -3}));
  const Variable y = cast(w, bfloat16) * cast(x, bfloat16);
  EXPECT_EQ(y.dtype(), bfloat16);
  const Variable loss = sum(cast(y, float32) * cast(y, float32));
  const std::vector<Variable> g = pull_cotangents<Variable>(loss, std::array{w, x}, Variable(ones({})), {});
  ASSERT_EQ(g[0].dtype(), float32);
  EXPECT_EQ(numbers_of(g[0].value()), (std::vector<double>{1, -10, 54}));  // 2 w x²
  const Variable again = pull_cotangents<Variable>(sum(g[0]), std::array{w}, Variable(ones({})), {})[0];
  EXPECT_EQ(numbers_of(again.value()), (std::vector<double>{2, 8, 18}));  // 2 x²
  EXPECT_EQ(numbers_of(push_tangents<Tensor>(loss, std::array{w}, std::array{ones({3})})), (std::vector<double>{45}));
  EXPECT_FALSE(cast(w, int64).tracked());
}

}  // namespace
}  // namespace pf
