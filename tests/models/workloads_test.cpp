// The reference workloads as the benchmark program runs them: they do what they claim, and steps ask nothing of the system.

#include "bench/workloads/workload.h"

#include <gtest/gtest.h>

#include "bench/workloads/measure.h"
#include "tensor/allocator.h"
#include "tensor/json.h"
#include "tensor/parallel.h"

namespace pf::bench {
namespace {

/// The transformer's step takes half a second; one row asks for memory in the same way as sixteen.
std::unique_ptr<Workload> workload_for_test(const WorkloadEntry& entry) {
  return entry.make == static_cast<std::unique_ptr<Workload> (*)()>(transformer_ar_196) ? transformer_ar_196(1)
                                                                                        : entry.make();
}

TEST(Workloads, NoSystemAllocationAfterTheThirdStep) {
  for (int threads : {1, 2})
    for (const WorkloadEntry& entry : all_workloads()) {
      set_threads(threads);
      trim_allocator();
      const auto workload = workload_for_test(entry);
      for (int i = 0; i < 3; ++i) workload->step();
      const int64_t before = allocator_statistics().system_allocations;
      for (int i = 0; i < 3; ++i) workload->step();
      EXPECT_EQ(allocator_statistics().system_allocations, before) << entry.name << ", " << threads << " threads";
      set_threads(1);
    }
}

TEST(Workloads, NothingIsLeftOverFromAStep) {
  for (const WorkloadEntry& entry : all_workloads()) {
    const auto workload = workload_for_test(entry);
    for (int i = 0; i < 3; ++i) workload->step();
    const int64_t before = allocator_statistics().live_bytes;
    workload->step();
    EXPECT_EQ(allocator_statistics().live_bytes, before) << entry.name;
  }
}

TEST(Workloads, MeasurementsAreOneJsonObjectALine) {
  const Measurement measured = measure(all_workloads().front(), 1, 0.02);
  const std::string text = to_json(measured);
  EXPECT_EQ(text.find('\n'), std::string::npos);
  const auto json = Json::parse(text);
  EXPECT_EQ(json.size(), 4u);
  EXPECT_EQ(json.at("workload"), "flow_matching_2d");
  EXPECT_EQ(json.at("threads"), 1);
  EXPECT_GT(json.at("median_ms").get<double>(), 0);
  EXPECT_GT(json.at("gemm_floor_ms").get<double>(), 0);
  EXPECT_EQ(threads(), 1);
}

TEST(Workloads, TableHasOneWidth) {
  const Measurement measured{"nsf_2d", 2, 1.2345, 0.5};
  EXPECT_EQ(table_header().size(), table_row(measured).size());
  EXPECT_NE(table_row(measured).find("41%"), std::string::npos);
}

}  // namespace
}  // namespace pf::bench
