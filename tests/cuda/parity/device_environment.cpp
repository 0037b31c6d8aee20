// Before the tests: is there a device? After them: was enough compared?

#include <gtest/gtest.h>

#include <iostream>

#include "tensor/cuda_backend.h"
#include "tests/cuda/parity/partial.h"

namespace pf::testing {
namespace {

class DeviceEnvironment : public ::testing::Environment {
 public:
  void SetUp() override {
    std::string reason;
    if (cuda::available(&reason)) return;
    // On a machine without a GPU the tests for a GPU are skipped; the emulated device is always there.
    if (std::getenv("PF_PARITY_ON_GPU")) GTEST_SKIP() << reason;
    FAIL() << reason;
  }
  void TearDown() override {
    if (least_operations() == 0) return;
    std::cout << operations_compared() << " operations compared\n";
    EXPECT_GE(operations_compared(), least_operations()) << "what PF_PARITY_LEAST asks for";
  }
};
[[maybe_unused]] const auto* const environment = ::testing::AddGlobalTestEnvironment(new DeviceEnvironment);

}  // namespace
}  // namespace pf::testing
