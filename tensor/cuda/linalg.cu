// Linear algebra on batches of small matrices: a thread for each up to 8 × 8, a block for each above. One text serves both:
// a team of one, or of a block's threads with barriers between the steps.

#include <algorithm>

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/complain.h"
#include "tensor/cuda/for_each.h"
#include "tensor/math.h"

namespace pf::cuda {
namespace {

constexpr int64_t most_alone = 8;
constexpr int matrix_threads = 128;

struct ThreadOnMatrix {
  __device__ int first() const { return 0; }
  __device__ int step() const { return 1; }
  __device__ void sync() const {}
};
struct BlockOnMatrix {
  __device__ int first() const { return int(threadIdx.x); }
  __device__ int step() const { return matrix_threads; }
  __device__ void sync() const { __syncthreads(); }
};

/// Column by column, the symmetric part of `a` into l. Sums in double: pivots decide over success.
template <class T> struct CholeskyTask {
  const T* a;
  T* to;
  int n;
  bool single;
  Status* status;
  template <class Team> __device__ void operator()(const Team& team, int64_t matrix) const {
    const int64_t start = matrix * n * n;
    const T* from = a + start;
    T* l = to + start;
    for (int j = 0; j < n; ++j) {
      // Every thread computes the pivot for itself: no shorter than a row below it, and nothing to wait for.
      double pivot = double(from[j * n + j]);
      for (int k = 0; k < j; ++k) pivot -= double(l[j * n + k]) * double(l[j * n + k]);
      if (team.first() == 0 && !(pivot > 0))
        complain(status, Complaint::not_positive_definite, StatusOperation::cholesky, single ? -1 : matrix, j, n,
                 pivot);
      const T diagonal = T(math::sqrt(pivot));
      for (int i = team.first(); i < n; i += team.step()) {
        if (i < j) l[i * n + j] = T(0);
        else if (i == j) l[i * n + j] = diagonal;
        else {
          double sum = 0.5 * (double(from[i * n + j]) + double(from[j * n + i]));
          for (int k = 0; k < j; ++k) sum -= double(l[i * n + k]) * double(l[j * n + k]);
          l[i * n + j] = T(sum / double(diagonal));
        }
      }
      team.sync();
    }
  }
};

/// LU decomposition in place with row exchanges. rows[i] is where row i came from, rows[n] the sign of the exchanges.
template <class T, class Team> __device__ void decompose(const Team& team, T* a, int n, int32_t* rows) {
  int sign = 1;
  for (int i = team.first(); i < n; i += team.step()) rows[i] = i;
  team.sync();
  PF_UNROLL(1)
  for (int k = 0; k < n; ++k) {
    int pivot = k;  // found by every thread for itself
    PF_UNROLL(1)
    for (int i = k + 1; i < n; ++i)
      if (math::abs(a[i * n + k]) > math::abs(a[pivot * n + k])) pivot = i;
    team.sync();
    if (pivot != k) {
      PF_UNROLL(1)
      for (int j = team.first(); j < n; j += team.step()) {
        const T upper = a[k * n + j];
        a[k * n + j] = a[pivot * n + j];
        a[pivot * n + j] = upper;
      }
      if (team.first() == 0) {
        const int32_t upper = rows[k];
        rows[k] = rows[pivot];
        rows[pivot] = upper;
      }
      sign = -sign;
    }
    team.sync();
    const T diagonal = a[k * n + k];
    const int left = n - k - 1;
    if (diagonal != T(0)) {
      PF_UNROLL(1)
      for (int i = k + 1 + team.first(); i < n; i += team.step()) a[i * n + k] /= diagonal;
    }
    team.sync();
    if (diagonal != T(0)) {
      PF_UNROLL(1)
      for (int e = team.first(); e < left * left; e += team.step()) {
        const int i = k + 1 + e / left, j = k + 1 + e % left;
        const T factor = a[i * n + k];
        if (factor != T(0)) a[i * n + j] -= factor * a[k * n + j];
      }
    }
    team.sync();
  }
  if (team.first() == 0) rows[n] = sign;
}

/// The decomposition of a matrix in scratch memory.
template <class T> struct LuTask {
  const T* a;
  int n;
  T* lu;          // [count, n, n]
  int32_t* rows;  // [count, n + 1]
  template <class Team> __device__ void operator()(const Team& team, int64_t matrix) const {
    const int64_t start = matrix * n * n;
    for (int i = team.first(); i < n * n; i += team.step()) lu[start + i] = a[start + i];
    team.sync();
    decompose(team, lu + start, n, rows + matrix * (n + 1));
  }
};

/// x := m⁻¹ x for a triangular m(row, column), [n, columns].
template <class T, class Team, class Element>
__device__ void substitute(const Team& team, const Element& m, bool lower, bool unit, int n, int columns, T* x) {
  PF_UNROLL(1)
  for (int s = 0; s < n; ++s) {
    const int i = lower ? s : n - 1 - s;
    if (!unit) {
      const T inverse = T(1) / m(i, i);
      PF_UNROLL(1)
      for (int c = team.first(); c < columns; c += team.step()) x[i * columns + c] *= inverse;
      team.sync();
    }
    const int first = lower ? i + 1 : 0, others = lower ? n - 1 - i : i;
    PF_UNROLL(1)
    for (int e = team.first(); e < others * columns; e += team.step()) {
      const int r = first + e / columns, c = e % columns;
      x[r * columns + c] -= m(r, i) * x[i * columns + c];
    }
    team.sync();
  }
}

template <class T> struct SolveTask {
  LuTask<T> matrix_task;
  const T* b;  // null: the identity
  T* to;
  int columns;
  bool single;
  Status* status;
  template <class Team> __device__ void operator()(const Team& team, int64_t matrix) const {
    const int n = matrix_task.n;
    const T* lu = matrix_task.lu + matrix * n * n;
    const int32_t* rows = matrix_task.rows + matrix * (n + 1);
    T* x = to + matrix * n * columns;
    PF_UNROLL(1)
    for (int e = team.first(); e < n * columns; e += team.step()) {
      const int i = e / columns, c = e % columns;
      x[e] = b ? b[(matrix * n + rows[i]) * columns + c] : T(rows[i] == c);
    }
    team.sync();
    const auto element = [lu, n](int r, int c) { return lu[r * n + c]; };
    substitute(team, element, true, true, n, columns, x);
    if (team.first() == 0) {
      PF_UNROLL(1)
      for (int i = n - 1; i >= 0; --i)
        if (lu[i * n + i] == T(0)) {
          complain(status, Complaint::singular, b ? StatusOperation::solve : StatusOperation::inverse,
                   single ? -1 : matrix, i, n);
          break;
        }
    }
    substitute(team, element, false, false, n, columns, x);
  }
};

template <class T> struct TriangularTask {
  const T* a;
  T* to;  // the right-hand side, then the solution
  int n, columns;
  bool upper, transposed, single;
  Status* status;
  template <class Team> __device__ void operator()(const Team& team, int64_t matrix) const {
    const T* m = a + matrix * n * n;
    if (team.first() == 0)
      for (int k = 0; k < n; ++k)
        if (m[k * n + k] == T(0)) {
          complain(status, Complaint::zero_on_diagonal, StatusOperation::solve_triangular, single ? -1 : matrix, k, n);
          break;
        }
    const int across = transposed ? 1 : n, along = transposed ? n : 1;
    substitute(
        team, [m, across, along](int r, int c) { return m[r * across + c * along]; }, upper == transposed, false, n,
        columns, to + matrix * n * columns);
  }
};

/// A number for each matrix from its decomposition.
template <class T> struct DeterminantBody {
  LuTask<T> decomposed;
  Determinant kind;
  T* to;
  __device__ void operator()(int64_t matrix) const {
    const int n = decomposed.n;
    const T* lu = decomposed.lu + matrix * n * n;
    double found = 0;
    if (kind == Determinant::log_abs) {
      PF_UNROLL(1)
      for (int i = 0; i < n; ++i) found += math::log(math::abs(double(lu[i * n + i])));
    } else {
      found = double(decomposed.rows[matrix * (n + 1) + n]);
      PF_UNROLL(1)
      for (int i = 0; i < n; ++i) {
        const double x = double(lu[i * n + i]);
        found *= kind == Determinant::value ? x : x > 0 ? 1 : x < 0 ? -1 : 0;
      }
    }
    to[matrix] = T(found);
  }
};

template <class Task> struct AloneBody {
  Task task;
  __device__ void operator()(int64_t matrix) const { task(ThreadOnMatrix{}, matrix); }
};
template <class Task> __global__ void __launch_bounds__(matrix_threads) matrix_blocks(Task task, int64_t count) {
  for (int64_t matrix = blockIdx.x; matrix < count; matrix += gridDim.x) task(BlockOnMatrix{}, matrix);
}

template <class Task>
void run_matrices(const char* op, const Task& task, int64_t count, int64_t n, cudaStream_t stream) {
  if (count == 0) return;
  if (n <= most_alone) return for_each_index(op, count, stream, AloneBody<Task>{task});
  check_launch(PF_LAUNCH((matrix_blocks<Task>), unsigned(std::min<int64_t>(count, 65535)), matrix_threads, 0, stream,
                         task, count),
               op, Shape{count, n, n});
}

void check_reach(const char* op, int64_t n, int64_t columns) {
  check(n < 32768 && n * columns < int64_t(1) << 31, op, ": matrices ", Shape{n, n}, " with ", columns,
        " columns on the right: more than the GPU's kernels reach");
}

template <class T> LuTask<T> lu_task(const void* a, int64_t count, int64_t n, void* scratch) {
  T* lu = static_cast<T*>(scratch);
  return {static_cast<const T*>(a), int(n), lu, reinterpret_cast<int32_t*>(lu + count * n * n)};
}

}  // namespace

size_t lu_scratch(DType dtype, int64_t count, int64_t n) {
  return size_t(count) * (size_t(n * n * size_of(dtype)) + size_t(n + 1) * sizeof(int32_t));
}

void launch_cholesky(DType dtype, const void* a, int64_t count, int64_t n, void* to, Status* status,
                     cudaStream_t stream) {
  check_reach("cholesky", n, n);
  dispatch_floating(dtype, "cholesky", [&]<class T>() {
    run_matrices("cholesky", CholeskyTask<T>{static_cast<const T*>(a), static_cast<T*>(to), int(n), count == 1, status},
                 count, n, stream);
  });
}

void launch_solve(DType dtype, const void* a, const void* b, int64_t count, int64_t n, int64_t columns, void* to,
                  void* scratch, Status* status, cudaStream_t stream) {
  check_reach("solve", n, columns);
  dispatch_floating(dtype, "solve", [&]<class T>() {
    const LuTask<T> task = lu_task<T>(a, count, n, scratch);
    run_matrices("solve", task, count, n, stream);
    run_matrices("solve",
                 SolveTask<T>{task, static_cast<const T*>(b), static_cast<T*>(to), int(columns), count == 1, status},
                 count, n, stream);
  });
}

void launch_solve_triangular(DType dtype, const void* a, int64_t count, int64_t n, int64_t columns, bool upper,
                             bool transposed, void* x, Status* status, cudaStream_t stream) {
  check_reach("solve_triangular", n, columns);
  dispatch_floating(dtype, "solve_triangular", [&]<class T>() {
    run_matrices("solve_triangular",
                 TriangularTask<T>{static_cast<const T*>(a), static_cast<T*>(x), int(n), int(columns), upper,
                                   transposed, count == 1, status},
                 count, n, stream);
  });
}

void launch_determinant(Determinant kind, DType dtype, const void* a, int64_t count, int64_t n, void* to, void* scratch,
                        cudaStream_t stream) {
  check_reach("det", n, n);
  dispatch_floating(dtype, "det", [&]<class T>() {
    const LuTask<T> task = lu_task<T>(a, count, n, scratch);
    run_matrices("det", task, count, n, stream);
    for_each_index("det", count, stream, DeterminantBody<T>{task, kind, static_cast<T*>(to)});
  });
}

}  // namespace pf::cuda
