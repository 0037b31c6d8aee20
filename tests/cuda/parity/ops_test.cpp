// Every operation of the catalogue on the device gives what it gives on the CPU: values and gradients, in every precision,
// in every layout. Integers and truth values bit for bit, floating-point numbers to a few roundings.

#include <gtest/gtest.h>

#include <iostream>

#include "autograd/op_check.h"
#include "tests/cuda/parity/extension/ripple.h"
#include "tests/cuda/parity/outcome.h"
#include "tests/cuda/parity/partial.h"

namespace pf {
namespace {

using testing::difference, testing::evaluate, testing::Outcome;
const Device device = Device::cuda();

std::string test_name(const ::testing::TestParamInfo<size_t>& info) {
  const std::vector<OpEntry>& all = op_catalogue();
  const std::string& name = all[info.param].name;
  int64_t before = 0;
  for (size_t i = 0; i < info.param; ++i) before += all[i].name == name;
  return before ? join(name, "_", before + 1) : name;
}

class OpParity : public ::testing::TestWithParam<size_t> {};

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
        EXPECT_LE(difference(expected.value, found.value), testing::parity_tolerance(expected.value.dtype())) << what;
        ++compared;
        for (size_t i = 0; i < expected.gradients.size(); ++i, ++compared)
          EXPECT_LE(difference(expected.gradients[i], found.gradients[i]), testing::parity_tolerance(dtype))
              << what << ", gradient " << i;
      }
  }
  std::cout << entry.name << ": " << compared << " arrays compared\n";
  return compared;
}

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

}  // namespace
}  // namespace pf
