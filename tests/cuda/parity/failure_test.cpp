// Each call of the CUDA runtime fails in turn: a sentence, nothing lost, and the library works afterwards.

#include <gtest/gtest.h>

#include <cmath>
#include <iostream>

#include "nn/gradients.h"
#include "nn/mlp.h"
#include "nn/optim/adam.h"
#include "tensor/cuda_backend.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tests/cuda/parity/emulator.h"

namespace pf {
namespace {

/// Something of everything: copies, random numbers, products, formulas, sums, rows, an update, a reading back.
double small_training() {
  const UseDevice on(Device::cuda());
  Rng rng(1);
  Mlp net({3, 8, 4}, rng);
  const auto parameters = parameters_of(net);
  Adam adam;
  const Tensor x = rng.normal({16, 3}), y = to_device(linspace(0, 1, 64), Device::cuda());
  double last = 0;
  for (int step = 0; step < 2; ++step) {
    auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
      return mean(square(softmax(net(x), -1) - reshape(y, {16, 4})));
    });
    adam.update(parameters, gradients, 1e-2);
    last = loss.item();
  }
  return last;
}

TEST(Failures, EachCallInTurn) {
  const pf_emulator_control_table* emulator = testing::emulator();
  if (!emulator) GTEST_SKIP() << "the library is not the emulated one: nothing makes its calls fail";
  const double expected = small_training();
  emulator->reset_counters();
  small_training();
  const uint64_t calls = emulator->counters().calls;
  constexpr int out_of_memory = 2, unknown = 999;
  int thrown = 0;
  for (uint64_t n = 1; n <= calls; ++n)
    for (int error : {unknown, out_of_memory}) {
      emulator->fail_call(n, error);
      try {
        small_training();  // a call whose failure does no harm may pass
      } catch (const Error& e) {
        ++thrown;
        EXPECT_GT(std::string(e.what()).size(), 20u);
        EXPECT_EQ(std::string(e.what()).find('\n'), std::string::npos) << e.what();
      }
      emulator->fail_call(0, 0);
      emulator->forget_faults();
      ASSERT_EQ(small_training(), expected)
          << "after call " << n << " (" << emulator->failed_call() << ") failed with " << error;
    }
  std::cout << calls << " calls failed in two ways each, " << thrown << " errors thrown\n";
  EXPECT_GT(thrown, int(calls));
}

TEST(Failures, OutOfDeviceMemorySaysWhatLives) {
  const pf_emulator_control_table* emulator = testing::emulator();
  if (!emulator) GTEST_SKIP() << "the library is not the emulated one: its memory has no such limit";
  const UseDevice on(Device::cuda());
  const Tensor kept = zeros({1 << 20});
  emulator->fail_call_of("cudaMallocAsync", 1, 2);
  cuda::backend().trim();
  try {
    zeros({int64_t(1) << 24});  // the first attempt fails, the second, after giving back what is cached, succeeds
  } catch (const Error& e) { ADD_FAILURE() << e.what(); }
  emulator->set_device_memory(size_t(64) << 20);
  try {
    zeros({int64_t(1) << 26});
    ADD_FAILURE() << "256 MiB on a device of 64";
  } catch (const Error& e) {
    EXPECT_NE(std::string(e.what()).find("out of device memory: 256 MiB asked for"), std::string::npos) << e.what();
    EXPECT_NE(std::string(e.what()).find("the largest: "), std::string::npos) << e.what();
  }
  emulator->set_device_memory(size_t(8) << 30);
  EXPECT_TRUE(std::isfinite(small_training()));
}

}  // namespace
}  // namespace pf
