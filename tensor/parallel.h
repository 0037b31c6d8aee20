#pragma once
// Threads: one pool behind parallel_for. Work is cut into chunks whose number never depends on the number of threads,
// so every result has the same bits on one thread or many.

#include <cstdint>
#include <type_traits>

namespace pf {

/// Threads used from now on, the caller's included; 0 means one for each processor. The default is 1 until set.
void set_threads(int count);
int threads();

namespace detail {
using ChunkFunction = void (*)(void* body, int64_t chunk);
void run_chunks(int64_t chunks, ChunkFunction function, void* body);
}  // namespace detail

/// Calls body(chunk) for chunk = 0 … chunks - 1, in any order, possibly at once; returns when all are done. The first
/// exception is rethrown. Inside another parallel_for it runs on the calling thread.
template <class Body> void parallel_for(int64_t chunks, Body&& body) {
  if (chunks <= 1 || threads() == 1) {
    for (int64_t i = 0; i < chunks; ++i) body(i);
    return;
  }
  using Plain = std::remove_reference_t<Body>;
  detail::run_chunks(
      chunks, [](void* b, int64_t chunk) { (*static_cast<Plain*>(b))(chunk); }, (void*)&body);
}

}  // namespace pf
