// A kernel fails on the device: the error shows at some later call, and is told with the operation that was queued last.

#include <gtest/gtest.h>

#include <cmath>
#include <functional>

#include "nn/optim/clip.h"
#include "tensor/capture.h"
#include "tensor/cuda_backend.h"
#include "tensor/device_errors.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/hyperbolic.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tensor/random.h"
#include "tensor/recording.h"
#include "tests/cuda/parity/emulator.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains, testing::error_of;

constexpr int illegal_address = 700;
constexpr size_t plenty = size_t(8) << 30;
const char* const hint = " (PF_CUDA_WAIT=1 waits after each and names it exactly)";

class FailuresOfKernels : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!emulator) GTEST_SKIP() << "the library is not the emulated one: nothing makes its kernels fail";
    cuda::backend().synchronize();
  }
  void TearDown() override {
    if (!emulator) return;
    emulator->fail_kernel(0, 0);
    emulator->fail_call(0, 0);
    emulator->set_streams(PF_EMULATOR_LAZY);
    emulator->set_device_memory(plenty);
    emulator->forget_faults();
    EXPECT_EQ(sum(full({10}, 2)).item(), 20) << "the device works again";
  }
  /// The next kernel fails in what the body queues; what is said when something is read.
  template <class Body> std::string said_of(const Body& body) {
    emulator->fail_kernel(1, illegal_address);
    return error_of([&] {
      const Tensor result = body();
      cuda::backend().synchronize();
    });
  }

  const pf_emulator_control_table* emulator = testing::emulator();
  const UseDevice on{Device::cuda()};
};

TEST_F(FailuresOfKernels, TheLastOperationQueuedIsNamed) {
  const Tensor x = ones({64, 10}), w = ones({10, 3});
  cuda::backend().synchronize();
  const std::string begin = "cuda: waiting for the device: ", after = "(cudaErrorIllegalAddress); found after ";
  const std::pair<std::string, std::function<Tensor()>> cases[] = {
      {"tanh [64, 10]", [&] { return tanh(x); }},
      {"exp [64, 10]", [&] { return exp(softmax(x, -1)); }},
      {"matmul [64, 3]", [&] { return matmul(exp(x), w); }},
  };
  for (const auto& [last, body] : cases) {
    const std::string said = said_of(body);
    EXPECT_EQ(said.substr(0, begin.size()), begin);
    EXPECT_TRUE(contains(said, after + last + ", the last operation queued" + hint));
    emulator->forget_faults();
  }
}

TEST_F(FailuresOfKernels, AnOperationThatFindsItIsNotBlamed) {
  const Tensor x = ones({64, 10});
  emulator->fail_call_of("cudaLaunchKernelEx", 2, illegal_address);
  const Tensor y = tanh(x);
  const std::string said = error_of([&] { exp(y); });
  EXPECT_TRUE(contains(said, "exp: the kernel for [64, 10] was not queued: "));
  EXPECT_TRUE(contains(said, "; found after tanh [64, 10], the last operation queued"));
}

TEST_F(FailuresOfKernels, AProductThatFindsItIsNotBlamed) {
  const Tensor x = ones({64, 10}), w = ones({10, 3});
  matmul(x, w);  // so that cuBLAS is there
  const Tensor y = tanh(x);
  emulator->set_streams(PF_EMULATOR_EAGER);
  emulator->fail_kernel(1, illegal_address);
  error_of([&] { exp(y); });  // runs, and fails, at once
  const std::string said = error_of([&] { matmul(y, w); });
  EXPECT_TRUE(contains(said, "an illegal memory access was encountered"));
  EXPECT_TRUE(contains(said, "; found after tanh [64, 10], the last operation queued"));
}

TEST_F(FailuresOfKernels, AGraphIsNamedByItsLastOperation) {
  const Tensor x = ones({64, 10});
  Capture capture([](std::span<const Tensor> in) { return std::vector{exp(softmax(in[0], -1))}; });
  for (int i = 0; i < 3; ++i) capture({x});
  ASSERT_TRUE(capture.replayed()) << capture.obstacle();
  cuda::backend().synchronize();
  emulator->fail_kernel(2, illegal_address);  // the first one copies the input to its place
  capture({x});
  const std::string said = error_of([] { cuda::backend().synchronize(); });
  EXPECT_TRUE(contains(said, "; found after a graph of 2 operations, the last of them exp [64, 10]"));
  emulator->forget_faults();
  const std::string next = said_of([&] { return tanh(x); });
  EXPECT_TRUE(contains(next, "found after tanh [64, 10], the last operation queued")) << "no graph any more";
}

// No recording is worth an end of the training: it is given up, its memory goes back, and the function runs as always.
TEST_F(FailuresOfKernels, NoRoomForARecordingIsNoEnd) {
  Rng rng(1), like(1);
  const Tensor x = ones({256, 256});
  const auto f = [](const Tensor& in, Rng& draws) {
    return std::vector{sum(softmax(in + draws.normal({256, 256}), -1) * 2.0)};
  };
  for (const char* call : {"cudaMallocAsync", "cudaGraphInstantiate", "cudaGraphLaunch", "cudaMallocHost"}) {
    Capture capture(
        [&](std::span<const Tensor> in) {
          // Only a recording finds no memory.
          const bool none = detail::watching && std::string(call) == "cudaMallocAsync";
          emulator->set_device_memory(none ? 4096 : plenty);
          std::vector<Tensor> out = f(in[0], rng);
          tensor(std::vector<double>(2000, 1));  // uploaded, by a recording from memory of its own
          return out;
        },
        {&rng});
    cuda::backend().trim();
    const int64_t live = cuda::backend().memory().live_bytes;
    for (int i = 0; i < 4; ++i) {
      cuda::backend().trim();
      if (i == 1 && std::string(call) != "cudaMallocAsync") emulator->fail_call_of(call, 1, 2);
      const double found = capture({x})[0].item();
      EXPECT_EQ(found, f(x, like)[0].item()) << call << ", call " << i;
      EXPECT_EQ(rng.state(), like.state());
      EXPECT_FALSE(capture.replayed());
    }
    EXPECT_TRUE(contains(capture.obstacle(), "there is no room for a recording: ")) << call;
    EXPECT_EQ(cuda::backend().memory().live_bytes, live) << call;
  }
}

// Caches are given back also while a step is recorded, and asked again.
TEST_F(FailuresOfKernels, ARecordingTakesWhatTheCachesHold) {
  const Tensor x = ones({64, 64});
  Capture capture([](std::span<const Tensor> in) { return std::vector{exp(softmax(in[0], -1))}; });
  matmul(x, x);  // cuBLAS has its workspace
  capture({x});
  cuda::backend().trim();
  cuda::backend().synchronize();
  zeros({1 << 20});  // 4 MiB that nobody holds
  ASSERT_GE(cuda::backend().memory().cached_bytes, 4 << 20);
  // No more than what is there now: the recording finds room only where the caches lie.
  emulator->set_device_memory(emulator->counters().bytes_in_use);
  capture({x});
  EXPECT_LT(cuda::backend().memory().cached_bytes, 4 << 20);
  EXPECT_EQ(capture.obstacle(), "");
  capture({x});
  EXPECT_TRUE(capture.replayed());
}

TEST_F(FailuresOfKernels, OutOfMemoryIsAnErrorOfItsOwn) {
  emulator->set_device_memory(size_t(64) << 20);
  EXPECT_THROW(zeros({int64_t(1) << 26}), OutOfDeviceMemory);
}

TEST_F(FailuresOfKernels, ANormThatIsNotFiniteIsAnErrorOfItsOwn) {
  Gradients gradients;
  gradients.list = {full({3}, NAN)};
  EXPECT_THROW(
      {
        clip_by_norm(gradients, 1);
        cuda::backend().synchronize();
      },
      NormNotFinite);
}

TEST_F(FailuresOfKernels, ALibraryWithoutCodeForTheDeviceSaysWhatToDo) {
  const Tensor x = ones({3});
  emulator->fail_call_of("cudaLaunchKernelEx", 1, 209);
  const std::string said = error_of([&] { exp(x); });
  EXPECT_TRUE(contains(said, "exp: the kernel for [3] failed on the GPU: ")) << said;
  EXPECT_TRUE(contains(said, "has no code for this GPU: build it anew with CUDAARCHS set to its architecture"));
}

}  // namespace
}  // namespace pf
