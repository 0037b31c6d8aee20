#pragma once
// The plan of an element-wise pass: any number of strided inputs, contiguous outputs, one loop body over rows in memory.

#include <type_traits>

#include "tensor/tensor.h"

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
    requires(!std::is_same_v<std::remove_cvref_t<F>, PassBody>)
  PassBody(const F& f)
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

/// The element type that all operands share. Literals take the others'; throws, naming `op`, where two differ.
DType common_dtype(const char* op, std::span<const Tensor* const> inputs);
/// The literal as a 0-d tensor of this type; any other tensor unchanged.
Tensor as_operand(const Tensor& x, DType dtype);

}  // namespace pf
