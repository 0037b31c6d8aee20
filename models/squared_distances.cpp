#include "models/squared_distances.h"

#include "tensor/ops/extremum.h"
#include "tensor/ops/views.h"
#include "tensor/recording.h"

namespace pf {

Tensor squared_distances(const Tensor& a, const Tensor& b) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([](const Tensor& p, const Tensor& q) { return squared_distances(p, q); }, a, b);
  check(a.rank() == 2 && b.rank() == 2 && a.size(1) == b.size(1), "squared_distances: ", a.shape(), " and ", b.shape(),
        ": expected [n, d] and [m, d]");
  const int64_t n = a.size(0), m = b.size(0), d = a.size(1);
  const Tensor x = contiguous(cast(a, float64)), y = contiguous(cast(b, float64));
  if (d > 8 || x.device().is_cuda()) {
    // ‖a‖² + ‖b‖² − 2 a·b: one matrix product; the cancellation is harmless in float64.
    const Tensor gram = matmul(x, transpose(y));
    const Tensor sum_of_squares = sum(square(x), -1, true) + reshape(sum(square(y), -1), {1, m});
    return maximum(sum_of_squares - gram * 2.0, 0.0);
  }
  Tensor out = Tensor::empty({n, m}, float64);
  double* to = out.mutable_data<double>();
  const double *p = x.data<double>(), *q = y.data<double>();
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = 0; j < m; ++j) {
      double sum = 0;
      for (int64_t k = 0; k < d; ++k) sum += (p[i * d + k] - q[j * d + k]) * (p[i * d + k] - q[j * d + k]);
      to[i * m + j] = sum;
    }
  return out;
}

}  // namespace pf
