#pragma once
// From a formula to its CUDA kernels: the same text as on the CPU, evaluated on one element a thread at a time. Two ways
// through memory: flat, 16 bytes at a time, where every operand is row-major or one number; else by strides. Elements of
// 16 bits are widened as they are read and rounded as they are written.

#include <typeinfo>

#include "tensor/cuda/device_code.h"
#include "tensor/cuda/launch.h"
#include "tensor/cuda/strided_index.h"
#include "tensor/dual.h"
#include "tensor/ops/op.h"

namespace pf::cuda {

// What the formula's text becomes: x… to y ----------------------------------------------------------------------------

/// A formula of so much arithmetic that its memory traffic does not matter says `static constexpr bool heavy = true`: on a GPU
/// its elements then go one at a time, since several at once would not fit into the registers.
template <class F> constexpr bool is_heavy() {
  if constexpr (requires { F::heavy; }) return F::heavy;
  else return false;
}

template <class F, class T> struct ForwardBody {
  static constexpr bool heavy = is_heavy<F>();
  static constexpr int in = F::arity, out = 1;
  F f;
  __device__ void operator()(const T (&x)[in], T (&y)[out]) const { call(x, y, std::make_index_sequence<F::arity>{}); }

 private:
  template <size_t... I> __device__ void call(const T (&x)[in], T (&y)[out], std::index_sequence<I...>) const {
    y[0] = f(x[I]...);
  }
};

template <class F, class T, size_t... I>
__device__ auto partials_at(const F& f, const T* x, T y, std::index_sequence<I...>) {
  if constexpr (has_partials<F>) {
    return partials_of(f, y, x[I]...);
  } else {
    using D = Dual<T, int(sizeof...(I))>;
    return f(D::input(x[I], int(I))...).partial;
  }
}

/// Inputs: x…, y, g.
template <class F, class T> struct VjpBody {
  static constexpr bool heavy = is_heavy<F>();
  static constexpr int in = F::arity + 2, out = F::arity;
  F f;
  __device__ void operator()(const T (&x)[in], T (&grad)[out]) const {
    const auto partials = partials_at(f, x, x[F::arity], std::make_index_sequence<F::arity>{});
    for (int i = 0; i < out; ++i) grad[i] = x[F::arity + 1] * partials[i];
  }
};

/// Inputs: x…, y, tangents….
template <class F, class T> struct JvpBody {
  static constexpr bool heavy = is_heavy<F>();
  static constexpr int in = 2 * F::arity + 1, out = 1;
  F f;
  __device__ void operator()(const T (&x)[in], T (&tangent)[out]) const {
    const auto partials = partials_at(f, x, x[F::arity], std::make_index_sequence<F::arity>{});
    T sum = T(0);
    for (int i = 0; i < F::arity; ++i) sum = sum + x[F::arity + 1 + i] * partials[i];
    tangent[0] = sum;
  }
};

// The two ways through memory ------------------------------------------------------------------------------------------

/// An operand of the flat way: a row of elements, or one for all (an element on the device, or a number).
template <class T> struct FlatSource {
  const T* row;
  const T* single;
  Arithmetic<T> number;
  __device__ Arithmetic<T> at(int64_t i) const {
    return row ? Arithmetic<T>(row[i]) : single ? Arithmetic<T>(*single) : number;
  }
};
template <class T, int in, int out> struct FlatOperands {
  FlatSource<T> from[in];
  T* to[out];
};

/// Whether a thread takes 16 bytes at a time. Not of float64: the slow path of a division of two at once spills, and 8 bytes a
/// thread keep as many bytes in flight as an SM needs.
template <class Body, class T> inline constexpr bool in_packs = !Body::heavy && sizeof(T) < 8;

template <class Body, class T>
__device__ __forceinline__ void one_by_one(const Body& body, const FlatOperands<T, Body::in, Body::out>& at, int64_t n,
                                           int64_t first, uint32_t step) {
  PF_UNROLL(1)
  for (int64_t i = first; i < n; i += step) {
    Arithmetic<T> a[Body::in], b[Body::out];
    for (int k = 0; k < Body::in; ++k) a[k] = at.from[k].at(i);
    body(a, b);
    for (int k = 0; k < Body::out; ++k)
      if (at.to[k]) at.to[k][i] = T(b[k]);
  }
}

template <class Body, class T>
__device__ __forceinline__ void by_packs(const Body& body, const FlatOperands<T, Body::in, Body::out>& at, int64_t n,
                                         int64_t first, uint32_t step) {
  constexpr int width = 16 / int(sizeof(T));
  const int64_t packs = n / width;
  using N = Arithmetic<T>;
  N number[Body::in];
  for (int k = 0; k < Body::in; ++k) number[k] = at.from[k].single ? N(*at.from[k].single) : at.from[k].number;
  for (int64_t p = first; p < packs; p += step) {
    Pack<T> x[Body::in], y[Body::out];
    for (int k = 0; k < Body::in; ++k)
      if (at.from[k].row) x[k] = load_pack(at.from[k].row + p * width);
    for (int j = 0; j < width; ++j) {
      N a[Body::in], b[Body::out];
      for (int k = 0; k < Body::in; ++k) a[k] = at.from[k].row ? N(x[k].element[j]) : number[k];
      body(a, b);
      for (int k = 0; k < Body::out; ++k) y[k].element[j] = T(b[k]);
    }
    for (int k = 0; k < Body::out; ++k)
      if (at.to[k]) store_pack(at.to[k] + p * width, y[k]);
  }
  for (int64_t i = packs * width + first; i < n; i += step) {  // what is left of the last 16 bytes
    N a[Body::in], b[Body::out];
    for (int k = 0; k < Body::in; ++k) a[k] = at.from[k].row ? N(at.from[k].row[i]) : number[k];
    body(a, b);
    for (int k = 0; k < Body::out; ++k)
      if (at.to[k]) at.to[k][i] = T(b[k]);
  }
}

template <class Body, class T>
__global__ void __launch_bounds__(256) flat_pass(Body body, FlatOperands<T, Body::in, Body::out> at, int64_t n) {
  const uint32_t step = gridDim.x * blockDim.x;  // in 64 bits, a double's division has too few registers left
  const int64_t first = int64_t(blockIdx.x) * blockDim.x + threadIdx.x;
  if constexpr (in_packs<Body, T>) by_packs(body, at, n, first, step);
  else one_by_one(body, at, n, first, step);
}

template <class T, int in, int out> struct StridedOperands {
  const T* from[in];  // null: the number
  Arithmetic<T> number[in];
  T* to[out];
  StridedIndex<in> index;
};

template <class Body, class T>
__global__ void __launch_bounds__(256) strided_pass(Body body, StridedOperands<T, Body::in, Body::out> at, uint32_t n) {
  const uint32_t step = gridDim.x * blockDim.x;
  for (uint32_t i = blockIdx.x * blockDim.x + threadIdx.x; i < n; i += step) {
    int32_t offset[Body::in];
    at.index.place(i, offset);
    using N = Arithmetic<T>;
    N a[Body::in], b[Body::out];
    for (int k = 0; k < Body::in; ++k) a[k] = at.from[k] ? N(at.from[k][offset[k]]) : at.number[k];
    body(a, b);
    for (int k = 0; k < Body::out; ++k)
      if (at.to[k]) at.to[k][i] = T(b[k]);
  }
}

/// Which way a pass goes, and how many elements it has.
struct PassPlan {
  bool flat = true;
  int64_t n = 0;
  std::array<bool, max_sources> single{};  // one element for all
  Loops loops;                             // of the sources, for the strided way
};
PassPlan plan_pass(const Pass& pass);

template <class Body, class T>
void launch_body(const Body& body, const char* name, const Pass& pass, cudaStream_t stream) {
  const PassPlan plan = plan_pass(pass);
  if (plan.n == 0) return;
  if (plan.flat) {
    FlatOperands<T, Body::in, Body::out> at;
    for (int k = 0; k < Body::in; ++k) {
      const Source& source = pass.sources[size_t(k)];
      const T* data = static_cast<const T*>(source.data);
      const bool single = plan.single[size_t(k)];
      at.from[k] = {single ? nullptr : data, single ? data : nullptr, Arithmetic<T>(source.number)};
    }
    for (int k = 0; k < Body::out; ++k) at.to[k] = static_cast<T*>(pass.targets[size_t(k)]);
    constexpr int64_t at_a_time = in_packs<Body, T> ? int64_t(16 / sizeof(T)) : 1;
    const GridSize grid = grid_for((plan.n + at_a_time - 1) / at_a_time);
    return check_launch(
        PF_LAUNCH_INDEPENDENT((flat_pass<Body, T>), grid.blocks, grid.threads, 0, stream, body, at, plan.n), name,
        pass.shape);
  }
  in_pieces(plan.loops, [&](const Loops& piece, const auto& starts) {
    StridedOperands<T, Body::in, Body::out> at;
    for (int k = 0; k < Body::in; ++k) {
      const Source& source = pass.sources[size_t(k)];
      at.from[k] = source.data ? static_cast<const T*>(source.data) + starts[size_t(k)] : nullptr;
      at.number[k] = Arithmetic<T>(source.number);
    }
    // Targets are row-major: their offset is that of the last array of the loops.
    for (int k = 0; k < Body::out; ++k)
      at.to[k] = pass.targets[size_t(k)] ? static_cast<T*>(pass.targets[size_t(k)]) + starts[Body::in] : nullptr;
    at.index = index_of<Body::in>(piece);
    const int64_t n = piece.count();
    const GridSize grid = grid_for(n);
    check_launch(
        PF_LAUNCH_INDEPENDENT((strided_pass<Body, T>), grid.blocks, grid.threads, 0, stream, body, at, uint32_t(n)),
        name, pass.shape);
  });
}

template <class Body, class F, class T> void launch_formula(const void* op, const Pass& pass, void* stream) {
  static_assert(std::is_trivially_copyable_v<F>, "a formula goes to the device as plain bytes");
  launch_body<Body, T>(Body{*static_cast<const F*>(op)}, F::name, pass, static_cast<cudaStream_t>(stream));
}

/// All kernels of one formula.
template <class F> PointwiseLaunchers pointwise_launchers() {
  PointwiseLaunchers out{typeid(F).name(), {}};
  const auto add = [&]<class T>(T*) {
    using N = Arithmetic<T>;
    const int dtype = int(dtype_of<T>());
    out.launch[int(PointwiseKind::forward)][dtype] = launch_formula<ForwardBody<F, N>, F, T>;
    out.launch[int(PointwiseKind::vjp)][dtype] = launch_formula<VjpBody<F, N>, F, T>;
    if constexpr (!is_half_type<T>) out.launch[int(PointwiseKind::jvp)][dtype] = launch_formula<JvpBody<F, N>, F, T>;
  };
  add(static_cast<float*>(nullptr));
  add(static_cast<double*>(nullptr));
  add(static_cast<BFloat16*>(nullptr));  // what training uses; operands of other types are widened by the host
  if constexpr (requires { F::integers; })
    out.launch[int(PointwiseKind::forward)][int(int64)] = launch_formula<ForwardBody<F, int64_t>, F, int64_t>;
  return out;
}

}  // namespace pf::cuda
