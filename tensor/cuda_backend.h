#pragma once
// What the tensor library asks of a GPU. The CUDA code is a library of its own (tensor/cuda/), loaded when the device is
// first used, so that a run on the CPU pays nothing for it. This interface is all that the two know of each other: plain
// addresses and layouts, no tensors.
//
// Everything is queued on the device's one compute stream and returns at once; only download and synchronize wait.

#include <array>
#include <span>
#include <string>

#include "tensor/dtype.h"
#include "tensor/layout.h"

namespace pf {
struct PointwiseKernels;
}

namespace pf::cuda {

struct DeviceDescription {
  std::string name;
  int64_t memory = 0, free_memory = 0;  // bytes
  int major = 0, minor = 0, multiprocessors = 0;
  int driver = 0, runtime = 0;  // versions, as 1000 major + 10 minor
};

struct MemoryStatistics {
  int64_t live_bytes = 0, peak_bytes = 0, cached_bytes = 0;
  int64_t allocations = 0;         // requests served
  int64_t system_allocations = 0;  // requests that had to go to the driver
};

/// An input of an element-wise pass: elements on the device, or one number for all of them.
struct Source {
  const void* data = nullptr;  // the first element; null: the number
  Shape strides;
  double number = 0;
};

inline constexpr int max_sources = 20, max_targets = 8;

/// An element-wise pass: sources broadcast to one shape, row-major targets of that shape.
struct Pass {
  Shape shape;
  DType dtype = float32;
  int source_count = 0, target_count = 0;
  std::array<Source, max_sources> sources{};
  std::array<void*, max_targets> targets{};  // null: not wanted
};

enum class PointwiseKind { forward, vjp, jvp };
enum class Elementwise { less, less_equal, equal, not_equal, logical_and, logical_or, isnan, isinf, isfinite, where };
enum class Reduction { sum, product, largest, smallest };
enum class RowOperation { softmax, log_softmax, softmax_vjp, log_softmax_vjp, logsumexp };

enum class Draw { uniform, normal, bernoulli, rademacher, integers };

/// Where in a sequence of random numbers a draw begins; see tensor/random.h.
struct RandomStart {
  uint64_t seed, stream, position;
  const uint64_t* base = nullptr;  // on the device, read by the kernel: {what to add to the position, the stream}
};

/// What was queued while it was captured, to be queued again as one. Holds the memory it works on.
struct Graph;

enum class Determinant { value, log_abs, sign };

/// What nn/optim/rules.h does to an element of some tensors.
enum class Update { sgd, momentum, adam, average, scale, clip };
/// As many tensors as the parameters of one kernel hold. The list goes along with every launch, so there is a short one for
/// few tensors. The long one needs CUDA 12.1 and compute capability 7.0, which allow 32,764 bytes of parameters.
inline constexpr int few_update_targets = 48, update_targets = 640;

/// The tensor that is changed and those that accompany it, of n elements each, in sequence.
struct UpdateTarget {
  std::array<void*, 4> arrays{};
  int64_t n = 0;
  int rule = 0;  // which of the rules
};

/// n elements of rational_quadratic_spline, with 3 · bins - 1 parameters each.
struct SplineSize {
  int64_t n, bins;
  double bound;
  bool inverse;
};

struct Matrix {
  const void* data;
  int64_t rows, columns, row, column;  // sizes, and strides in elements
};

/// An array seen as [outer, n, inner] around the axis that an index walks on.
struct AroundAxis {
  int64_t outer, n, inner;
};

/// What one target's list of ops gives to the CUDA library: its formulas' launchers by type.
struct PointwiseLaunchers {
  using Launch = void (*)(const void* op, const Pass& pass, void* stream);
  const char* type;
  std::array<std::array<Launch, dtype_count>, 3> launch;  // by kind and element type; null: not supported
};

/// The interface. Addresses are of the device in use, but for the host's side of upload and download.
class Backend {
 public:
  virtual ~Backend() = default;

  /// 0 where there is none; why_no_device() then says what the driver says.
  virtual int device_count() = 0;
  virtual std::string why_no_device() = 0;
  virtual DeviceDescription describe(int device) = 0;
  /// Later calls on this thread are for this device.
  virtual void use(int device) = 0;

  virtual void* allocate(size_t bytes) = 0;
  /// Of any device, whichever is in use.
  virtual void release(void* block, size_t bytes, int device) noexcept = 0;
  virtual MemoryStatistics memory() = 0;
  virtual void trim() = 0;
  virtual void upload(void* to, const void* from, size_t bytes) = 0;
  /// Waits for all that was queued, and throws what a kernel had to complain of.
  virtual void download(void* to, const void* from, size_t bytes) = 0;
  virtual void synchronize() = 0;

  /// From now on work is kept, not done, until end_capture. Reading back would wait for work that is not done: an error.
  virtual void begin_capture() = 0;
  virtual Graph* end_capture() = 0;
  /// Forgets what was kept since begin_capture.
  virtual void abandon_capture() noexcept = 0;
  virtual void launch(Graph& graph) = 0;
  virtual void release(Graph* graph) noexcept = 0;

  /// A formula of the list, its fused backward pass or its tangents, by the kernels compiled from its text.
  virtual void pointwise(const PointwiseLaunchers& launchers, PointwiseKind kind, const char* op_name, const void* op,
                         const Pass& pass) = 0;
  virtual void elementwise(Elementwise kind, const Pass& pass) = 0;
  /// Element i of a layout to element i of another one, converted.
  virtual void copy(const Shape& shape, void* to, const Shape& to_strides, DType to_dtype, const void* from,
                    const Shape& from_strides, DType from_dtype) = 0;
  virtual void fill(void* to, int64_t n, DType dtype, double value) = 0;
  /// first + i · step
  virtual void count_up(void* to, int64_t n, DType dtype, double first, double step) = 0;

  /// n numbers made of uniform ones of type `source`; p: the probability, or the bound of integers.
  virtual void draw(Draw kind, DType source, const RandomStart& start, double p, int64_t n, DType dtype, void* to) = 0;

  /// Many tensors at once. `rules`: one or two of the kind's type with double constants; for clip the address of the
  /// factor's address.
  virtual void update(Update kind, DType dtype, const void* rules, int rule_count,
                      std::span<const UpdateTarget> targets) = 0;
  /// to = {√(Σ x²) over all elements of the float32 and the float64 tensors, the factor that makes it at most `most`}.
  /// most = 0: no limit; otherwise a norm that is not finite is complained of, and the factor is 0.
  virtual void global_norm(std::span<const UpdateTarget> singles, std::span<const UpdateTarget> doubles, double most,
                           double* to) = 0;

  /// Over the axes of `reduced`, for each position of `kept`; row-major result in the order of `kept`. Of 16-bit elements
  /// there is the sum alone, in float32.
  virtual void reduce(Reduction kind, DType dtype, const void* from, const Layout& kept, const Layout& reduced,
                      void* to) = 0;
  /// Position of the first largest (smallest) of each row of n; a NaN counts as the extreme one.
  virtual void arg_reduce(bool largest, DType dtype, const void* rows, int64_t count, int64_t n, int64_t* to) = 0;
  /// On [outer, n, inner], along n; b is the second operand of the vjps.
  virtual void rows(RowOperation kind, DType dtype, const void* a, const void* b, AroundAxis size, void* to) = 0;
  virtual void cumsum(DType dtype, const void* from, AroundAxis size, void* to) = 0;

  /// c[i] = a[i] b[i] (+ c[i]), row-major results; element offsets between the matrices of a batch. Rows or columns of a and
  /// b must be sequences.
  virtual void gemm(DType dtype, const Matrix& a, int64_t a_step, const Matrix& b, int64_t b_step, void* c,
                    int64_t c_step, int64_t count, bool add) = 0;

  /// to[o, i, k] = from[o, index[o, i, k], k]
  virtual void gather(size_t element, const void* from, AroundAxis size, const int64_t* index, int64_t indexed,
                      void* to) = 0;
  /// to[o, index[o, i, k], k] += from[o, i, k], in the order of i, so that results have the same bits every time.
  virtual void scatter_add(DType dtype, const void* from, AroundAxis size, const int64_t* index, int64_t indexed,
                           void* to) = 0;
  /// As these two with one index [indexed] for all o and k.
  virtual void index_select(size_t element, const void* from, AroundAxis size, const int64_t* index, int64_t indexed,
                            void* to) = 0;
  virtual void index_add(DType dtype, const void* from, AroundAxis size, const int64_t* index, int64_t indexed,
                         void* to) = 0;

  /// Of each row of n: the positions of the first `count` elements in order, as tensor/ops/sort.h says.
  virtual void sort(DType dtype, const void* rows, int64_t lines, int64_t n, bool descending, int64_t count,
                    int64_t* to) = 0;
  /// Where in sorted rows of n the values belong, `each` of them in one row after the other.
  virtual void searchsorted(DType dtype, const void* rows, int64_t n, const void* values, int64_t total, int64_t each,
                            bool right, int64_t* to) = 0;

  // Batches of row-major matrices [count, n, n], with n rows of `columns` numbers on the right.
  virtual void cholesky(DType dtype, const void* a, int64_t count, int64_t n, void* to) = 0;
  /// b = null: the inverse.
  virtual void solve(DType dtype, const void* a, const void* b, int64_t count, int64_t n, int64_t columns,
                     void* to) = 0;
  /// In the place of the right-hand side.
  virtual void solve_triangular(DType dtype, const void* a, int64_t count, int64_t n, int64_t columns, bool upper,
                                bool transposed, void* x) = 0;
  virtual void determinant(Determinant kind, DType dtype, const void* a, int64_t count, int64_t n, void* to) = 0;

  // On rows of n, as tensor/ops/layer_norm.h says.
  virtual void layer_norm(DType dtype, const void* x, const void* weight, const void* bias, int64_t rows, int64_t n,
                          double epsilon, void* y) = 0;
  virtual void layer_norm_vjp(DType dtype, const void* g, const void* x, const void* weight, int64_t rows, int64_t n,
                              double epsilon, void* dx, void* dweight, void* dbias) = 0;
  /// [heads, tokens, tokens] scores to weights, in place: softmax of the scaled ones up to the diagonal, zero behind it.
  virtual void causal_softmax(DType dtype, void* scores, int64_t heads, int64_t tokens, double scale) = 0;
  /// Cotangents of the weights to those of the unscaled scores, in place.
  virtual void causal_softmax_vjp(DType dtype, const void* weights, void* slopes, int64_t heads, int64_t tokens,
                                  double scale) = 0;
  /// Complains, by the next reading of anything, unless both hold the same bits: the second run of a checkpoint.
  virtual void check_same(size_t element, const void* a, const void* b, int64_t n) = 0;
  /// to: [2, n], y and then log|dy/dx|.
  virtual void spline(DType dtype, const SplineSize& size, const void* x, const void* parameters, void* to) = 0;
  /// null: not wanted.
  virtual void spline_vjp(DType dtype, const SplineSize& size, const void* g, const void* x, const void* parameters,
                          void* to_x, void* to_parameters) = 0;
};

/// The library, loaded on first use. Throws Error with the one reason why there is no CUDA device.
Backend& backend();
/// Whether there is a usable device; if not, `reason` gets the sentence.
bool available(std::string* reason = nullptr);

/// Finds a type's launchers in the module (a shared library beside the CUDA library); throws where there are none.
const PointwiseLaunchers& find_launchers(const PointwiseKernels& kernels);

}  // namespace pf::cuda
