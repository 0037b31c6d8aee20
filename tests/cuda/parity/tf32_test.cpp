// Products of float32 round their operands to TF32 only where somebody asks for it.

#include <gtest/gtest.h>

#include <cstdlib>

#include "tensor/cuda_backend.h"
#include "tensor/ops/matmul.h"
#include "tests/cuda/parity/emulator.h"

namespace pf {
namespace {

TEST(Tf32, OnlyWhereItIsAskedFor) {
  if (!testing::emulator()) GTEST_SKIP() << "the library is not the emulated one: nothing counts its calls";
  const UseDevice on(Device::cuda());
  const auto counted = [] {
    testing::emulator()->reset_counters();
    matmul(ones({64, 64}), ones({64, 64}));
    cuda::backend().synchronize();
    return testing::emulator()->counters().tf32_gemms;
  };
  EXPECT_EQ(counted(), 0u);
  setenv("PF_TF32", "1", 1);
  EXPECT_EQ(counted(), 1u);
  setenv("PF_TF32", "0", 1);
  EXPECT_EQ(counted(), 0u);
  unsetenv("PF_TF32");
}

}  // namespace
}  // namespace pf
