#pragma once
// A test under every order of threads and blocks and every way in which streams make progress. It fails if the emulator
// had anything to complain of.

#include <gtest/gtest.h>

#include <string>
#include <tuple>

#include "emulator/control.h"
#include "selftest/device_array.h"

namespace pf::selftest {

inline const pf_emulator_control_table& emulator() { return *pf_emulator_control(); }

class EveryMode : public ::testing::TestWithParam<std::tuple<int, int>> {
 protected:
  void SetUp() override {
    emulator().set_exit_on_fault(0);
    emulator().set_order(std::get<0>(GetParam()));
    emulator().set_streams(std::get<1>(GetParam()));
    emulator().set_seed(7);
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
    EXPECT_EQ(emulator().faults(), 0u) << emulator().last_report();
    emulator().forget_faults();
    emulator().set_order(PF_EMULATOR_FORWARD);
    emulator().set_streams(PF_EMULATOR_LAZY);
  }
  cudaStream_t stream_ = nullptr;
};

inline std::string mode_name(const ::testing::TestParamInfo<std::tuple<int, int>>& info) {
  static const char* const orders[] = {"Forward", "Reverse", "Random"};
  static const char* const streams[] = {"Lazy", "Eager", "RandomStreams"};
  return std::string(orders[std::get<0>(info.param)]) + streams[std::get<1>(info.param)];
}

}  // namespace pf::selftest

#define PF_IN_EVERY_MODE(suite)                                                                                 \
  INSTANTIATE_TEST_SUITE_P(, suite, ::testing::Combine(::testing::Values(0, 1, 2), ::testing::Values(0, 1, 2)), \
                           ::pf::selftest::mode_name)
