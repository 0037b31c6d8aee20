// Softmax and its relatives, and running sums, along one axis. Long rows that lie in sequence get a block each (of running sums:
// a warp); all others a thread each, so that neighbouring threads read neighbouring elements where the axis is not the last.

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/block_reduce.h"
#include "tensor/cuda/for_each.h"
#include "tensor/cuda/warp_reduce.h"
#include "tensor/math.h"

namespace pf::cuda {
namespace {

constexpr int64_t short_row = 32;

/// How the threads of a row work together: one thread alone.
struct AloneOnRow {
  __device__ int64_t first() const { return 0; }
  __device__ int64_t step() const { return 1; }
  template <class P, class T> __device__ T all(T value) const { return value; }
};
/// … or a block. T is the element type.
template <class T> struct BlockOnRow {
  T* shared;
  __device__ int64_t first() const { return threadIdx.x; }
  __device__ int64_t step() const { return reduce_threads; }
  template <class P, class V> __device__ V all(V value) const { return block_reduce<P>(value, shared); }
};

/// The largest element, or 0 where there is no finite one to take out; NaN stays NaN.
template <class Team, class T> __device__ T shift_of(const Team& team, const T* x, int64_t n, int64_t step) {
  T top = LargestPolicy::identity<T>();
  for (int64_t i = team.first(); i < n; i += team.step()) top = LargestPolicy::combine(top, x[i * step]);
  top = team.template all<LargestPolicy>(top);
  return math::isinf(top) ? T(0) : top;
}
template <class Team, class T> __device__ T sum_exp(const Team& team, const T* x, int64_t n, int64_t step, T shift) {
  T sum = T(0);
  for (int64_t i = team.first(); i < n; i += team.step()) sum += math::exp(x[i * step] - shift);
  return team.template all<SumPolicy>(sum);
}

struct SoftmaxRow {
  template <class Team, class T>
  __device__ static void run(const Team& team, const T* x, const T*, int64_t n, int64_t step, T* y) {
    const T shift = shift_of(team, x, n, step), factor = T(1) / sum_exp(team, x, n, step, shift);
    for (int64_t i = team.first(); i < n; i += team.step()) y[i * step] = math::exp(x[i * step] - shift) * factor;
  }
};
struct LogSoftmaxRow {
  template <class Team, class T>
  __device__ static void run(const Team& team, const T* x, const T*, int64_t n, int64_t step, T* y) {
    const T shift = shift_of(team, x, n, step), offset = shift + math::log(sum_exp(team, x, n, step, shift));
    PF_UNROLL(sizeof(T) < 8 ? 4 : 1)
    for (int64_t i = team.first(); i < n; i += team.step()) y[i * step] = x[i * step] - offset;
  }
};
/// y (g - Σ g y)
struct SoftmaxVjpRow {
  template <class Team, class T>
  __device__ static void run(const Team& team, const T* g, const T* y, int64_t n, int64_t step, T* out) {
    T dot = T(0);
    for (int64_t i = team.first(); i < n; i += team.step()) dot += g[i * step] * y[i * step];
    dot = team.template all<SumPolicy>(dot);
    for (int64_t i = team.first(); i < n; i += team.step()) out[i * step] = y[i * step] * (g[i * step] - dot);
  }
};
/// g - exp(y) Σ g
struct LogSoftmaxVjpRow {
  template <class Team, class T>
  __device__ static void run(const Team& team, const T* g, const T* y, int64_t n, int64_t step, T* out) {
    T sum = T(0);
    for (int64_t i = team.first(); i < n; i += team.step()) sum += g[i * step];
    sum = team.template all<SumPolicy>(sum);
    for (int64_t i = team.first(); i < n; i += team.step()) out[i * step] = g[i * step] - math::exp(y[i * step]) * sum;
  }
};
struct LogSumExpRow {
  template <class Team, class T>
  __device__ static void run(const Team& team, const T* x, const T*, int64_t n, int64_t step, T* y) {
    const T shift = shift_of(team, x, n, step), sum = sum_exp(team, x, n, step, shift);
    if (team.first() == 0) *y = shift + math::log(sum);
  }
};

template <class Row, class T> struct RowBody {
  const T *a, *b;
  T* to;
  int64_t n, inner, m;
  __device__ void operator()(int64_t line) const {
    const int64_t o = line / inner, k = line % inner, at = o * n * inner + k;
    Row::run(AloneOnRow{}, a + at, b ? b + at : nullptr, n, inner, to + o * m * inner + k);
  }
};
template <class Row, class T>
__global__ void __launch_bounds__(reduce_threads)
    long_rows(const T* a, const T* b, int64_t count, int64_t n, int64_t m, T* to) {
  PF_SHARED(T, partial, [reduce_threads]);
  const BlockOnRow<T> team{&partial[0]};
  for (int64_t r = blockIdx.x; r < count; r += gridDim.x)
    Row::run(team, a + r * n, b ? b + r * n : nullptr, n, 1, to + r * m);
}

template <class Row>
void run_rows(const char* op, DType dtype, const void* a, const void* b, AroundAxis size, int64_t m, void* to,
              cudaStream_t stream) {
  dispatch_floating(dtype, op, [&]<class T>() {
    const T *x = static_cast<const T*>(a), *second = static_cast<const T*>(b);
    T* y = static_cast<T*>(to);
    const int64_t lines = size.outer * size.inner;
    if (lines == 0) return;
    if (size.inner > 1 || size.n <= short_row)
      return for_each_index(op, lines, stream, RowBody<Row, T>{x, second, y, size.n, size.inner, m});
    const unsigned blocks = unsigned(std::min<int64_t>(lines, 65535));
    check_launch(PF_LAUNCH((long_rows<Row, T>), blocks, reduce_threads, 0, stream, x, second, lines, size.n, m, y), op,
                 Shape{lines, size.n});
  });
}

// So that long float sums stay accurate.
template <class T> using Wide = std::conditional_t<std::is_floating_point_v<T>, double, T>;

template <class T> struct CumsumBody {
  const T* from;
  T* to;
  int64_t n, inner;
  __device__ void operator()(int64_t line) const {
    const int64_t at = line / inner * n * inner + line % inner;
    Wide<T> total = 0;
    for (int64_t i = 0; i < n; ++i) to[at + i * inner] = T(total += Wide<T>(from[at + i * inner]));
  }
};
/// The same by a warp: 32 elements at a time, each lane adding what 1, 2, 4, 8 and 16 lanes below it have (Hillis and Steele
/// 1986, "Data parallel algorithms").
template <class T> struct CumsumRow {
  const T* from;
  T* to;
  int64_t n, inner;
  __device__ void operator()(int64_t line, int lane) const {
    constexpr unsigned all = 0xffffffffu;
    const int64_t at = line / inner * n * inner + line % inner;
    Wide<T> before = 0;
    for (int64_t first = 0; first < n; first += warp_lanes) {
      const int64_t i = first + lane;
      Wide<T> sum = i < n ? Wide<T>(from[at + i * inner]) : Wide<T>(0);
      for (int distance = 1; distance < warp_lanes; distance *= 2) {
        const Wide<T> below = __shfl_up_sync(all, sum, unsigned(distance));
        if (lane >= distance) sum += below;
      }
      sum += before;
      if (i < n) to[at + i * inner] = T(sum);
      before = __shfl_sync(all, sum, warp_lanes - 1);
    }
  }
};
constexpr int64_t many_lines = 16384;  // enough threads, one a line

}  // namespace

void launch_rows(RowOperation kind, DType dtype, const void* a, const void* b, AroundAxis size, void* to,
                 cudaStream_t stream) {
  switch (kind) {
    case RowOperation::softmax:
      return run_rows<SoftmaxRow>("softmax", dtype, a, b, size, size.n, to, stream);
    case RowOperation::log_softmax:
      return run_rows<LogSoftmaxRow>("log_softmax", dtype, a, b, size, size.n, to, stream);
    case RowOperation::softmax_vjp:
      return run_rows<SoftmaxVjpRow>("softmax", dtype, a, b, size, size.n, to, stream);
    case RowOperation::log_softmax_vjp:
      return run_rows<LogSoftmaxVjpRow>("log_softmax", dtype, a, b, size, size.n, to, stream);
    case RowOperation::logsumexp:
      return run_rows<LogSumExpRow>("logsumexp", dtype, a, b, size, 1, to, stream);
  }
}

void launch_cumsum(DType dtype, const void* from, AroundAxis size, void* to, cudaStream_t stream) {
  const int64_t lines = size.outer * size.inner;
  dispatch_numeric(dtype, "cumsum", [&]<class T>() {
    if (size.n > short_row && (size.inner == 1 || lines < many_lines))
      return for_each_row("cumsum", lines, size.n, stream,
                          CumsumRow<T>{static_cast<const T*>(from), static_cast<T*>(to), size.n, size.inner});
    for_each_index("cumsum", lines, stream,
                   CumsumBody<T>{static_cast<const T*>(from), static_cast<T*>(to), size.n, size.inner});
  });
}

}  // namespace pf::cuda
