// Captured streams and graphs.

#include <gtest/gtest.h>

#include <cstring>

#include "selftest/emulator_fixture.h"
#include "selftest/kernels.h"

namespace pf::selftest {
namespace {

using Graphs = EveryMode;
PF_IN_EVERY_MODE(Graphs);

struct Graph {
  cudaGraph_t graph = nullptr;
  cudaGraphExec_t executable = nullptr;
  void end(cudaStream_t stream) {
    ASSERT_EQ(cudaStreamEndCapture(stream, &graph), cudaSuccess) << emulator().last_report();
    ASSERT_EQ(cudaGraphInstantiate(&executable, graph, 0), cudaSuccess);
    ASSERT_EQ(cudaGraphUpload(executable, stream), cudaSuccess);
  }
  size_t nodes() const {
    size_t count = 0;
    EXPECT_EQ(cudaGraphGetNodes(graph, nullptr, &count), cudaSuccess);
    return count;
  }
  ~Graph() {
    if (executable) cudaGraphExecDestroy(executable);
    if (graph) cudaGraphDestroy(graph);
  }
};

TEST_P(Graphs, ACapturedStepRunsWhenItIsLaunched) {
  DeviceArray<float> x(std::vector<float>(8, 1.0f));
  Graph step;
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  ASSERT_EQ(scale(x.data(), 2, 8, stream_), cudaSuccess);
  ASSERT_EQ(scale(x.data(), 3, 8, stream_), cudaSuccess);
  step.end(stream_);
  EXPECT_EQ(step.nodes(), 2u);
  EXPECT_EQ(x.read(stream_)[0], 1.0f);
  emulator().reset_counters();
  for (int i = 0; i < 3; ++i) ASSERT_EQ(cudaGraphLaunch(step.executable, stream_), cudaSuccess);
  EXPECT_EQ(x.read(stream_)[0], 216.0f);
  const auto counted = emulator().counters();
  EXPECT_EQ(counted.graph_launches, 3u);
  EXPECT_EQ(counted.graph_kernels, 6u);
  EXPECT_EQ(counted.launches, 0u);
  EXPECT_EQ(emulator().launches_of("scale"), 6u);
}

TEST_P(Graphs, AnEventTakesAnotherStreamIntoTheCapture) {
  DeviceArray<float> x(std::vector<float>(8, 1.0f)), y(std::vector<float>(8, 1.0f));
  cudaStream_t side;
  cudaEvent_t fork, join;
  ASSERT_EQ(cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&join, cudaEventDisableTiming), cudaSuccess);
  Graph step;
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  ASSERT_EQ(scale(x.data(), 2, 8, stream_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(fork, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(side, fork, 0), cudaSuccess);
  ASSERT_EQ(scale(y.data(), 5, 8, side), cudaSuccess);
  ASSERT_EQ(scale(x.data(), 3, 8, stream_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(join, side), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(stream_, join, 0), cudaSuccess);
  ASSERT_EQ(add_packs(x.data(), y.data(), x.data(), 8, stream_), cudaSuccess);
  step.end(stream_);
  EXPECT_EQ(step.nodes(), 4u);
  ASSERT_EQ(cudaGraphLaunch(step.executable, stream_), cudaSuccess);
  EXPECT_EQ(x.read(stream_)[0], 11.0f);
  // The side stream is free again.
  ASSERT_EQ(scale(y.data(), 2, 8, side), cudaSuccess);
  EXPECT_EQ(y.read(side)[0], 10.0f);
  ASSERT_EQ(cudaStreamDestroy(side), cudaSuccess);
  ASSERT_EQ(cudaEventDestroy(fork), cudaSuccess);
  ASSERT_EQ(cudaEventDestroy(join), cudaSuccess);
}

TEST_P(Graphs, AForgottenJoinIsAnError) {
  DeviceArray<float> x(std::vector<float>(8, 1.0f));
  cudaStream_t side;
  cudaEvent_t fork;
  ASSERT_EQ(cudaStreamCreateWithFlags(&side, cudaStreamNonBlocking), cudaSuccess);
  ASSERT_EQ(cudaEventCreateWithFlags(&fork, cudaEventDisableTiming), cudaSuccess);
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(fork, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(side, fork, 0), cudaSuccess);
  ASSERT_EQ(scale(x.data(), 5, 8, side), cudaSuccess);
  cudaGraph_t graph;
  EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureUnjoined);
  EXPECT_EQ(graph, nullptr);
  ASSERT_EQ(cudaStreamDestroy(side), cudaSuccess);
  ASSERT_EQ(cudaEventDestroy(fork), cudaSuccess);
  cudaGetLastError();
}

TEST_P(Graphs, WaitingOrAllocatingSpoilsACapture) {
  DeviceArray<float> x(std::vector<float>(8, 1.0f));
  float host;
  void* block;
  const auto spoils = [&](auto call) {
    ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    ASSERT_EQ(scale(x.data(), 2, 8, stream_), cudaSuccess);
    EXPECT_EQ(call(), cudaErrorStreamCaptureUnsupported);
    EXPECT_TRUE(std::strstr(emulator().last_report(), "captured")) << emulator().last_report();
    cudaGraph_t graph;
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaErrorStreamCaptureInvalidated);
    cudaGetLastError();
  };
  spoils([&] { return cudaStreamSynchronize(stream_); });
  spoils([&] { return cudaDeviceSynchronize(); });
  spoils([&] { return cudaMemcpy(&host, x.data(), 4, cudaMemcpyDeviceToHost); });
  spoils([&] { return cudaMalloc(&block, 64); });
  spoils([&] { return scale(x.data(), 2, 8, nullptr); });
  EXPECT_EQ(x.read(stream_)[0], 1.0f);
}

TEST_P(Graphs, TheMemoryOfAGraphIsItsOwn) {
  DeviceArray<float> x(std::vector<float>(8, 1.0f));
  Graph step;
  void* block;
  ASSERT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&block, 32, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemsetAsync(block, 0, 32, stream_), cudaSuccess);
  ASSERT_EQ(add_packs(x.data(), x.data(), static_cast<float*>(block), 8, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(x.data(), block, 32, cudaMemcpyDeviceToDevice, stream_), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(block, stream_), cudaSuccess);
  step.end(stream_);
  for (int i = 0; i < 2; ++i) ASSERT_EQ(cudaGraphLaunch(step.executable, stream_), cudaSuccess);
  EXPECT_EQ(x.read(stream_)[0], 4.0f);
}

TEST_P(Graphs, AnUpdateTakesNewParametersOfTheSameShape) {
  DeviceArray<float> x(std::vector<float>(8, 1.0f));
  const auto captured = [&](float factor, int times) {
    cudaGraph_t graph = nullptr;
    EXPECT_EQ(cudaStreamBeginCapture(stream_, cudaStreamCaptureModeThreadLocal), cudaSuccess);
    for (int i = 0; i < times; ++i) EXPECT_EQ(scale(x.data(), factor, 8, stream_), cudaSuccess);
    EXPECT_EQ(cudaStreamEndCapture(stream_, &graph), cudaSuccess);
    return graph;
  };
  cudaGraph_t twice = captured(2, 1), thrice = captured(3, 1), longer = captured(3, 2);
  cudaGraphExec_t executable;
  ASSERT_EQ(cudaGraphInstantiate(&executable, twice, 0), cudaSuccess);
  cudaGraphExecUpdateResultInfo info;
  EXPECT_EQ(cudaGraphExecUpdate(executable, thrice, &info), cudaSuccess);
  ASSERT_EQ(cudaGraphLaunch(executable, stream_), cudaSuccess);
  EXPECT_EQ(x.read(stream_)[0], 3.0f);
  EXPECT_EQ(cudaGraphExecUpdate(executable, longer, &info), cudaErrorGraphExecUpdateFailure);
  for (cudaGraph_t graph : {twice, thrice, longer}) ASSERT_EQ(cudaGraphDestroy(graph), cudaSuccess);
  ASSERT_EQ(cudaGraphExecDestroy(executable), cudaSuccess);
  cudaGetLastError();
}

}  // namespace
}  // namespace pf::selftest
