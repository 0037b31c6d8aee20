// Each call of the CUDA runtime fails in turn, in a warm step, in a recorded one, and when the device is first used: a
// sentence, nothing lost, and the library works afterwards.

#include <gtest/gtest.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <iostream>
#include <sstream>

#include "nn/gradients.h"
#include "nn/mlp.h"
#include "nn/optim/adam.h"
#include "tensor/capture.h"
#include "tensor/cuda_backend.h"
#include "tensor/ops/matmul.h"
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

/// A function that is run, recorded and replayed: products, random numbers, a constant of the host. The sum of what it gave.
double small_recording() {
  const UseDevice on(Device::cuda());
  Rng data(1), draws(2);
  const Tensor weight = data.normal({5, 4});
  double total = 0;
  Capture capture(
      [&](std::span<const Tensor> in) {
        const Tensor h = softmax(matmul(in[0], weight) + draws.normal({4}), -1) * tensor({1, 2, 3, 4});
        return std::vector{sum(square(h)), h};
      },
      {&draws}, [&] { return std::vector{weight}; });
  for (int i = 0; i < 5; ++i) total += capture({data.normal({6, 5})})[0].item();
  return total;
}

/// What lives on the device and in pinned memory once all caches are given back.
struct Held {
  uint64_t allocations, bytes, pinned;
  bool operator==(const Held&) const = default;
};
std::ostream& operator<<(std::ostream& out, const Held& held) {
  return out << held.allocations << " allocations of " << held.bytes << " bytes, " << held.pinned << " pinned";
}
Held held_after_trim() {
  cuda::backend().trim();
  cuda::backend().synchronize();
  const pf_emulator_counters now = testing::emulator()->counters();
  return {now.live_allocations, now.bytes_in_use, now.host_allocations - now.host_releases};
}

constexpr int out_of_memory = 2, unknown = 999;

/// Whether the call that failed was to give something back: what it did not is lost, whoever calls it.
bool was_a_release(const std::string& call) {
  return call.find("Free") != std::string::npos || call.find("Destroy") != std::string::npos;
}

/// Lets the n-th call of the body fail. Whether that was told; "" as a complaint means that all is as it was.
struct Attempt {
  bool thrown = false;
  std::string complaint;
};
template <class Body> Attempt fail_once(uint64_t n, int error, double expected, const Body& body) {
  const pf_emulator_control_table* emulator = testing::emulator();
  Attempt out;
  emulator->fail_call(n, error);
  try {
    const double found = body();  // a call whose failure does no harm may pass
    if (found != expected) out.complaint = join("gave ", found, ", not ", expected);
  } catch (const Error& e) {
    out.thrown = true;
    const std::string text = e.what();
    if (text.size() < 20 || text.find('\n') != std::string::npos) out.complaint = "is no sentence: " + text;
  }
  emulator->fail_call(0, 0);
  emulator->forget_faults();
  if (!out.complaint.empty()) return out;
  try {
    if (body() != expected) out.complaint = "does not give the same afterwards";
  } catch (const Error& e) { out.complaint = join("does not work afterwards: ", e.what()); }
  return out;
}

template <class Body> void fail_each_call(const Body& body) {
  const pf_emulator_control_table* emulator = testing::emulator();
  if (!emulator) GTEST_SKIP() << "the library is not the emulated one: nothing makes its calls fail";
  const double expected = body();
  emulator->reset_counters();
  body();
  const uint64_t calls = emulator->counters().calls;
  Held before = held_after_trim();
  int thrown = 0;
  for (uint64_t n = 1; n <= calls; ++n)
    for (int error : {unknown, out_of_memory}) {
      const Attempt found = fail_once(n, error, expected, body);
      const std::string call = emulator->failed_call();
      ASSERT_EQ(found.complaint, "") << "call " << n << " (" << call << ") failed with " << error;
      thrown += found.thrown;
      const Held after = held_after_trim();
      if (!was_a_release(call)) {
        ASSERT_EQ(after, before) << "call " << n << " (" << call << ") failed with " << error;
      }
      before = after;
    }
  std::cout << calls << " calls failed in two ways each, " << thrown << " errors thrown\n";
  EXPECT_GT(thrown, int(calls));
}

TEST(Failures, EachCallInTurn) { fail_each_call(small_training); }

TEST(Failures, EachCallOfARecordingInTurn) {
  fail_each_call(small_recording);
  if (!testing::emulator()) return;
  testing::emulator()->reset_counters();
  small_recording();
  EXPECT_GE(testing::emulator()->counters().graph_launches, 4u);
}

// The streams, the pool, cuBLAS are made once in a process: each call fails in a process of its own.
TEST(Failures, EachCallOfTheFirstUseInTurn) {
  const pf_emulator_control_table* emulator = testing::emulator();
  if (!emulator) GTEST_SKIP() << "the library is not the emulated one: nothing makes its calls fail";
  if (emulator->counters().live_allocations > 0) GTEST_SKIP() << "the device is in use; run this test by itself";
  const auto use = [] { return std::round(1e6 * (small_recording() + small_training())); };
  // What a child finds comes back by a pipe: how many calls there are, or a complaint.
  const auto in_child = [](const auto& body) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    std::fflush(nullptr);
    const pid_t child = fork();
    if (child == 0) {
      const std::string text = body();
      const bool written = write(ends[1], text.data(), text.size()) == ssize_t(text.size());
      _exit(written ? 0 : 1);
    }
    close(ends[1]);
    std::string out;
    char buffer[4096];
    for (ssize_t n; (n = read(ends[0], buffer, sizeof buffer)) > 0;) out.append(buffer, size_t(n));
    close(ends[0]);
    int status = 0;
    waitpid(child, &status, 0);
    return WIFEXITED(status) && WEXITSTATUS(status) == 0 ? out : join("the process ended with ", status, ": ", out);
  };
  const std::string warm = in_child([&] {
    emulator->reset_counters();
    const double expected = use();
    const uint64_t first = emulator->counters().calls;
    const Held held = held_after_trim();
    std::ostringstream out;
    out << first << ' ' << int64_t(expected) << ' ' << held.allocations << ' ' << held.bytes << ' ' << held.pinned;
    return out.str();
  });
  uint64_t first = 0;
  double expected = 0;
  Held held{};
  ASSERT_TRUE(std::istringstream(warm) >> first >> expected >> held.allocations >> held.bytes >> held.pinned) << warm;
  int told = 0, tried = 0;
  for (uint64_t n = 1; n <= first; ++n) {
    if (n > 60 && n % 7) continue;  // later calls are those of the other tests: some of them
    for (int error : {unknown, out_of_memory}) {
      const std::string found = in_child([&] {
        const Attempt attempt = fail_once(n, error, expected, use);
        const std::string call = emulator->failed_call();
        if (!attempt.complaint.empty()) return join(call, ": ", attempt.complaint);
        const Held after = held_after_trim();
        std::ostringstream leak;
        leak << call << ": " << after << "; without a failure it is " << held;
        if (!(after == held) && !was_a_release(call)) return leak.str();
        return std::string(attempt.thrown ? "told" : "passed");
      });
      ++tried;
      told += found == "told";
      EXPECT_TRUE(found == "told" || found == "passed") << "call " << n << " failed with " << error << ": " << found;
    }
  }
  std::cout << first << " calls of a first use, " << tried << " failures tried, " << told << " told\n";
  EXPECT_GT(told, tried / 2);
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
