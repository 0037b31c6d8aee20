// NaN, infinities, zeros of both signs, subnormal and extreme numbers: every operation of the catalogue makes of them on
// the device what it makes of them on the CPU.

#include <gtest/gtest.h>

#include <algorithm>
#include <iostream>
#include <limits>

#include "tests/cuda/parity/outcome.h"
#include "tests/cuda/parity/partial.h"

namespace pf {
namespace {

using testing::Outcome;
const Device device = Device::cuda();

template <class T> std::vector<double> special_numbers() {
  using L = std::numeric_limits<T>;
  return {double(L::quiet_NaN()),
          double(L::infinity()),
          -double(L::infinity()),
          0.0,
          -0.0,
          double(L::denorm_min()),
          -double(L::denorm_min()),
          double(L::min()) * 0.5,
          -double(L::min()) * 0.5,
          double(L::min()),
          double(L::max()),
          -double(L::max()),
          1,
          -1,
          0.5,
          3};
}
std::vector<double> special_numbers(DType dtype) {
  return dtype == float32 ? special_numbers<float>() : special_numbers<double>();
}

/// Sums of products are taken in another order there, and with or without fused multiplication: where products underflow or
/// overflow, zeros have another sign, and infinities meet or not.
bool adds_products(const OpEntry& entry) {
  static const char* const names[] = {"matmul", "linear",  "layer_norm", "causal_attention",
                                      "solve",  "inverse", "det",        "log_abs_det"};
  return std::any_of(std::begin(names), std::end(names), [&](const char* name) { return entry.name == name; });
}
bool is_compared(const OpEntry& entry, double value, DType dtype) {
  const double size = std::abs(value), least = dtype == float32 ? double(std::numeric_limits<float>::min())
                                                                : std::numeric_limits<double>::min();
  if (!adds_products(entry) || size != size || size == 0) return true;
  // The CPU multiplies infinite values with weights of zero where a block of queries ends, the device does not.
  if (std::isinf(size)) return entry.name != "causal_attention";
  return size >= least && size < 1e30;
}

/// Every tuple of special numbers, one array an operand.
std::vector<Tensor> all_tuples(const OpEntry& entry, DType dtype) {
  const size_t operands = entry.samples[0].inputs.size();
  std::vector<double> special = special_numbers(dtype);
  // The quotient of the largest numbers has no remainder: its digits end far above 1.
  if (entry.name == "remainder") std::erase_if(special, [](double x) { return std::abs(x) > 1e30 && !std::isinf(x); });
  size_t count = 1;
  for (size_t i = 0; i < operands; ++i) count *= special.size();
  std::vector<Tensor> out;
  for (size_t i = 0, step = 1; i < operands; ++i, step *= special.size()) {
    std::vector<double> column(count);
    for (size_t k = 0; k < count; ++k) column[k] = special[k / step % special.size()];
    out.push_back(tensor(column, dtype));
  }
  return out;
}

/// The sample's numbers with `value` at every fifth place.
std::vector<Tensor> planted(const OpSample& sample, double value, DType dtype) {
  Rng rng(uint64_t{3});
  std::vector<Tensor> out;
  for (const Tensor& x : draw(sample, rng)) {
    std::vector<double> numbers = x.to_vector<double>();
    for (size_t i = 1; i < numbers.size(); i += 5) numbers[i] = value;
    out.push_back(tensor(numbers, x.shape(), dtype));
  }
  return out;
}

struct Tally {
  int operations = 0, arrays = 0, refused = 0, left_out = 0;
};

std::string numbers_at(const std::vector<Tensor>& inputs, const Tensor& a, const Tensor& b) {
  if (!a.defined() || !b.defined() || !(a.shape() == b.shape())) return "";
  const auto x = cast(a, float64).to_vector<double>(), y = cast(b, float64).to_vector<double>();
  std::string out;
  int shown = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = std::abs(x[i] - y[i]) / std::max({1.0, std::abs(x[i]), std::abs(y[i])});
    const bool same = (x[i] != x[i] && y[i] != y[i]) || (x[i] == y[i] && std::signbit(x[i]) == std::signbit(y[i])) ||
                      (x[i] != y[i] && error < 1e-6);
    if (same || ++shown > 6) continue;
    out += join("\n  [", i, "] ", x[i], " on the CPU, ", y[i], " on the device, of");
    for (const Tensor& in : inputs)
      if (size_t(in.numel()) > i) out += join(" ", cast(in, float64).to_vector<double>()[i]);
  }
  return out;
}

void compare(const OpEntry& entry, const std::vector<Tensor>& here, const std::string& what, Tally& tally) {
  const DType dtype = here[0].dtype();
  std::vector<Tensor> there;
  for (const Tensor& x : here) there.push_back(to_device(x, device));
  const Outcome expected = testing::evaluate_or_fail(entry, here);
  const UseDevice on(device);
  const Outcome found = testing::evaluate_or_fail(entry, there);
  EXPECT_EQ(found.error, expected.error) << what;
  if (!expected.error.empty() && ++tally.refused) return;
  if (testing::is_exact(entry)) {
    EXPECT_TRUE(testing::same_bits(expected.value, found.value))
        << what << numbers_at(here, expected.value, found.value);
  }
  const bool zero_signs = !adds_products(entry) && entry.name != "lerp";
  const auto expect = [&](const Tensor& a, const Tensor& b, const std::string& name) {
    EXPECT_LE(testing::difference(a, b), 1.5 * testing::parity_tolerance(dtype)) << name << numbers_at(here, a, b);
    if (zero_signs) {
      EXPECT_EQ(testing::differing_zero(a, b), -1) << name << ": the sign of zero" << numbers_at(here, a, b);
    }
    ++tally.arrays;
  };
  expect(expected.value, found.value, what);
  for (size_t i = 0; i < expected.gradients.size(); ++i)
    expect(expected.gradients[i], found.gradients[i], join(what, ", gradient ", i));
}

/// f for every entry whose formulas the library has.
template <class F> Tally for_each_operation(bool pointwise, const F& f) {
  Tally tally;
  for (const OpEntry& entry : op_catalogue()) {
    if ((entry.kind == "pointwise") != pointwise) continue;
    try {
      f(entry, tally);
      ++tally.operations;
    } catch (const Error& e) {
      if (!testing::is_left_out(e)) throw;
    }
  }
  std::cout << tally.operations << " operations, " << tally.arrays << " arrays compared, " << tally.refused
            << " inputs refused by both, " << tally.left_out << " left out\n";
  return tally;
}

TEST(ValueParity, formulas_of_all_tuples_of_special_numbers) {
  const Tally tally = for_each_operation(true, [](const OpEntry& entry, Tally& t) {
    for (DType dtype : {float32, float64}) compare(entry, all_tuples(entry, dtype), join(entry.name, ", ", dtype), t);
  });
  EXPECT_GE(tally.operations, testing::least_operations() > 0 ? 20 : 70);
}

TEST(ValueParity, special_numbers_among_others) {
  const Tally tally = for_each_operation(false, [](const OpEntry& entry, Tally& t) {
    for (DType dtype : {float32, float64})
      for (double value : special_numbers(dtype))
        for (const OpSample& sample : entry.samples) {
          if (!is_compared(entry, value, dtype) && ++t.left_out) continue;
          compare(entry, planted(sample, value, dtype), join(entry.name, ", ", sample.label, ", ", dtype, ", ", value),
                  t);
        }
  });
  EXPECT_GE(tally.operations, testing::least_operations() > 0 ? 30 : 55);
}

}  // namespace
}  // namespace pf
