#include "autograd/anomaly.h"

#include <cmath>

namespace pf {
namespace {

/// The row-major position of the first element that is not finite, or -1.
int64_t first_not_finite(const Tensor& given) {
  if (!is_floating(given.dtype())) return -1;
  const Tensor x = widened(given);
  return dispatch_floating(x.dtype(), "anomaly", [&]<class T>() -> int64_t {
    const Tensor flat = to_device(contiguous(x), Device::cpu());
    const T* data = flat.data<T>();
    for (int64_t i = 0; i < flat.numel(); ++i)
      if (!std::isfinite(data[i])) return i;
    return -1;
  });
}

Shape position_of(int64_t flat, const Shape& shape) {
  Shape index = Shape::filled(shape.rank(), 0);
  for (int i = shape.rank() - 1; i >= 0; --i) {
    index[i] = flat % shape[i];
    flat /= shape[i];
  }
  return index;
}

}  // namespace

void report_first_nan(const char* op, std::span<const Variable> inputs, const Tensor& output) {
  const int64_t at = first_not_finite(output);
  if (at < 0) return;
  std::string shapes;
  for (const Variable& x : inputs) {
    if (first_not_finite(x.value()) >= 0) return;  // it came in from outside: some other operation or the data made it
    shapes += (shapes.empty() ? "" : ", ") + to_string(x.shape());
  }
  const Shape index = position_of(at, output.shape());
  fail(op, ": made ", output.at(index), " at ", index, " of its output ", output.shape(), " from finite inputs ",
       shapes);
}

void report_nan_gradient(const char* op, const Shape& input, const Tensor& gradient) {
  const int64_t at = first_not_finite(gradient);
  if (at < 0) return;
  const Shape index = position_of(at, gradient.shape());
  fail(op, ": its derivative made ", gradient.at(index), " at ", index, " of the gradient for an input ", input);
}

}  // namespace pf
