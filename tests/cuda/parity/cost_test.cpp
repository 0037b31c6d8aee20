// What a step costs the host once it is warm, of each reference workload and of the trainer with each variant of each family:
// it neither allocates device memory nor waits, and its launches are counted.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>
#include <map>

#include "bench/workloads/workload.h"
#include "models/train.h"
#include "tensor/cuda_backend.h"
#include "tensor/files.h"
#include "tests/cuda/parity/emulator.h"
#include "tests/models/instances.h"

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

constexpr int steps = 12;  // more than there are slots for copies to the device
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
  // The update, and copies of gradients that do not lie in sequence.
  EXPECT_LE(found.launches, uint64_t(6 * steps));
  EXPECT_EQ(found.gemms, 0u);
  EXPECT_EQ(found.allocations, 0u);
  EXPECT_EQ(found.synchronisations + found.implicit_synchronisations, 0u);
}

// The trainer's loop -------------------------------------------------------------------------------------------------

/// Variants that wait in each step, and for what.
const std::map<std::string, std::string> waiting = [] {
  const std::string assignment = "the assignment of a batch is found on the host",
                    plan = "a plan takes as many iterations as the host sees that it needs";
  return std::map<std::string, std::string>{{"autoencoder_flow_matching", assignment},
                                            {"flow_matching_ot", assignment},
                                            {"flow_matching_mean_flow", assignment},
                                            {"flow_matching_shortcut", assignment},
                                            {"flow_matching_schroedinger_bridge", plan},
                                            {"flow_matching_sf2m", plan},
                                            {"gan_sinkhorn", plan}};
}();

class TrainerCost : public ::testing::TestWithParam<testing::Variant> {};
INSTANTIATE_TEST_SUITE_P(, TrainerCost, ::testing::ValuesIn([] {
                           std::vector<testing::Variant> out;
                           for (const testing::Variant& v : testing::all_variants())
                             if (!v.given) out.push_back(v);
                           return out;
                         }()),
                         testing::name_of_variant);

TEST_P(TrainerCost, SteadyStepsNeitherAllocateNorWait) {
  if (!testing::emulator()) GTEST_SKIP() << "the library is not the emulated one: nothing counts its calls";
  constexpr int warm = 6, counted = 12;
  Dataset data = testing::dataset_for(GetParam(), 400);
  const UseDevice on(Device::cuda());
  for (Tensor* x : {&data.train, &data.test, &data.train_labels, &data.test_labels})
    if (x->defined()) *x = to_device(*x, Device::cuda());
  Model model(testing::config_for(GetParam(), data, 3), data.train);
  const TrainOptions options{.steps = 100, .batch = 32, .save_every = 1000, .report_every = 1000};
  int step = 0;
  pf_emulator_counters found{};
  Trainer(model, data, options).run({}, [&] {
    if (++step == warm) testing::emulator()->reset_counters();
    if (step == warm + counted) found = testing::emulator()->counters();
    return step == warm + counted;
  });
  ASSERT_EQ(step, warm + counted);
  const auto each = [&](uint64_t n) { return double(n) / counted; };
  const uint64_t waits = found.synchronisations + found.implicit_synchronisations;
  std::cout << GetParam().name << ": a step launches " << each(found.launches) << " kernels, " << each(found.gemms)
            << " matrix products and " << each(found.graph_launches) << " graphs; " << each(waits) << " waits, "
            << each(found.allocations) << " allocations, " << each(found.copies_to_device) << " copies to the device\n";
  const auto reason = waiting.find(GetParam().name);
  if (reason == waiting.end()) {
    EXPECT_EQ(waits, 0u);
  } else {
    EXPECT_GE(waits, uint64_t(counted)) << "it is said to wait: " << reason->second;
  }
  EXPECT_EQ(found.allocations, 0u);
  EXPECT_EQ(found.copies_to_device, 0u);
}

}  // namespace
}  // namespace pf
