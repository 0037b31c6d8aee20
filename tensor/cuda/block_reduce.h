#pragma once
// One value from the values of a block's threads, combined in a fixed tree.

#include "tensor/cuda/device_code.h"

namespace pf::cuda {

inline constexpr int reduce_threads = 128;

/// Every thread of a block of reduce_threads gives a value; all get the result. `shared` holds reduce_threads of them.
template <class P, class T> __device__ T block_reduce(T value, T* shared) {
  const int thread = int(threadIdx.x);
  __syncthreads();  // the last result may still be being read
  shared[thread] = value;
  __syncthreads();
  for (int half = reduce_threads / 2; half > 0; half /= 2) {
    if (thread < half) shared[thread] = P::combine(shared[thread], shared[thread + half]);
    __syncthreads();
  }
  return shared[0];
}

struct SumPolicy {
  template <class T> __device__ static T identity() { return T(0); }
  template <class T> __device__ static T combine(T a, T b) { return a + b; }
};
struct ProductPolicy {
  template <class T> __device__ static T identity() { return T(1); }
  template <class T> __device__ static T combine(T a, T b) { return a * b; }
};
/// NaN wins, as on the CPU.
struct LargestPolicy {
  template <class T> __device__ static T identity() { return lowest<T>(); }
  template <class T> __device__ static T combine(T a, T b) { return a != a || a > b ? a : b; }

 private:
  template <class T> __device__ static T lowest() {
    if constexpr (std::is_integral_v<T>) return std::numeric_limits<T>::min();
    else return -std::numeric_limits<T>::infinity();
  }
};
struct SmallestPolicy {
  template <class T> __device__ static T identity() {
    if constexpr (std::is_integral_v<T>) return std::numeric_limits<T>::max();
    else return std::numeric_limits<T>::infinity();
  }
  template <class T> __device__ static T combine(T a, T b) { return a != a || a < b ? a : b; }
};

}  // namespace pf::cuda
