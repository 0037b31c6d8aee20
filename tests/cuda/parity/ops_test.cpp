// Every operation of the catalogue on the device gives what it gives on the CPU: values and gradients, in every precision,
// in every layout. Integers and truth values bit for bit, floating-point numbers to a few roundings.

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <iostream>

#include "autograd/op_check.h"
#include "tests/cuda/parity/extension/ripple.h"

namespace pf {
namespace {

const Device device = Device::cuda();

struct Outcome {
  Tensor value;
  std::vector<Tensor> gradients;
};

Outcome evaluate(const OpEntry& entry, const std::vector<Tensor>& inputs) {
  std::vector<Variable> x;
  for (const Tensor& one : inputs) x.push_back(entry.differentiable() ? tracked(one) : Variable(one));
  const Variable y = entry.apply(x);
  Outcome out{y.value(), {}};
  if (!entry.differentiable()) return out;
  // A cotangent that differs from element to element.
  const Tensor g = reshape(linspace(0.5, 1.5, std::max<int64_t>(1, y.numel()), y.dtype()), {-1});
  out.gradients = pull_cotangents<Tensor>(y, x, reshape(slice(g, 0, 0, y.numel()), y.shape()), {.allow_unused = true});
  return out;
}

/// The largest difference, relative to 1 or the size of the numbers; infinite where shapes or types differ.
double difference(const Tensor& here, const Tensor& there) {
  if (!here.defined() || !there.defined()) return here.defined() == there.defined() ? 0 : INFINITY;
  if (!(here.shape() == there.shape()) || here.dtype() != there.dtype()) return INFINITY;
  const std::vector<double> a = cast(here, float64).to_vector<double>();
  const std::vector<double> b = cast(to_device(there, Device::cpu()), float64).to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (a[i] != a[i] && b[i] != b[i])) continue;
    const double error = std::abs(a[i] - b[i]) / std::max({1.0, std::abs(a[i]), std::abs(b[i])});
    worst = std::max(worst, error <= 1e300 ? error : INFINITY);
  }
  return worst;
}

// Computed in float32, numbers of 16 bits may be rounded to either neighbour; what is made of several operations, or reads
// such a number again, differs by a few of those steps.
double tolerance(DType dtype) {
  return dtype == float32    ? 2e-5
         : dtype == float64  ? 1e-12
         : dtype == bfloat16 ? 0x1p-6
         : dtype == float16  ? 0x1p-9
                             : 0;
}

std::string test_name(const testing::TestParamInfo<size_t>& info) {
  const std::vector<OpEntry>& all = op_catalogue();
  const std::string& name = all[info.param].name;
  int64_t before = 0;
  for (size_t i = 0; i < info.param; ++i) before += all[i].name == name;
  return before ? join(name, "_", before + 1) : name;
}

class OpParity : public testing::TestWithParam<size_t> {};

/// Compares values and gradients of all samples, precisions and layouts; how many arrays they were.
int64_t compare(const OpEntry& entry) {
  Rng rng(1);
  int64_t compared = 0;
  for (const OpSample& sample : entry.samples) {
    const std::vector<Tensor> plain = draw(sample, rng);
    for (DType dtype : {float32, float64, bfloat16, float16})
      for (MemoryLayout layout : {MemoryLayout::contiguous, MemoryLayout::transposed, MemoryLayout::every_second,
                                  MemoryLayout::backwards, MemoryLayout::repeated}) {
        if (entry.skipped.contains(to_string(layout))) continue;
        // Of 16 bits one layout goes through memory flat, the other by strides.
        if (is_half(dtype) && layout != MemoryLayout::contiguous && layout != MemoryLayout::transposed) continue;
        std::vector<Tensor> here, there;
        for (const Tensor& x : plain) {
          here.push_back(laid_out(cast(x, dtype), layout));
          there.push_back(laid_out(to_device(cast(x, dtype), device), layout));
        }
        const Outcome expected = evaluate(entry, here);
        const UseDevice on(device);
        const Outcome found = evaluate(entry, there);
        const std::string what = join(entry.name, ", ", sample.label, ", ", dtype, ", ", layout);
        EXPECT_EQ(found.value.device(), device) << what;
        EXPECT_LE(difference(expected.value, found.value), tolerance(expected.value.dtype())) << what;
        ++compared;
        for (size_t i = 0; i < expected.gradients.size(); ++i, ++compared)
          EXPECT_LE(difference(expected.gradients[i], found.gradients[i]), tolerance(dtype))
              << what << ", gradient " << i;
      }
  }
  std::cout << entry.name << ": " << compared << " arrays compared\n";
  return compared;
}

TEST_P(OpParity, device_gives_what_the_cpu_gives) {
  RecordProperty("compared", int(compare(op_catalogue()[GetParam()])));
}

// Its header says no word of CUDA; tensor/README.md tells how it was added.
TEST(OpParityOfExtensions, AnOperationOfOnesOwn) { EXPECT_GT(compare(pointwise_entry<Ripple>()), 100); }

INSTANTIATE_TEST_SUITE_P(Catalogue, OpParity, testing::Range<size_t>(0, op_catalogue().size()), test_name);

}  // namespace
}  // namespace pf
