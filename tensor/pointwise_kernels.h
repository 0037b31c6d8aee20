#pragma once
// From a formula to its CPU kernels: tight loops over contiguous blocks, instantiated once an operation by a generated
// source. Everything about strides, broadcasting and threads is in pointwise.cpp, which calls these.

#include <cstring>
#include <typeinfo>

#include "tensor/dual.h"
#include "tensor/ops/op.h"
#include "tensor/simd.h"

#ifndef PF_OPS_MODULE  // set by pf_add_ops for the operations of others
#define PF_OPS_MODULE ""
#endif

namespace pf::detail {

template <class T, size_t In, size_t Out> struct Block {
  int64_t n;
  std::array<const void*, In> in;
  std::array<void*, Out> out;

  Vec<T> load(size_t input, int64_t at) const { return Vec<T>::load(static_cast<const T*>(in[input]) + at); }
  void store(const Vec<T>& value, size_t output, int64_t at) const { value.store(static_cast<T*>(out[output]) + at); }
};

/// Runs the loop on the whole vectors of a block, then on the incomplete last one as a padded copy: the same code, so that
/// an element's bits never depend on its position.
template <class F, class T, size_t In, size_t Out>
void in_whole_vectors(const F& f, Block<T, In, Out> block, void (*loop)(const F&, const Block<T, In, Out>&)) {
  constexpr int64_t width = Vec<T>::width;
  const int64_t rest = block.n % width;
  block.n -= rest;
  if (block.n > 0) loop(f, block);
  if (rest == 0) return;
  T inputs[In][width], outputs[Out][width];
  Block<T, In, Out> last{width, {}, {}};
  for (size_t i = 0; i < In; ++i) {
    const T* source = static_cast<const T*>(block.in[i]) + block.n;
    for (int64_t k = 0; k < width; ++k) inputs[i][k] = source[k < rest ? k : rest - 1];
    last.in[i] = inputs[i];
  }
  for (size_t i = 0; i < Out; ++i) last.out[i] = block.out[i] ? outputs[i] : nullptr;
  loop(f, last);
  for (size_t i = 0; i < Out; ++i)
    if (block.out[i]) std::memcpy(static_cast<T*>(block.out[i]) + block.n, outputs[i], size_t(rest) * sizeof(T));
}

// The loops over whole vectors. Flattened: everything that a formula calls is inlined, whatever the compiler thinks of its
// size. A call inside the loop would cost more than most formulas.

template <class F, class T, size_t... I>
[[gnu::flatten, gnu::noinline]] void forward_loop(const F& formula, const Block<T, sizeof...(I), 1>& block,
                                                  std::index_sequence<I...>) {
  const F f = formula;
  for (int64_t at = 0; at < block.n; at += Vec<T>::width) block.store(f(block.load(I, at)...), 0, at);
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

/// Inputs: x…, y, g.
template <class F, class T, size_t... I>
[[gnu::flatten, gnu::noinline]] void vjp_loop(const F& formula, const Block<T, sizeof...(I) + 2, sizeof...(I)>& block,
                                              std::index_sequence<I...> each) {
  constexpr size_t count = sizeof...(I);
  const F f = formula;
  for (int64_t at = 0; at < block.n; at += Vec<T>::width) {
    const std::array<Vec<T>, count> values{block.load(I, at)...};
    const auto partials = value_and_partials(f, values, block.load(count, at), each);
    const Vec<T> g = block.load(count + 1, at);
    ((block.out[I] ? block.store(g * partials[I], I, at) : void()), ...);
  }
}

/// Inputs: x…, y, tangents….
template <class F, class T, size_t... I>
[[gnu::flatten, gnu::noinline]] void jvp_loop(const F& formula, const Block<T, 2 * sizeof...(I) + 1, 1>& block,
                                              std::index_sequence<I...> each) {
  constexpr size_t count = sizeof...(I);
  const F f = formula;
  for (int64_t at = 0; at < block.n; at += Vec<T>::width) {
    const std::array<Vec<T>, count> values{block.load(I, at)...};
    const auto partials = value_and_partials(f, values, block.load(count, at), each);
    Vec<T> sum(0);
    ((sum = sum + block.load(count + 1 + I, at) * partials[I]), ...);
    block.store(sum, 0, at);
  }
}

template <class F, size_t... I>
void integer_loop(const void* op, int64_t n, const void* const* x, void* y, std::index_sequence<I...>) {
  const F& f = *static_cast<const F*>(op);
  for (int64_t i = 0; i < n; ++i) static_cast<int64_t*>(y)[i] = f(static_cast<const int64_t*>(x[I])[i]...);
}

template <class F, class T, size_t... I> void add_kernels(PointwiseKernels& kernels, std::index_sequence<I...>) {
  constexpr size_t count = sizeof...(I);
  constexpr int dtype = int(dtype_of<T>());
  kernels.forward[dtype] = [](const void* op, int64_t n, const void* const* x, void* y) {
    using B = Block<T, count, 1>;
    in_whole_vectors(
        *static_cast<const F*>(op), B{n, {x[I]...}, {y}},
        +[](const F& f, const B& block) { forward_loop(f, block, std::index_sequence<I...>{}); });
  };
  kernels.vjp[dtype] = [](const void* op, int64_t n, const void* g, const void* const* x, const void* y,
                          void* const* grads) {
    using B = Block<T, count + 2, count>;
    in_whole_vectors(
        *static_cast<const F*>(op), B{n, {x[I]..., y, g}, {grads[I]...}},
        +[](const F& f, const B& block) { vjp_loop(f, block, std::index_sequence<I...>{}); });
  };
  kernels.jvp[dtype] = [](const void* op, int64_t n, const void* const* tangents, const void* const* x, const void* y,
                          void* out) {
    using B = Block<T, 2 * count + 1, 1>;
    in_whole_vectors(
        *static_cast<const F*>(op), B{n, {x[I]..., y, tangents[I]...}, {out}},
        +[](const F& f, const B& block) { jvp_loop(f, block, std::index_sequence<I...>{}); });
  };
}

}  // namespace pf::detail

namespace pf {

template <class F> const PointwiseKernels& pointwise_kernels() {
  static const PointwiseKernels kernels = [] {
    static_assert(std::is_trivially_copyable_v<F> && sizeof(F) <= max_formula_bytes,
                  "a formula's parameters are a few plain numbers");
    PointwiseKernels out{
        .name = F::name, .arity = F::arity, .op_bytes = sizeof(F), .type = typeid(F).name(), .module = PF_OPS_MODULE};
    detail::add_kernels<F, float>(out, std::make_index_sequence<F::arity>{});
    detail::add_kernels<F, double>(out, std::make_index_sequence<F::arity>{});
    if constexpr (requires { F::integers; })
      out.forward[int(int64)] = [](const void* op, int64_t n, const void* const* x, void* y) {
        detail::integer_loop<F>(op, n, x, y, std::make_index_sequence<F::arity>{});
      };
    return out;
  }();
  return kernels;
}

}  // namespace pf
