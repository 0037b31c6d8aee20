// Operations on the sizes around a warp, a block and a pack of 16 bytes, on arrays that begin at such a boundary and one
// element behind it. Where the CPU refuses a shape, the device does.

#include <gtest/gtest.h>

#include <iostream>

#include "tensor/ops/join.h"
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
          const UseDevice on(device);
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

}  // namespace
}  // namespace pf
