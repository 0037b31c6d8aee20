// What a step of each reference workload costs the host once it is warm: a training step neither allocates device memory nor
// waits, and its launches are counted.

#include <gtest/gtest.h>

#include <iostream>

#include "bench/workloads/workload.h"
#include "tensor/cuda_backend.h"
#include "tests/cuda/parity/emulator.h"

namespace pf {
namespace {

class WorkloadCost : public ::testing::TestWithParam<std::string> {};
std::vector<std::string> names() {
  std::vector<std::string> out;
  for (const bench::WorkloadEntry& entry : bench::all_workloads()) out.push_back(entry.name);
  return out;
}
INSTANTIATE_TEST_SUITE_P(, WorkloadCost, ::testing::ValuesIn(names()), [](const auto& entry) { return entry.param; });

TEST_P(WorkloadCost, SteadyStepsNeitherAllocateNorWait) {
  if (!testing::emulator()) GTEST_SKIP() << "the library is not the emulated one: nothing counts its calls";
  const UseDevice on(Device::cuda());
  std::unique_ptr<bench::Workload> workload;
  for (const bench::WorkloadEntry& entry : bench::all_workloads())
    if (entry.name == GetParam())
      workload = GetParam() == "transformer_ar_196" ? bench::transformer_ar_196(2) : entry.make();
  ASSERT_TRUE(workload);
  for (int i = 0; i < 3; ++i) workload->step();
  cuda::backend().synchronize();
  testing::emulator()->reset_counters();
  constexpr int steps = 2;
  for (int i = 0; i < steps; ++i) workload->step();
  const pf_emulator_counters found = testing::emulator()->counters();
  std::cout << GetParam() << ": a step launches " << double(found.launches) / steps << " kernels and "
            << double(found.gemms) / steps << " matrix products; " << double(found.synchronisations) / steps
            << " waits, " << double(found.allocations) / steps << " allocations, "
            << double(found.copies_to_device) / steps << " copies to the device\n";
  EXPECT_EQ(found.allocations, 0u);
  EXPECT_EQ(found.implicit_synchronisations, 0u);
  // The second backward pass of the gradient penalty reads one number, whose kind is not known before: to be got rid of.
  EXPECT_EQ(found.synchronisations, GetParam() == "wgan_gp_2d" ? uint64_t(steps) : uint64_t(0));
}

}  // namespace
}  // namespace pf
