// Reductions over any axes. The work is divided by the shape alone and combined in a fixed order, so results have the same
// bits every time: long sums in chunks whose partial results a second launch combines.

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/block_reduce.h"
#include "tensor/cuda/for_each.h"

namespace pf::cuda {
namespace {

constexpr int64_t chunk_of_rows = 8192;    // elements that one block combines
constexpr int64_t chunk_of_columns = 256;  // elements that one thread combines

// Numbers of elements are 32-bit; their places need not be: a sum of [65536, 40000] has 65536 results, 2.6e9 elements apart.
using Places = StridedIndex<1, int64_t>;

/// [results, chunks] from the elements at kept and reduced places; neighbouring threads take neighbouring elements.
template <class P, class S, class T>
__global__ void __launch_bounds__(reduce_threads) reduce_rows(const S* from, Places kept, Places reduced, int64_t n,
                                                              int64_t chunk, int64_t chunks, int64_t tasks, T* to) {
  PF_SHARED(T, partial, [reduce_threads]);
  for (int64_t task = blockIdx.x; task < tasks; task += gridDim.x) {
    const int64_t first = task % chunks * chunk, last = first + chunk < n ? first + chunk : n;
    int64_t base[1], at[1];
    kept.place(uint32_t(task / chunks), base);
    T value = P::template identity<T>();
    for (int64_t i = first + threadIdx.x; i < last; i += reduce_threads) {
      reduced.place(uint32_t(i), at);
      value = P::combine(value, T(from[base[0] + at[0]]));
    }
    value = block_reduce<P>(value, &partial[0]);
    if (threadIdx.x == 0) to[task] = value;
  }
}

/// The same with one thread a result and chunk: [chunks, results], so that neighbours write neighbours.
template <class P, class S, class T> struct ColumnBody {
  const S* from;
  Places kept, reduced;
  int64_t results, n, chunk;
  T* to;
  __device__ void operator()(int64_t task) const {
    const int64_t first = task / results * chunk, last = first + chunk < n ? first + chunk : n;
    int64_t base[1], at[1];
    kept.place(uint32_t(task % results), base);
    T value = P::template identity<T>();
    for (int64_t i = first; i < last; ++i) {
      reduced.place(uint32_t(i), at);
      value = P::combine(value, T(from[base[0] + at[0]]));
    }
    to[task] = value;
  }
};

struct ReducePlan {
  bool columns;
  int64_t results, n, chunk, chunks;
};
ReducePlan plan(const Layout& kept, const Layout& reduced) {
  const auto step = [](const Layout& l) {
    for (int i = l.rank() - 1; i >= 0; --i)
      if (l.shape[i] != 1) return l.strides[i] < 0 ? -l.strides[i] : l.strides[i];
    return int64_t(INT64_MAX);
  };
  ReducePlan out{.results = kept.numel(), .n = reduced.numel()};
  out.columns = out.n <= 32 || (step(kept) == 1 && step(reduced) != 1);
  out.chunk = out.columns ? chunk_of_columns : chunk_of_rows;
  out.chunks = std::max<int64_t>(1, (out.n + out.chunk - 1) / out.chunk);
  return out;
}

Places loops_of(const Layout& layout) {
  const Shape* strides[] = {&layout.strides};
  return index_of<1, int64_t>(merged_loops(layout.shape, strides));
}

template <class P, class S, class T>
void run(const char* op, const S* from, const Layout& kept, const Layout& reduced, T* to, T* scratch,
         cudaStream_t stream) {
  const ReducePlan p = plan(kept, reduced);
  const int64_t tasks = p.results * p.chunks;
  check(tasks < int64_t(1) << 31 && p.n < int64_t(1) << 31, op, ": ", kept.shape, " results of ", p.n,
        " elements each: more than 32-bit indices reach; reduce in parts");
  if (p.results == 0) return;
  T* out = p.chunks > 1 ? scratch : to;
  const Shape sizes{p.results, p.n};
  if (p.columns) {
    for_each_index(op, tasks, stream,
                   ColumnBody<P, S, T>{from, loops_of(kept), loops_of(reduced), p.results, p.n, p.chunk, out});
  } else {
    check_launch(PF_LAUNCH((reduce_rows<P, S, T>), unsigned(std::min<int64_t>(tasks, 65535)), reduce_threads, 0, stream,
                           from, loops_of(kept), loops_of(reduced), p.n, p.chunk, p.chunks, tasks, out),
                 op, sizes);
  }
  if (p.chunks == 1) return;
  // The partial results are [chunks, results] or [results, chunks].
  const int64_t result_step = p.columns ? 1 : p.chunks, chunk_step = p.columns ? p.results : 1;
  run<P>(op, static_cast<const T*>(out), Layout{{p.results}, {result_step}, 0}, Layout{{p.chunks}, {chunk_step}, 0}, to,
         scratch + tasks, stream);
}

/// Position of the extreme of a row: a value and where it was first seen.
template <class T> struct Candidate {
  T value;
  int64_t place;
};
template <bool largest> struct FirstExtreme {
  template <class T> __device__ static Candidate<T> combine(Candidate<T> a, Candidate<T> b) {
    if (a.place < 0) return b;
    if (b.place < 0) return a;
    const bool a_nan = a.value != a.value, b_nan = b.value != b.value;
    if (a_nan != b_nan) return a_nan ? a : b;
    const bool same = a_nan || a.value == b.value;
    if (same) return a.place < b.place ? a : b;
    return (largest ? a.value > b.value : a.value < b.value) ? a : b;
  }
};
template <bool largest, class T>
__global__ void __launch_bounds__(reduce_threads) arg_rows(const T* rows, int64_t count, int64_t n, int64_t* to) {
  PF_SHARED(Candidate<T>, partial, [reduce_threads]);
  using P = FirstExtreme<largest>;
  for (int64_t r = blockIdx.x; r < count; r += gridDim.x) {
    Candidate<T> best{T(0), -1};
    for (int64_t i = threadIdx.x; i < n; i += reduce_threads) best = P::combine(best, Candidate<T>{rows[r * n + i], i});
    best = block_reduce<P>(best, &partial[0]);
    if (threadIdx.x == 0) to[r] = best.place;
  }
}

}  // namespace

size_t reduce_scratch(DType dtype, const Layout& kept, const Layout& reduced) {
  const ReducePlan p = plan(kept, reduced);
  if (p.chunks == 1) return 0;
  // Each pass shrinks the number of chunks by at least 32; so all partial results together are below twice the first.
  return size_t(2 * p.results * p.chunks + 64) * size_t(size_of(arithmetic_type(dtype)));
}

void launch_reduce(Reduction kind, DType dtype, const void* from, const Layout& kept, const Layout& reduced, void* to,
                   void* scratch, cudaStream_t stream) {
  const auto sum_half = [&]<class S>(S*) {
    run<SumPolicy>("sum", static_cast<const S*>(from), kept, reduced, static_cast<float*>(to),
                   static_cast<float*>(scratch), stream);
  };
  if (kind == Reduction::sum && dtype == bfloat16) return sum_half(static_cast<BFloat16*>(nullptr));
  if (kind == Reduction::sum && dtype == float16) return sum_half(static_cast<Float16*>(nullptr));
  dispatch_numeric(dtype, "reduce", [&]<class T>() {
    const T* x = static_cast<const T*>(from);
    T *y = static_cast<T*>(to), *memory = static_cast<T*>(scratch);
    switch (kind) {
      case Reduction::sum:
        return run<SumPolicy>("sum", x, kept, reduced, y, memory, stream);
      case Reduction::product:
        return run<ProductPolicy>("prod", x, kept, reduced, y, memory, stream);
      case Reduction::largest:
        return run<LargestPolicy>("max", x, kept, reduced, y, memory, stream);
      case Reduction::smallest:
        return run<SmallestPolicy>("min", x, kept, reduced, y, memory, stream);
    }
  });
}

void launch_arg_reduce(bool largest, DType dtype, const void* rows, int64_t count, int64_t n, int64_t* to,
                       cudaStream_t stream) {
  if (count == 0) return;
  const unsigned blocks = unsigned(std::min<int64_t>(count, 65535));
  dispatch_numeric(dtype, "argmax", [&]<class T>() {
    const T* x = static_cast<const T*>(rows);
    const Shape sizes{count, n};
    if (largest)
      check_launch(PF_LAUNCH((arg_rows<true, T>), blocks, reduce_threads, 0, stream, x, count, n, to), "argmax", sizes);
    else
      check_launch(PF_LAUNCH((arg_rows<false, T>), blocks, reduce_threads, 0, stream, x, count, n, to), "argmin",
                   sizes);
  });
}

}  // namespace pf::cuda
