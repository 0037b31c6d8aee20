// Streams, events, memory, failures: what the emulated runtime promises a host program.

#include <gtest/gtest.h>

#include <atomic>
#include <cmath>
#include <cstring>
#include <memory>
#include <string>
#include <thread>

#include "selftest/emulator_fixture.h"
#include "selftest/kernels.h"

namespace pf::selftest {
namespace {

/// Lazy streams, and a clean slate afterwards.
class Runtime : public ::testing::Test {
 protected:
  void SetUp() override {
    emulator().set_exit_on_fault(0);
    emulator().reset_counters();
    ASSERT_EQ(cudaStreamCreateWithFlags(&stream_, cudaStreamNonBlocking), cudaSuccess);
    ASSERT_EQ(cudaStreamCreateWithFlags(&other_, cudaStreamNonBlocking), cudaSuccess);
  }
  void TearDown() override {
    EXPECT_EQ(emulator().faults(), 0u) << emulator().last_report();
    emulator().fail_call(0, 0);
    emulator().forget_faults();
    EXPECT_EQ(cudaStreamDestroy(stream_), cudaSuccess);
    EXPECT_EQ(cudaStreamDestroy(other_), cudaSuccess);
  }
  /// What the report of the last refusal says.
  static bool reported(const char* words) { return std::strstr(emulator().last_report(), words) != nullptr; }

  cudaStream_t stream_ = nullptr, other_ = nullptr;
};

struct PinnedFloat {
  float* value = nullptr;
  PinnedFloat() { EXPECT_EQ(cudaMallocHost(reinterpret_cast<void**>(&value), sizeof(float)), cudaSuccess); }
  ~PinnedFloat() { cudaFreeHost(value); }
};

TEST_F(Runtime, QueuedWorkRunsWhenSomethingWaits) {
  DeviceArray<float> x(std::vector<float>(8, 1.0f));
  PinnedFloat host;
  *host.value = -1;
  ASSERT_EQ(scale(x.data(), 3, 8, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemcpyAsync(host.value, x.data(), sizeof(float), cudaMemcpyDeviceToHost, stream_), cudaSuccess);
  EXPECT_EQ(*host.value, -1.0f);
  ASSERT_EQ(cudaStreamSynchronize(other_), cudaSuccess);
  EXPECT_EQ(*host.value, -1.0f);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(*host.value, 3.0f);
}

TEST_F(Runtime, AnEventOrdersTwoStreams) {
  DeviceArray<float> x(std::vector<float>(8, 1.0f));
  cudaEvent_t ready;
  ASSERT_EQ(cudaEventCreateWithFlags(&ready, cudaEventDisableTiming), cudaSuccess);
  ASSERT_EQ(cudaEventQuery(ready), cudaSuccess);  // never recorded
  ASSERT_EQ(scale(x.data(), 3, 8, stream_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(ready, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamWaitEvent(other_, ready, 0), cudaSuccess);
  // Recorded again later: the wait stays for the first record.
  ASSERT_EQ(scale(x.data(), 10, 8, stream_), cudaSuccess);
  ASSERT_EQ(cudaEventRecord(ready, stream_), cudaSuccess);
  EXPECT_EQ(x.read(other_)[0], 3.0f);
  ASSERT_EQ(cudaEventSynchronize(ready), cudaSuccess);
  EXPECT_EQ(x.read(other_)[0], 30.0f);
  ASSERT_EQ(cudaEventDestroy(ready), cudaSuccess);
}

TEST_F(Runtime, TheDefaultStreamWaitsForBlockingStreamsOnly) {
  DeviceArray<float> x(std::vector<float>(8, 1.0f));
  cudaStream_t blocking;
  ASSERT_EQ(cudaStreamCreate(&blocking), cudaSuccess);
  std::vector<float> host(8);
  ASSERT_EQ(scale(x.data(), 3, 8, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(host.data(), x.data(), 32, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(host[0], 1.0f);
  ASSERT_EQ(scale(x.data(), 5, 8, blocking), cudaSuccess);
  ASSERT_EQ(cudaMemcpy(host.data(), x.data(), 32, cudaMemcpyDeviceToHost), cudaSuccess);
  EXPECT_EQ(host[0], 5.0f);
  ASSERT_EQ(cudaStreamDestroy(blocking), cudaSuccess);
}

TEST_F(Runtime, FreshMemoryIsNaNAndAddressesAreNotUsedTwice) {
  void *first, *second;
  ASSERT_EQ(cudaMallocAsync(&first, 64, stream_), cudaSuccess);
  std::vector<float> host(16);
  ASSERT_EQ(cudaMemcpyAsync(host.data(), first, 64, cudaMemcpyDeviceToHost, stream_), cudaSuccess);
  for (float v : host) EXPECT_TRUE(std::isnan(v));
  ASSERT_EQ(cudaFreeAsync(first, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&second, 64, stream_), cudaSuccess);
  EXPECT_NE(first, second);
  ASSERT_EQ(cudaFreeAsync(second, stream_), cudaSuccess);
}

TEST_F(Runtime, ReusedMemoryForLongRuns) {
  emulator().set_reuse_memory(1);
  void *first, *second;
  ASSERT_EQ(cudaMallocAsync(&first, 1000, stream_), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(first, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&second, 900, stream_), cudaSuccess);
  EXPECT_EQ(first, second);
  ASSERT_EQ(cudaFreeAsync(second, stream_), cudaSuccess);
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  emulator().set_reuse_memory(0);
}

TEST_F(Runtime, ManyAllocationsComeAndGo) {
  // More than what is kept of freed memory, so that pages go back to the system; neighbours must keep their values.
  DeviceArray<float> keep(std::vector<float>(3000, 2.0f));
  std::vector<void*> kept;
  for (int i = 0; i < 120; ++i) {
    void* block;
    const size_t bytes = size_t(1) << 20;
    ASSERT_EQ(cudaMallocAsync(&block, bytes + size_t(i) * 777, stream_), cudaSuccess);
    ASSERT_EQ(cudaMemsetAsync(block, i, 100, stream_), cudaSuccess);
    if (i % 10 == 0) kept.push_back(block);
    else ASSERT_EQ(cudaFreeAsync(block, stream_), cudaSuccess);
  }
  ASSERT_EQ(cudaStreamSynchronize(stream_), cudaSuccess);
  EXPECT_EQ(keep.read(stream_), std::vector<float>(3000, 2.0f));
  for (size_t i = 0; i < kept.size(); ++i) {
    std::vector<char> bytes(101);
    ASSERT_EQ(cudaMemcpy(bytes.data(), kept[i], 101, cudaMemcpyDeviceToHost), cudaSuccess);
    EXPECT_EQ(bytes[0], char(10 * i));
    EXPECT_EQ(bytes[99], char(10 * i));
    EXPECT_EQ(bytes[100], char(0xff));
    ASSERT_EQ(cudaFree(kept[i]), cudaSuccess);
  }
}

TEST_F(Runtime, OutOfMemoryLeavesTheDeviceUsable) {
  size_t free_bytes, total;
  ASSERT_EQ(cudaMemGetInfo(&free_bytes, &total), cudaSuccess);
  void* block = &total;
  EXPECT_EQ(cudaMallocAsync(&block, free_bytes + 1, stream_), cudaErrorMemoryAllocation);
  EXPECT_EQ(block, nullptr);
  EXPECT_EQ(cudaGetLastError(), cudaErrorMemoryAllocation);
  EXPECT_EQ(cudaGetLastError(), cudaSuccess);
  // What a stream releases counts, even before it has run.
  emulator().set_device_memory((total - free_bytes) + 1000);
  ASSERT_EQ(cudaMallocAsync(&block, 800, stream_), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(block, stream_), cudaSuccess);
  ASSERT_EQ(cudaMallocAsync(&block, 800, other_), cudaSuccess);
  ASSERT_EQ(cudaFreeAsync(block, other_), cudaSuccess);
  emulator().set_device_memory(total);
}

TEST_F(Runtime, RefusalsSayWhy) {
  DeviceArray<float> x(16);
  float host[16] = {};
  EXPECT_EQ(cudaMemcpy(x.data(), host, 65, cudaMemcpyHostToDevice), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("65 bytes leaves its allocation")) << emulator().last_report();
  EXPECT_EQ(cudaMemcpy(x.data(), host, 64, cudaMemcpyDeviceToHost), cudaErrorInvalidValue);
  EXPECT_TRUE(reported("direction")) << emulator().last_report();
  EXPECT_EQ(cudaFree(x.data() + 1), cudaErrorInvalidValue);
  EXPECT_EQ(reverse_blocks(x.data(), 2048, 1, stream_), cudaErrorInvalidConfiguration);
  EXPECT_TRUE(reported("reverse_blocks_kernel: a block of (2048, 1, 1) threads")) << emulator().last_report();
  EXPECT_EQ(scale(x.data(), 1, 0, stream_), cudaErrorInvalidConfiguration);  // a grid of no blocks
  EXPECT_EQ(cudaSetDevice(3), cudaErrorInvalidDevice);
  EXPECT_EQ(cudaStreamSynchronize(reinterpret_cast<cudaStream_t>(&host)), cudaErrorInvalidResourceHandle);
  EXPECT_EQ(cudaGetLastError(), cudaErrorInvalidResourceHandle);
}

TEST_F(Runtime, CountsWhatAStepCosts) {
  DeviceArray<float> x(std::vector<float>(600, 1.0f));
  emulator().reset_counters();
  ASSERT_EQ(scale(x.data(), 2, 600, stream_), cudaSuccess);
  ASSERT_EQ(scale(x.data(), 2, 600, stream_), cudaSuccess);
  ASSERT_EQ(reverse_blocks(x.data(), 300, 2, stream_), cudaSuccess);
  PinnedFloat host;
  ASSERT_EQ(cudaMemcpyAsync(host.value, x.data(), 4, cudaMemcpyDeviceToHost, stream_), cudaSuccess);
  auto counted = emulator().counters();
  EXPECT_EQ(counted.launches, 3u);
  EXPECT_EQ(counted.copies_to_host, 1u);
  EXPECT_EQ(counted.bytes_to_host, 4u);
  EXPECT_EQ(counted.synchronisations + counted.implicit_synchronisations, 0u);
  EXPECT_EQ(counted.allocations, 0u);
  EXPECT_EQ(counted.live_allocations, 1u);
  EXPECT_EQ(counted.bytes_in_use, 2400u);
  float pageable;  // the call itself waits
  ASSERT_EQ(cudaMemcpyAsync(&pageable, x.data(), 4, cudaMemcpyDeviceToHost, stream_), cudaSuccess);
  EXPECT_EQ(pageable, 4.0f);
  EXPECT_EQ(emulator().counters().implicit_synchronisations, 1u);

  pf_emulator_kernel_count kernels[8];
  ASSERT_EQ(emulator().kernels(kernels, 8), 2u);
  EXPECT_EQ(emulator().launches_of("scale_kernel"), 2u);
  EXPECT_EQ(emulator().launches_of("reverse"), 1u);
  for (int i = 0; i < 2; ++i) {
    EXPECT_EQ(std::string(kernels[i].name).rfind("pf::selftest::(anonymous namespace)::", 0), 0u) << kernels[i].name;
  }
}

TEST_F(Runtime, EachCallCanBeMadeToFail) {
  const auto step = [&] {
    void* block = nullptr;
    cudaError_t error = cudaMallocAsync(&block, 64, stream_);
    if (error == cudaSuccess) error = cudaMemsetAsync(block, 0, 64, stream_);
    if (error == cudaSuccess) error = scale(static_cast<float*>(block), 2, 16, stream_);
    if (error == cudaSuccess) error = cudaStreamSynchronize(stream_);
    if (block && cudaFreeAsync(block, stream_) != cudaSuccess) cudaFreeAsync(block, stream_);
    return error;
  };
  emulator().reset_counters();
  ASSERT_EQ(step(), cudaSuccess);
  const uint64_t calls = emulator().counters().calls;
  EXPECT_EQ(calls, 5u);
  std::string failed;
  for (uint64_t n = 1; n <= calls; ++n) {
    emulator().fail_call(n, cudaErrorNotPermitted);
    EXPECT_EQ(step(), n == calls ? cudaSuccess : cudaErrorNotPermitted);
    failed += emulator().failed_call() + std::string(" ");
    cudaGetLastError();
  }
  EXPECT_EQ(failed, "cudaMallocAsync cudaMemsetAsync cudaLaunchKernelEx cudaStreamSynchronize cudaFreeAsync ");
  emulator().fail_call_of("cudaStreamSynchronize", 2, cudaErrorUnknown);
  EXPECT_EQ(step(), cudaSuccess);
  EXPECT_EQ(step(), cudaErrorUnknown);
  EXPECT_EQ(step(), cudaSuccess);
  EXPECT_EQ(emulator().counters().live_allocations, 0u);
}

TEST_F(Runtime, AKernelThatFailsLeavesItsErrorBehind) {
  DeviceArray<float> x(std::vector<float>(16, 1.0f));
  emulator().fail_kernel(2, cudaErrorLaunchFailure);
  ASSERT_EQ(scale(x.data(), 2, 16, stream_), cudaSuccess);
  ASSERT_EQ(scale(x.data(), 2, 16, stream_), cudaSuccess);
  EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorLaunchFailure);
  void* block;
  EXPECT_EQ(cudaMalloc(&block, 64), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaGetLastError(), cudaErrorLaunchFailure);
  EXPECT_EQ(cudaPeekAtLastError(), cudaErrorLaunchFailure);
  EXPECT_STREQ(cudaGetErrorName(cudaErrorLaunchFailure), "cudaErrorLaunchFailure");
  emulator().forget_faults();
  EXPECT_EQ(x.read(stream_)[0], 2.0f);
}

TEST_F(Runtime, AfterAFaultTheDeviceGivesItsErrorUntilItIsForgotten) {
  DeviceArray<int> x(std::vector<int>(600, 1)), out(600);
  int* const far = out.data() + (int64_t(1) << 30);
  const auto scans = [&](const int* from, int* to, const char* words) {
    ASSERT_EQ(block_scan(from, to, 600, stream_), cudaSuccess);
    EXPECT_EQ(cudaStreamSynchronize(stream_), cudaErrorIllegalAddress);
    EXPECT_EQ(emulator().faults(), 1u);
    EXPECT_TRUE(reported(words) && reported("far outside of all allocations")) << emulator().last_report();
    EXPECT_EQ(block_scan(x.data(), out.data(), 600, stream_), cudaErrorIllegalAddress);
    emulator().forget_faults();
  };
  // With nobody waiting, and with the other threads of the block on their way between barriers.
  scans(far, out.data(), "block_scan_kernel, block (0, 0, 0), thread (0, 0, 0)");
  scans(x.data(), far, "block_scan_kernel, block (0, 0, 0), thread (");
  ASSERT_EQ(block_scan(x.data(), out.data(), 600, stream_), cudaSuccess);
  const auto sums = out.read(stream_);
  for (size_t i = 0; i < sums.size(); ++i) EXPECT_EQ(sums[i], int(i % 256 + 1));
}

TEST_F(Runtime, HostThreadsLaunchAtTheSameTime) {
  constexpr int workers = 4, rounds = 50;
  std::vector<std::unique_ptr<DeviceArray<float>>> arrays;
  for (int i = 0; i < workers; ++i) {
    arrays.push_back(std::make_unique<DeviceArray<float>>(std::vector<float>(96, 1.0f)));
  }
  std::vector<std::thread> threads;
  std::atomic<int> failures = 0;
  for (const auto& array : arrays) {
    threads.emplace_back([&] {
      cudaStream_t own;
      failures += cudaStreamCreateWithFlags(&own, cudaStreamNonBlocking) != cudaSuccess;
      for (int round = 0; round < rounds; ++round) {
        failures += scale(array->data(), 2, 96, own) != cudaSuccess;
        failures += reverse_blocks(array->data(), 96, 1, own) != cudaSuccess;
        failures += scale(array->data(), 0.5f, 96, own) != cudaSuccess;
        failures += cudaStreamSynchronize(own) != cudaSuccess;
      }
      failures += cudaStreamDestroy(own) != cudaSuccess;
    });
  }
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(failures, 0);
  for (const auto& array : arrays) EXPECT_EQ(array->read(stream_), std::vector<float>(96, 1.0f));
  EXPECT_EQ(emulator().launches_of("reverse_blocks"), uint64_t(workers) * rounds);
}

TEST_F(Runtime, PropertiesOfTheDevice) {
  int count = 0;
  ASSERT_EQ(cudaGetDeviceCount(&count), cudaSuccess);
  ASSERT_EQ(count, 1);
  cudaDeviceProp properties;
  ASSERT_EQ(cudaGetDeviceProperties(&properties, 0), cudaSuccess);
  int major = 0;
  ASSERT_EQ(cudaDeviceGetAttribute(&major, cudaDevAttrComputeCapabilityMajor, 0), cudaSuccess);
  EXPECT_EQ(major, properties.major);
  EXPECT_EQ(properties.warpSize, 32);
  cudaPointerAttributes attributes;
  DeviceArray<float> x(4);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, x.data() + 1), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeDevice);
  ASSERT_EQ(cudaPointerGetAttributes(&attributes, &count), cudaSuccess);
  EXPECT_EQ(attributes.type, cudaMemoryTypeUnregistered);
}

TEST_F(Runtime, PoolsCountTheirMemory) {
  cudaMemPool_t pool;
  ASSERT_EQ(cudaDeviceGetDefaultMemPool(&pool, 0), cudaSuccess);
  uint64_t before, during, most, threshold = ~uint64_t(0);
  ASSERT_EQ(cudaMemPoolSetAttribute(pool, cudaMemPoolAttrReleaseThreshold, &threshold), cudaSuccess);
  ASSERT_EQ(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &before), cudaSuccess);
  void* block;
  ASSERT_EQ(cudaMallocAsync(&block, 5000, stream_), cudaSuccess);
  ASSERT_EQ(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemCurrent, &during), cudaSuccess);
  ASSERT_EQ(cudaMemPoolGetAttribute(pool, cudaMemPoolAttrUsedMemHigh, &most), cudaSuccess);
  EXPECT_EQ(during - before, 5000u);
  EXPECT_GE(most, during);
  ASSERT_EQ(cudaFreeAsync(block, stream_), cudaSuccess);
  EXPECT_EQ(cudaFreeAsync(block, stream_), cudaErrorInvalidValue);  // twice
  cudaGetLastError();
}

}  // namespace
}  // namespace pf::selftest
