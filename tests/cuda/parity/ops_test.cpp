// Every operation of the catalogue on the device gives what it gives on the CPU: values, derivatives in reverse and forward
// mode and of second order, in every precision, in every layout; and it runs where its operands are. Integers and truth values
// bit for bit, floating-point numbers to a few roundings.

#include <gtest/gtest.h>

#include <iostream>

#include "autograd/op_check.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/cast.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/scan.h"
#include "tensor/ops/sort.h"
#include "tensor/ops/where.h"
#include "tests/cuda/parity/extension/ripple.h"
#include "tests/cuda/parity/outcome.h"
#include "tests/cuda/parity/partial.h"

namespace pf {
namespace {

using testing::Derivatives, testing::difference, testing::evaluate, testing::Outcome;
const Device device = Device::cuda();

std::string test_name(const ::testing::TestParamInfo<size_t>& info) {
  const std::vector<OpEntry>& all = op_catalogue();
  const std::string& name = all[info.param].name;
  int64_t before = 0;
  for (size_t i = 0; i < info.param; ++i) before += all[i].name == name;
  return before ? join(name, "_", before + 1) : name;
}

constexpr MemoryLayout layouts[] = {MemoryLayout::contiguous, MemoryLayout::transposed, MemoryLayout::every_second,
                                    MemoryLayout::backwards, MemoryLayout::repeated};

/// Calls visit(sample, dtype, layout) for all that are compared.
template <class Visit> void for_each_case(const OpEntry& entry, const Visit& visit) {
  for (const OpSample& sample : entry.samples)
    for (DType dtype : {float32, float64, bfloat16, float16})
      for (MemoryLayout layout : layouts) {
        if (entry.skipped.contains(to_string(layout))) continue;
        // Of 16 bits one layout goes through memory flat, the other by strides.
        if (is_half(dtype) && layout != MemoryLayout::contiguous && layout != MemoryLayout::transposed) continue;
        visit(sample, dtype, layout);
      }
}

struct Pair {
  Outcome here, there;
};
/// The entry on the CPU and on the device, each while the other is the default one: operations run where their operands are.
Pair evaluate_both(const OpEntry& entry, const std::vector<Tensor>& here, const std::vector<Tensor>& there,
                   Derivatives derivatives) {
  Pair out;
  {
    const UseDevice elsewhere(device);
    out.here = evaluate(entry, here, derivatives);
  }
  out.there = evaluate(entry, there, derivatives);
  return out;
}

/// Compares values and derivatives of all samples, precisions and layouts; how many arrays they were.
int64_t compare(const OpEntry& entry) {
  Rng rng(1);
  int64_t compared = 0;
  const OpSample* drawn = nullptr;
  std::vector<Tensor> plain;
  for_each_case(entry, [&](const OpSample& sample, DType dtype, MemoryLayout layout) {
    if (drawn != &sample) plain = draw(*(drawn = &sample), rng);
    std::vector<Tensor> here, there;
    for (const Tensor& x : plain) {
      here.push_back(laid_out(cast(x, dtype), layout));
      there.push_back(laid_out(to_device(cast(x, dtype), device), layout));
    }
    // A library of few formulas lacks those that second derivatives are made of.
    const bool all = !is_half(dtype) && testing::least_operations() == 0;
    const auto [expected, found] = evaluate_both(entry, here, there, all ? Derivatives::second : Derivatives::first);
    const std::string what = join(entry.name, ", ", sample.label, ", ", dtype, ", ", layout);
    EXPECT_EQ(expected.value.device(), Device::cpu()) << what;
    EXPECT_EQ(found.value.device(), device) << what;
    EXPECT_LE(difference(expected.value, found.value), testing::parity_tolerance(expected.value.dtype())) << what;
    ++compared;
    const auto close = [&](const Tensor& a, const Tensor& b, double tolerance, const char* which, size_t i) {
      EXPECT_TRUE(!b.defined() || b.device() == device) << what << ", " << which << ' ' << i;
      EXPECT_LE(difference(a, b), tolerance) << what << ", " << which << ' ' << i;
      ++compared;
    };
    const double tolerance = testing::parity_tolerance(dtype);
    for (size_t i = 0; i < expected.gradients.size(); ++i)
      close(expected.gradients[i], found.gradients[i], tolerance, "gradient", i);
    if (!all || !entry.differentiable()) return;
    close(expected.tangent, found.tangent, tolerance, "tangent", 0);
    for (size_t i = 0; i < expected.second.size(); ++i)
      close(expected.second[i], found.second[i], 4 * tolerance, "second derivative", i);
  });
  std::cout << entry.name << ": " << compared << " arrays compared\n";
  return compared;
}

class OpParity : public ::testing::TestWithParam<size_t> {};

TEST_P(OpParity, device_gives_what_the_cpu_gives) {
  try {
    RecordProperty("compared", int(compare(op_catalogue()[GetParam()])));
    ++testing::operations_compared();
  } catch (const Error& e) {
    if (!testing::is_left_out(e)) throw;
    GTEST_SKIP() << e.what();
  }
}

// Its header says no word of CUDA; tensor/README.md tells how it was added.
TEST(OpParityOfExtensions, AnOperationOfOnesOwn) { EXPECT_GT(compare(pointwise_entry<Ripple>()), 100); }

INSTANTIATE_TEST_SUITE_P(Catalogue, OpParity, ::testing::Range<size_t>(0, op_catalogue().size()), test_name);

// Integers and truth values -------------------------------------------------------------------------------------------

/// A drawn sample as elements of that type; the numbers have both signs and repeat.
Tensor as_type(const Tensor& drawn, DType dtype) {
  if (dtype == int64) return cast(drawn * 3.0, int64);
  return dtype == boolean ? greater(drawn, 0.4) : cast(drawn, dtype);
}

struct Counts {
  int compared = 0, refused = 0;
};

/// f of the CPU's and of the device's tensors: the same bits, or both refuse. may_differ: only one of them may refuse.
template <class F>
void compare_exactly(const F& f, const Tensor& here, const Tensor& there, const std::string& what, bool may_differ,
                     Counts& counts) {
  const auto outcome = [&](const Tensor& x, Device elsewhere) {
    const UseDevice on(elsewhere);
    try {
      const Tensor y = f(x);
      EXPECT_EQ(y.device(), x.device()) << what;
      return Outcome{.value = to_device(y, Device::cpu())};
    } catch (const Error& e) { return Outcome{.error = e.what()}; }
  };
  const Outcome expected = outcome(here, device), found = outcome(there, Device::cpu());
  const bool differ = expected.error.empty() != found.error.empty();
  EXPECT_TRUE(!differ || may_differ) << what << ": " << expected.error << found.error;
  if (differ || !expected.error.empty()) {
    ++counts.refused;
    return;
  }
  EXPECT_TRUE(testing::same_bits(expected.value, found.value)) << what;
  ++counts.compared;
}

/// Products of integers are none of cuBLAS's; where nothing is computed, one of the two does not ask for the type.
bool may_differ(const OpEntry& entry, const OpSample& sample, DType dtype) {
  return (entry.name == "matmul" && dtype == int64) || sample.label.starts_with("empty") ||
         (entry.name == "mean" && sample.label == "0-d");
}

TEST(TypeParity, every_operation_on_integers_and_truth_values) {
  if (testing::least_operations() > 0) GTEST_SKIP() << "the library has a few formulas only";
  std::map<DType, Counts> counts;
  std::map<DType, std::vector<std::string>> taken;
  for (const OpEntry& entry : op_catalogue()) {
    Rng rng(2);
    for (const OpSample& sample : entry.samples) {
      const std::vector<Tensor> plain = draw(sample, rng);
      for (DType dtype : {int64, boolean})
        for (MemoryLayout layout : layouts) {
          // Through the first input; the others follow it to where it is.
          const auto f = [&](const Tensor& first) {
            std::vector<Variable> x{Variable(first)};
            for (size_t i = 1; i < plain.size(); ++i)
              x.emplace_back(
                  to_device(laid_out(as_type(to_device(plain[i], Device::cpu()), dtype), layout), first.device()));
            return entry.apply(x).value();
          };
          const Tensor here = laid_out(as_type(plain[0], dtype), layout);
          const int before = counts[dtype].compared;
          compare_exactly(f, here, laid_out(to_device(as_type(plain[0], dtype), device), layout),
                          join(entry.name, ", ", sample.label, ", ", dtype, ", ", layout),
                          may_differ(entry, sample, dtype), counts[dtype]);
          if (counts[dtype].compared > before && (taken[dtype].empty() || taken[dtype].back() != entry.name))
            taken[dtype].push_back(entry.name);
        }
    }
  }
  for (DType dtype : {int64, boolean}) {
    std::cout << to_string(dtype) << ": " << taken[dtype].size() << " operations, " << counts[dtype].compared
              << " arrays compared, " << counts[dtype].refused << " refused by both:";
    for (const std::string& name : taken[dtype]) std::cout << ' ' << name;
    std::cout << '\n';
  }
  EXPECT_GE(taken[int64].size(), 40u);
  EXPECT_GE(taken[boolean].size(), 20u);
}

using Function = Tensor (*)(const Tensor&);
Tensor other(const Tensor& x) { return flip(x, -1); }
constexpr std::pair<const char*, Function> functions[] = {
    {"less", [](const Tensor& x) { return less(x, other(x)); }},
    {"less_equal", [](const Tensor& x) { return less_equal(x, other(x)); }},
    {"greater", [](const Tensor& x) { return greater(x, other(x)); }},
    {"greater_equal", [](const Tensor& x) { return greater_equal(x, other(x)); }},
    {"equal", [](const Tensor& x) { return equal(x, other(x)); }},
    {"not_equal", [](const Tensor& x) { return not_equal(x, other(x)); }},
    {"equal to a number", [](const Tensor& x) { return equal(x, 1.0); }},
    {"logical_and", [](const Tensor& x) { return logical_and(x, other(x)); }},
    {"logical_or", [](const Tensor& x) { return logical_or(x, other(x)); }},
    {"logical_not", [](const Tensor& x) { return logical_not(x); }},
    {"where", [](const Tensor& x) { return where(equal(x, other(x)), x, other(x)); }},
    {"where, of numbers", [](const Tensor& x) { return where(cast(x, boolean), x, 0.0); }},
    {"to float32", [](const Tensor& x) { return cast(x, float32); }},
    {"to float64", [](const Tensor& x) { return cast(x, float64); }},
    {"to bfloat16", [](const Tensor& x) { return cast(x, bfloat16); }},
    {"to float16", [](const Tensor& x) { return cast(x, float16); }},
    {"to int64", [](const Tensor& x) { return cast(x, int64); }},
    {"to bool", [](const Tensor& x) { return cast(x, boolean); }},
    {"max of all", [](const Tensor& x) { return max(x); }},
    {"min over the first axis", [](const Tensor& x) { return min(x, 0); }},
    {"argmax", [](const Tensor& x) { return argmax(x, -1); }},
    {"argmin over the first axis", [](const Tensor& x) { return argmin(x, 0); }},
    {"sort", [](const Tensor& x) { return sort(x).values; }},
    {"argsort over the first axis", [](const Tensor& x) { return argsort(x, 0); }},
    {"unique", [](const Tensor& x) { return unique(x).values; }},
    {"copy", [](const Tensor& x) { return copy(x); }},
};
/// Sums of floating-point numbers are taken in another order there.
constexpr std::pair<const char*, Function> sums[] = {
    {"sum of all", [](const Tensor& x) { return sum(x); }},
    {"sum over the last axis", [](const Tensor& x) { return sum(x, -1); }},
    {"sum over the first axis", [](const Tensor& x) { return sum(x, 0); }},
    {"prod", [](const Tensor& x) { return prod(x, -1); }},
    {"cumsum", [](const Tensor& x) { return cumsum(x, -1); }},
    {"cumsum over the first axis", [](const Tensor& x) { return cumsum(x, 0); }},
    {"any, as the largest number", [](const Tensor& x) { return max(cast(x, int64), -1); }},
};

TEST(TypeParity, what_has_the_same_bits_in_every_type) {
  if (testing::least_operations() > 0) GTEST_SKIP() << "the library has a few formulas only";
  Counts counts;
  Rng rng(3);
  for (const Shape& shape : {Shape{3, 4}, Shape{5, 33}, Shape{2, 300}, Shape{300, 2}, Shape{0, 3}}) {
    const Tensor plain = rng.uniform(shape, float64) * 4.0 - 2.0;
    for (DType dtype : {float32, float64, bfloat16, float16, int64, boolean})
      for (MemoryLayout layout : layouts) {
        const Tensor x = as_type(plain, dtype), here = laid_out(x, layout),
                     there = laid_out(to_device(x, device), layout);
        const auto what = [&](const char* name) { return join(name, ", ", shape, ", ", dtype, ", ", layout); };
        for (const auto& [name, f] : functions) compare_exactly(f, here, there, what(name), shape.numel() == 0, counts);
        if (!is_floating(dtype))
          for (const auto& [name, f] : sums) compare_exactly(f, here, there, what(name), shape.numel() == 0, counts);
      }
  }
  std::cout << counts.compared << " arrays compared, " << counts.refused << " refused by both\n";
  EXPECT_GE(counts.compared, 2000);
}

// How much all this is --------------------------------------------------------------------------------------------------

TEST(OpParitySummary, OperationsTimesTypesTimesLayouts) {
  int64_t cases = 0, derivatives = 0;
  for (const OpEntry& entry : op_catalogue())
    for_each_case(entry, [&](const OpSample& sample, DType dtype, MemoryLayout) {
      ++cases;
      if (!entry.differentiable()) return;
      const int64_t inputs = int64_t(sample.inputs.size());
      derivatives += is_half(dtype) ? inputs : 2 * inputs + 1;
    });
  std::cout << op_catalogue().size() << " operations, " << cases << " of sample × dtype × layout: " << cases
            << " values and " << derivatives << " derivatives compared\n";
  EXPECT_GE(cases, 5000);
  EXPECT_GE(derivatives, 15000);
}

}  // namespace
}  // namespace pf
