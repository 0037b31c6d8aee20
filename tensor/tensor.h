#pragma once
// Tensor: a handle to shared storage, a layout and an element type. Immutable for users: operations return new tensors,
// and views share memory without anybody noticing. The operations themselves are in tensor/ops/.

#include <span>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/layout.h"
#include "tensor/storage.h"

namespace pf {

class Tensor;
namespace detail {
class Recording;
extern constinit thread_local Recording* watching;
/// Throws through a function that is recorded if it reads what is another number in the next run.
void note_read(const Tensor& x);
}  // namespace detail

class Tensor {
 public:
  /// No tensor at all; `defined()` is false.
  Tensor() = default;
  /// A number as it stands in a formula: 0-d, taking the element type of whatever it meets. `x * 2`, `V(0)`.
  explicit Tensor(double literal);
  Tensor(Storage storage, const Layout& layout, DType dtype)
      : storage_(std::move(storage)), layout_(layout), dtype_(dtype) {}

  /// Fresh row-major memory, uninitialised, for kernels to write to.
  static Tensor empty(const Shape& shape, DType dtype = float32, Device device = Device::cpu());

  bool defined() const { return bool(storage_); }
  const Shape& shape() const { return layout_.shape; }
  const Shape& strides() const { return layout_.strides; }
  const Layout& layout() const { return layout_; }
  int rank() const { return layout_.shape.rank(); }
  /// The size of one axis; -1 is the last.
  int64_t size(int axis) const { return shape()[normalize_axis(axis, rank(), "size")]; }
  int64_t numel() const { return layout_.numel(); }
  DType dtype() const { return dtype_; }
  Device device() const { return storage_.device(); }
  const Storage& storage() const { return storage_; }
  bool is_contiguous() const { return layout_.is_contiguous(); }
  /// Whether this came from numbers in a formula alone, so that it takes the element type of what it meets.
  bool is_literal() const { return literal_; }
  static Tensor literal(Tensor x) {
    x.literal_ = true;
    return x;
  }

  /// The first element, of a tensor on the CPU. T must be the element type; the caller follows the strides.
  template <class T> const T* data() const {
    check_type(dtype_of<T>());
    check_here();
    return reinterpret_cast<const T*>(storage_.data()) + layout_.offset;
  }
  /// For kernels: memory that this handle alone looks at (fresh from `empty`, or donated by the caller).
  template <class T> T* mutable_data() {
    check_type(dtype_of<T>());
    check_here();
    check_unique();
    return reinterpret_cast<T*>(storage_.data()) + layout_.offset;
  }
  /// The same without the element type, also of memory on a GPU: for what hands addresses on to kernels.
  const void* raw() const {
    check_recording();
    return storage_.data() + layout_.offset * size_of(dtype_);
  }
  void* mutable_raw() {
    check_recording();
    check_unique();
    return storage_.data() + layout_.offset * size_of(dtype_);
  }
  /// Whether a kernel may write into this tensor's memory: nobody else holds it, and it is contiguous.
  bool donatable() const { return storage_.unique() && is_contiguous(); }

  /// The same memory under another layout.
  Tensor view(const Layout& layout) const {
    Tensor out = *this;
    out.layout_ = layout;
    return out;
  }
  /// The only element of a one-element tensor, as a double.
  double item() const;
  /// One element, converted to double. at({row, column})
  double at(const Shape& index) const;
  /// All elements in row-major order. T must be the element type.
  template <class T> std::vector<T> to_vector() const;

 private:
  void check_type(DType wanted) const {
    check(dtype_ == wanted, "data: the tensor is ", dtype_, ", not ", wanted, "; convert with cast(x, ", wanted, ")");
  }
  void check_recording() const {
    if (detail::watching) [[unlikely]]
      detail::note_read(*this);
  }
  void check_here() const {
    check_recording();
    if (device().is_cuda()) [[unlikely]]
      fail_not_here();
  }
  [[noreturn]] void fail_not_here() const;
  void check_unique() const {
    check(storage_.unique(), "data: this memory is shared with another tensor; copy it first");
  }

  Storage storage_;
  Layout layout_;
  DType dtype_ = float32;
  bool literal_ = false;
};

// Making tensors, on default_device() unless told otherwise ----------------------------------------------------------------------------

Tensor zeros(const Shape& shape, DType dtype = float32, Device device = default_device());
Tensor ones(const Shape& shape, DType dtype = float32, Device device = default_device());
Tensor full(const Shape& shape, double value, DType dtype = float32, Device device = default_device());
/// start, start + step, … below stop.
Tensor arange(double start, double stop, double step = 1, DType dtype = float32);
/// `count` numbers from first to last, both included.
Tensor linspace(double first, double last, int64_t count, DType dtype = float32);
/// The identity matrix [n, n].
Tensor eye(int64_t n, DType dtype = float32);
/// A vector, or with a shape any tensor, of the given numbers.
Tensor tensor(const std::vector<double>& values, DType dtype = float32);
Tensor tensor(const std::vector<double>& values, const Shape& shape, DType dtype = float32);
/// Copies `values`, element type T (float, double, int64_t, BFloat16, Float16).
template <class T> Tensor from_span(std::span<const T> values, const Shape& shape);
Tensor zeros_like(const Tensor& x);
Tensor ones_like(const Tensor& x);

/// Row-major: the tensor itself where it is already contiguous, else a copy.
Tensor contiguous(const Tensor& x);
/// A copy with memory of its own, row-major.
Tensor copy(const Tensor& x);
/// Converts elements; to int64 truncates toward zero, to bool means "not zero", to 16 bits rounds once. The tensor itself
/// where nothing changes.
Tensor cast(const Tensor& x, DType dtype);
/// 16-bit numbers as float32, which holds them exactly; any other tensor itself.
inline Tensor widened(const Tensor& x) { return is_half(x.dtype()) ? cast(x, float32) : x; }
/// The result of a computation on widened numbers, rounded to their type; what is no float32 itself.
inline Tensor narrowed(const Tensor& y, DType dtype) {
  return y.defined() && y.dtype() == float32 ? cast(y, dtype) : y;
}

/// The same elements on another device; the tensor itself where it is there already.
Tensor to_device(const Tensor& x, Device device);

/// Numbers in brackets, aligned, long axes shortened to their ends; then shape and element type.
std::string to_string(const Tensor& x);

}  // namespace pf
