// What a step of each reference workload costs the host once it is warm: a training step neither allocates device memory nor
// waits, and its launches are counted.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "bench/workloads/workload.h"
#include "tensor/cuda_backend.h"
#include "tensor/files.h"
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

/// The first number in the workload's row.
double launches_in_roofline(const std::string& workload) {
  const std::string table = read_file(PF_SOURCE_DIR "/bench/roofline.md"), begin = "| `" + workload + "` |";
  const size_t at = table.find(begin);
  return at == std::string::npos ? 0 : std::atof(table.c_str() + at + begin.size());
}

/// The workload; the transformer with two rows only.
std::unique_ptr<bench::Workload> made(const std::string& name) {
  for (const bench::WorkloadEntry& entry : bench::all_workloads())
    if (entry.name == name) return name == "transformer_ar_196" ? bench::transformer_ar_196(2) : entry.make();
  return nullptr;
}

constexpr int steps = 2;
/// What so many steps ask of the runtime, up to the moment when somebody waits for them.
pf_emulator_counters count_steps(bench::Workload& workload) {
  cuda::backend().synchronize();
  testing::emulator()->reset_counters();
  for (int i = 0; i < steps; ++i) workload.step();
  return testing::emulator()->counters();
}

TEST_P(WorkloadCost, SteadyStepsNeitherAllocateNorWait) {
  if (!testing::emulator()) GTEST_SKIP() << "the library is not the emulated one: nothing counts its calls";
  const UseDevice on(Device::cuda());
  const std::unique_ptr<bench::Workload> workload = made(GetParam());
  ASSERT_TRUE(workload);
  for (int i = 0; i < 3; ++i) workload->step();
  const pf_emulator_counters found = count_steps(*workload);
  std::cout << GetParam() << ": a step launches " << double(found.launches) / steps << " kernels and "
            << double(found.gemms) / steps << " matrix products; " << double(found.synchronisations) / steps
            << " waits, " << double(found.allocations) / steps << " allocations, "
            << double(found.copies_to_device) / steps << " copies to the device\n";
  // The least time that bench/roofline.md states counts no launch that is not made, and nearly all that are.
  const double launches = double(found.launches + found.gemms) / steps, counted = launches_in_roofline(GetParam());
  EXPECT_LE(counted, launches);
  EXPECT_GE(counted, 0.7 * launches);
  EXPECT_EQ(found.allocations, 0u);
  EXPECT_EQ(found.implicit_synchronisations, 0u);
  EXPECT_EQ(found.synchronisations, 0u);
}

// Replayed, the computing part of a step is one launch; what is left is the optimiser's update.
TEST_P(WorkloadCost, ReplayedStepsAreOneLaunchAndTheUpdate) {
  if (!testing::emulator()) GTEST_SKIP() << "the library is not the emulated one: nothing counts its calls";
  const UseDevice on(Device::cuda());
  const std::unique_ptr<bench::Workload> workload = made(GetParam());
  ASSERT_TRUE(workload);
  workload->replay();
  for (int i = 0; i < 3; ++i) workload->step();
  ASSERT_TRUE(workload->capture()->replayed()) << workload->capture()->obstacle();
  const pf_emulator_counters found = count_steps(*workload);
  cuda::backend().synchronize();  // what was queued runs now, and is counted
  const uint64_t kernels = testing::emulator()->counters().graph_kernels;
  std::cout << GetParam() << ": a replayed step launches " << double(found.graph_launches) / steps << " graph of "
            << double(kernels) / steps << " kernels, and " << double(found.launches) / steps << " kernels beside it\n";
  EXPECT_EQ(found.graph_launches, uint64_t(steps));
  EXPECT_LE(found.launches, uint64_t(8 * steps));  // of the update, 48 parameters each
  EXPECT_EQ(found.gemms, 0u);
  EXPECT_EQ(found.allocations, 0u);
  EXPECT_EQ(found.synchronisations + found.implicit_synchronisations, 0u);
}

}  // namespace
}  // namespace pf
