#pragma once
// The plan of an element-wise pass: any number of strided inputs, contiguous outputs, one loop body over rows in memory.

#include <type_traits>

#include "tensor/strided.h"

namespace pf {

inline constexpr int max_pass_inputs = 20;
inline constexpr int max_pass_outputs = 8;

/// What one pass reads and writes. Inputs may be broadcast to `shape`; outputs are row-major memory of that shape.
struct PointwisePass {
  Shape shape;
  int input_count = 0, output_count = 0;
  std::array<const Tensor*, max_pass_inputs> inputs{};
  std::array<void*, max_pass_outputs> outputs{};
  std::array<int64_t, max_pass_outputs> output_sizes{};  // bytes an element

  void read(const Tensor& x) { inputs[input_count++] = &x; }
  void write(void* out, DType dtype) {
    outputs[output_count] = out;
    output_sizes[output_count++] = out ? size_of(dtype) : 0;
  }
};

/// Calls body(n, inputs, outputs) on blocks that cover all elements; every input of a block is n elements in a row.
/// Refers to the callable for the length of the call, without copying it.
class PassBody {
 public:
  template <class F>
  requires(!std::is_same_v<std::remove_cvref_t<F>, PassBody>) PassBody(const F& f)
      : callable_(&f), call_([](const void* callable, int64_t n, const void* const* inputs, void* const* outputs) {
          (*static_cast<const F*>(callable))(n, inputs, outputs);
        }) {}
  void operator()(int64_t n, const void* const* inputs, void* const* outputs) const {
    call_(callable_, n, inputs, outputs);
  }

 private:
  const void* callable_;
  void (*call_)(const void*, int64_t, const void* const*, void* const*);
};
void run_pass(const PointwisePass& pass, const PassBody& body);

/// A pass whose elements are visited range by range, in an order and division of the caller's choice: for what combines
/// elements. The pass must outlive it.
class PreparedPass {
 public:
  static constexpr int64_t max_block = 512;
  explicit PreparedPass(const PointwisePass& pass);
  /// Calls the body on blocks of `block` (at most max_block) elements, from element `first` to before `last`.
  void run(int64_t first, int64_t last, int64_t block, const PassBody& body) const;

 private:
  friend void run_pass(const PointwisePass& pass, const PassBody& body);
  // One input of a pass, read either in place or through a buffer.
  struct Source {
    const std::byte* base;
    int64_t element_size;
    Layout layout;  // broadcast and collapsed
    bool in_place;  // row-major: read where it lies
    bool constant;  // a single value: the buffer is filled once
  };
  const PointwisePass& pass_;
  std::array<Source, max_pass_inputs> sources_;
  bool all_in_place_ = true;
};

/// The literal as a 0-d tensor of this type; any other tensor unchanged.
Tensor as_operand(const Tensor& x, DType dtype);

}  // namespace pf
