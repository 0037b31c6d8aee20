// A captured function on the device: one graph launch does what its launches did, to the same bits, without allocating,
// waiting or launching anything else; random numbers go on, constants stay, memory comes back. And the trainings whose steps
// are captured.

#include "tensor/capture.h"

#include <gtest/gtest.h>

#include <set>

#include "tensor/cuda_backend.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/index.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/views.h"
#include "tensor/random.h"
#include "tests/cuda/parity/emulator.h"
#include "tests/cuda/parity/partial.h"
#include "tests/models/replayed_training.h"

namespace pf {
namespace {

std::vector<double> numbers(const Tensor& x) { return cast(x, float64).to_vector<double>(); }

/// Some of everything: products, sums, gathers, random numbers, constants, a constant made on the host.
std::vector<Tensor> mixture(const Tensor& x, const Tensor& weight, Rng& rng) {
  const Tensor h = exp(matmul(x, weight) * 0.1 + rng.normal({weight.size(1)}));
  const Tensor order = tensor({2, 0, 1}, int64);
  return {sum(h),
          softmax(h, -1),
          index_select(h, 1, order) + arange(0, 3),
          zeros({2}) + mean(h),
          rng.bernoulli(0.5, {20}),
          rng.integers(100, {5}),
          x};
}

TEST(DeviceCapture, ReplaysGiveTheBitsOfTheFunction) {
  const UseDevice on(Device::cuda());
  Rng data(1), one(7), other(7);
  const Tensor weight = data.normal({5, 3});
  Capture capture([&](std::span<const Tensor> in) { return mixture(in[0], weight, one); }, {&one},
                  [&] { return std::vector{weight}; });
  for (int i = 0; i < 6; ++i) {
    const Tensor x = data.normal({4, 5});
    const std::vector<Tensor> found = capture({x}), expected = mixture(x, weight, other);
    EXPECT_EQ(capture.replayed(), i >= 2) << i << ' ' << capture.obstacle();
    for (size_t k = 0; k < expected.size(); ++k) EXPECT_EQ(numbers(found[k]), numbers(expected[k])) << i << ' ' << k;
    EXPECT_EQ(one.state(), other.state());
  }
}

TEST(DeviceCapture, AReplayIsOneLaunch) {
  if (!testing::emulator()) GTEST_SKIP() << "the library is not the emulated one: nothing counts its calls";
  const UseDevice on(Device::cuda());
  Rng rng(1);
  const Tensor weight = rng.normal({5, 3}), x = rng.normal({4, 5});
  Capture capture([&](std::span<const Tensor> in) { return mixture(in[0], weight, rng); }, {&rng});
  for (int i = 0; i < 4; ++i) capture({x});
  ASSERT_TRUE(capture.replayed()) << capture.obstacle();
  cuda::backend().synchronize();
  testing::emulator()->reset_counters();
  for (int i = 0; i < 3; ++i) capture({x});
  const pf_emulator_counters found = testing::emulator()->counters();
  EXPECT_EQ(found.graph_launches, 3u);
  EXPECT_EQ(found.launches, 6u);  // the input to its place, and where the generator is
  EXPECT_EQ(found.copies_to_device, 0u);
  EXPECT_EQ(found.gemms, 0u);
  EXPECT_EQ(found.allocations, 0u);
  EXPECT_EQ(found.synchronisations, 0u);
}

TEST(DeviceCapture, MemoryIsTheGraphsUntilItGoes) {
  const UseDevice on(Device::cuda());
  Rng rng(1);
  const Tensor weight = rng.normal({64, 64}), x = rng.normal({64, 64});
  const int64_t before = cuda::backend().memory().live_bytes;
  Tensor kept;
  {
    Capture capture(
        [&](std::span<const Tensor> in) { return std::vector{matmul(exp(matmul(in[0], weight)), weight)}; });
    for (int i = 0; i < 3; ++i) kept = capture({x})[0];
    const std::vector<double> result = numbers(kept);
    // Others' work finds other memory.
    for (int i = 0; i < 20; ++i) full({64, 64}, i);
    EXPECT_EQ(numbers(kept), result);
    EXPECT_EQ(numbers(capture({x})[0]), result);
  }
  numbers(kept + 1.0);  // a result may outlive its capture
  kept = Tensor();
  EXPECT_EQ(cuda::backend().memory().live_bytes, before);
}

TEST(DeviceCapture, WhatReadsBackRunsAsItIs) {
  const UseDevice on(Device::cuda());
  Rng rng(3), like(3);
  const auto f = [](const Tensor& x, Rng& draws) {
    const Tensor noise = draws.normal({2});
    return std::vector{sum(x).item() > 0 ? x + noise : noise};
  };
  Capture capture([&](std::span<const Tensor> in) { return f(in[0], rng); }, {&rng});
  for (int i = 0; i < 4; ++i) {
    const Tensor x = full({2}, i % 2 ? 1 : -1);
    EXPECT_EQ(numbers(capture({x})[0]), numbers(f(x, like)[0]));
  }
  EXPECT_EQ(capture.obstacle(), "it copies float32 [] from the GPU");
  EXPECT_EQ(rng.state(), like.state());
}

TEST(DeviceCapture, ErrorsWhileRecordingLeaveEverythingUsable) {
  const UseDevice on(Device::cuda());
  int calls = 0;
  Capture capture([&](std::span<const Tensor> in) -> std::vector<Tensor> {
    const Tensor y = in[0] * 2.0;
    if (++calls == 2) fail("in the middle");
    return {y};
  });
  const Tensor x = ones({3});
  capture({x});
  EXPECT_THROW(capture({x}), Error);
  for (int i = 0; i < 3; ++i) EXPECT_EQ(numbers(capture({x})[0]), (std::vector<double>{2, 2, 2}));
  EXPECT_TRUE(capture.replayed());
}

// The law of tests/models/replay_laws_test.cpp on the device ---------------------------------------------------------

/// Variants whose steps run as they are there, with or without a condition; on the CPU all are replayed.
const std::set<std::string> paired_on_the_host = {
    // by an assignment that is found on the host
    "autoencoder_flow_matching", "flow_matching_ot", "flow_matching_mean_flow", "flow_matching_shortcut",
    // by a plan, which takes as many iterations as the host sees that it needs
    "flow_matching_schroedinger_bridge", "flow_matching_sf2m", "gan_sinkhorn",
    // neighbouring contexts, sorted on the host
    "gan_pacgan_given"};
bool paired_there(const std::string& name) {
  const std::string end = "_given";
  return paired_on_the_host.contains(name) ||
         (name.ends_with(end) && paired_on_the_host.contains(name.substr(0, name.size() - end.size())));
}

class DeviceReplayLaws : public ::testing::TestWithParam<testing::Variant> {};
INSTANTIATE_TEST_SUITE_P(, DeviceReplayLaws, ::testing::ValuesIn(testing::all_variants()), testing::name_of_variant);

TEST_P(DeviceReplayLaws, replayed_training_has_the_bits_of_the_other) {
  if (testing::least_operations() > 0) GTEST_SKIP() << "the library has a few formulas only";
  const auto replayed = testing::trained(GetParam(), true, Device::cuda());
  EXPECT_EQ(replayed.replay, paired_there(GetParam().name)
                                 ? "steps are not replayed: it reads from the GPU what is computed in each run"
                                 : "steps are replayed: one graph each");
  const auto plain = testing::trained(GetParam(), false, Device::cuda());
  EXPECT_EQ(replayed.losses, plain.losses);
  EXPECT_EQ(replayed.parameters, plain.parameters);
}

}  // namespace
}  // namespace pf
