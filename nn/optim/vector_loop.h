#pragma once
// The loop of passes that update memory in place: several arrays of one length, one vector of each at a time.

#include "tensor/simd.h"
#include "tensor/tensor.h"

namespace pf {

/// One place in the loop; V is Vec<T>, or T for the last elements.
template <class V> struct VectorPlace {
  using T = value_type_t<V>;
  int64_t at;
  V load(const T* data) const {
    if constexpr (SimdValue<V>) return V::load(data + at);
    else return data[at];
  }
  void store(const V& value, T* data) const {
    if constexpr (SimdValue<V>) value.store(data + at);
    else data[at] = value;
  }
};

/// Calls body(place) for places that cover 0 … n - 1.
template <class T, class Body> void vector_loop(int64_t n, const Body& body) {
  constexpr int64_t width = Vec<T>::width;
  int64_t i = 0;
  for (; i + width <= n; i += width) body(VectorPlace<Vec<T>>{i});
  for (; i < n; ++i) body(VectorPlace<T>{i});
}

/// The tensor for writing: itself where nobody else looks at its memory, else a copy. Move it in.
inline Tensor writable(Tensor&& x) { return x.donatable() ? std::move(x) : copy(x); }

}  // namespace pf
