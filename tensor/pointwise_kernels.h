#pragma once
// From a formula to its CPU kernels: tight loops over contiguous blocks, instantiated once an operation by a generated
// source. Everything about strides, broadcasting and threads is in pointwise.cpp, which calls these.

#include <cstring>

#include "tensor/dual.h"
#include "tensor/ops/op.h"

namespace pf::detail {

// The last, incomplete vector is computed by the same vector code on a padded copy, so that an element's bits never
// depend on its position.
template <class T>
Vec<T> load_part(const void* data, int64_t at, int64_t count) {
  T padded[Vec<T>::width];
  const T* source = static_cast<const T*>(data) + at;
  for (int k = 0; k < Vec<T>::width; ++k) padded[k] = source[k < count ? k : count - 1];
  return Vec<T>::load(padded);
}
template <class T>
void store_part(const Vec<T>& value, void* data, int64_t at, int64_t count) {
  T padded[Vec<T>::width];
  value.store(padded);
  std::memcpy(static_cast<T*>(data) + at, padded, size_t(count) * sizeof(T));
}

/// Calls body(load, store), once a vector of the block.
template <class T, class Body>
void for_each_vector(int64_t n, const Body& body) {
  constexpr int64_t width = Vec<T>::width;
  int64_t i = 0;
  for (; i + width <= n; i += width)
    body([i](const void* data) { return Vec<T>::load(static_cast<const T*>(data) + i); },
         [i](const Vec<T>& value, void* data) { value.store(static_cast<T*>(data) + i); });
  if (i < n)
    body([i, n](const void* data) { return load_part<T>(data, i, n - i); },
         [i, n](const Vec<T>& value, void* data) { store_part<T>(value, data, i, n - i); });
}

template <class F, class T, size_t... I>
void forward_loop(const void* op, int64_t n, const void* const* x, void* y, std::index_sequence<I...>) {
  const F f = *static_cast<const F*>(op);
  const std::array<const void*, sizeof...(I)> in{x[I]...};
  for_each_vector<T>(n, [&](auto load, auto store) { store(f(load(in[I])...), y); });
}

template <class F, class V, size_t... I>
auto value_and_partials(const F& f, const std::array<V, sizeof...(I)>& x, const V& y, std::index_sequence<I...>) {
  if constexpr (has_partials<F>) {
    return partials_of(f, y, x[I]...);
  } else {
    using D = Dual<V, int(sizeof...(I))>;
    return f(D::input(x[I], int(I))...).partial;
  }
}

template <class F, class T, size_t... I>
void vjp_loop(const void* op, int64_t n, const void* g, const void* const* x, const void* y, void* const* grads,
              std::index_sequence<I...> each) {
  const F f = *static_cast<const F*>(op);
  const std::array<const void*, sizeof...(I)> in{x[I]...};
  const std::array<void*, sizeof...(I)> out{grads[I]...};
  for_each_vector<T>(n, [&](auto load, auto store) {
    const std::array<Vec<T>, sizeof...(I)> values{load(in[I])...};
    const auto partials = value_and_partials(f, values, load(y), each);
    const Vec<T> scale = load(g);
    ((out[I] ? store(scale * partials[I], out[I]) : void()), ...);
  });
}

template <class F, class T, size_t... I>
void jvp_loop(const void* op, int64_t n, const void* const* tangents, const void* const* x, const void* y, void* out,
              std::index_sequence<I...> each) {
  const F f = *static_cast<const F*>(op);
  for_each_vector<T>(n, [&](auto load, auto store) {
    const std::array<Vec<T>, sizeof...(I)> values{load(x[I])...};
    const auto partials = value_and_partials(f, values, load(y), each);
    Vec<T> sum(0);
    ((sum = sum + load(tangents[I]) * partials[I]), ...);
    store(sum, out);
  });
}

template <class F, size_t... I>
void integer_loop(const void* op, int64_t n, const void* const* x, void* y, std::index_sequence<I...>) {
  const F& f = *static_cast<const F*>(op);
  for (int64_t i = 0; i < n; ++i) static_cast<int64_t*>(y)[i] = f(static_cast<const int64_t*>(x[I])[i]...);
}

template <class F, class T>
void add_kernels(PointwiseKernels& kernels) {
  using Each = std::make_index_sequence<F::arity>;
  constexpr int dtype = int(dtype_of<T>());
  kernels.forward[dtype] = [](const void* op, int64_t n, const void* const* x, void* y) {
    forward_loop<F, T>(op, n, x, y, Each{});
  };
  kernels.vjp[dtype] = [](const void* op, int64_t n, const void* g, const void* const* x, const void* y,
                          void* const* grads) { vjp_loop<F, T>(op, n, g, x, y, grads, Each{}); };
  kernels.jvp[dtype] = [](const void* op, int64_t n, const void* const* tangents, const void* const* x, const void* y,
                          void* out) { jvp_loop<F, T>(op, n, tangents, x, y, out, Each{}); };
}

}  // namespace pf::detail

namespace pf {

template <class F>
const PointwiseKernels& pointwise_kernels() {
  static const PointwiseKernels kernels = [] {
    PointwiseKernels out{F::name, F::arity};
    detail::add_kernels<F, float>(out);
    detail::add_kernels<F, double>(out);
    if constexpr (requires { F::integers; })
      out.forward[int(int64)] = [](const void* op, int64_t n, const void* const* x, void* y) {
        detail::integer_loop<F>(op, n, x, y, std::make_index_sequence<F::arity>{});
      };
    return out;
  }();
  return kernels;
}

}  // namespace pf
