#pragma once
// A seeded bug: a small CUDA program with one mistake, and its corrected twin.

#include <cuda_runtime_api.h>

#include <cstdio>
#include <vector>

namespace pf::mutation {

struct Bug {
  const char* name;
  const char* what;
  void (*run)(class Trial& trial, bool fixed);
};
extern const std::vector<Bug> kernel_bugs, host_bugs;

/// A run of such a program: streams, arrays, and whether anything was noticed.
class Trial {
 public:
  Trial() {
    ok(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    ok(cudaStreamCreateWithFlags(&other, cudaStreamNonBlocking));
  }

  /// An error of the runtime is noticed by every program that checks its calls.
  bool ok(cudaError_t error) {
    if (error == cudaSuccess) return true;
    if (!error_seen) std::printf("error: %s\n", cudaGetErrorName(error));
    error_seen = true;
    return false;
  }
  /// A wrong result is noticed by a test that compares.
  void expect(bool right, const char* what) {
    if (right) return;
    if (!wrong_result) std::printf("wrong result: %s\n", what);
    wrong_result = true;
  }

  template <class T> T* array(const std::vector<T>& values) {
    T* data = room<T>(values.size());
    ok(cudaMemcpy(data, values.data(), values.size() * sizeof(T), cudaMemcpyHostToDevice));
    return data;
  }
  template <class T> T* room(size_t n) {
    void* data = nullptr;
    ok(cudaMalloc(&data, n * sizeof(T)));
    return static_cast<T*>(data);
  }
  template <class T> std::vector<T> read(const T* data, size_t n, cudaStream_t from) {
    std::vector<T> values(n);
    ok(cudaMemcpyAsync(values.data(), data, n * sizeof(T), cudaMemcpyDeviceToHost, from));
    ok(cudaStreamSynchronize(from));
    return values;
  }
  template <class T> void expect_values(const T* data, const std::vector<T>& expected, const char* what) {
    expect(read(data, expected.size(), stream) == expected, what);
  }

  cudaStream_t stream = nullptr, other = nullptr;
  bool error_seen = false, wrong_result = false;
};

}  // namespace pf::mutation
