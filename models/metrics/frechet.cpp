#include "models/metrics/frechet.h"

#include <cmath>

#include "tensor/ops/linalg.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

double trace(const Tensor& a) { return sum(diagonal(a)).item(); }

/// tr a^½ of a symmetric positive definite matrix, by Denman & Beavers' iteration: y → a^½, z → a^−½.
double trace_of_root(const Tensor& a) {
  const double scale = trace(a) / double(a.size(0));
  Tensor y = a * (1 / scale), z = eye(a.size(0), float64);
  for (int i = 0; i < 100; ++i) {
    const Tensor next = (y + inverse(z)) * 0.5;
    z = (z + inverse(y)) * 0.5;
    const double change = norm(next - y).item(), size = norm(next).item();
    y = next;
    if (change < 1e-12 * size) break;
  }
  return trace(y) * std::sqrt(scale);
}

struct Moments {
  Tensor centre, covariance;
};
Moments moments_of(const Tensor& rows) {
  const Tensor x = cast(rows, float64), centre = mean(x, 0), away = x - centre;
  return {centre, matmul(transpose(away), away) * (1 / double(x.size(0) - 1))};
}

}  // namespace

double gaussian_frechet(const Tensor& mean1, const Tensor& covariance1, const Tensor& mean2,
                        const Tensor& covariance2) {
  const int64_t d = mean1.numel();
  const double size = trace(covariance1) + trace(covariance2);
  const double apart = sum(square(mean1 - mean2)).item();
  if (size == 0) return apart;
  // A little of the identity keeps flat directions (columns that do not vary) invertible.
  const Tensor ridge = eye(d, float64) * (1e-10 * size / double(d));
  const Tensor l = cholesky(covariance1 + ridge);
  const Tensor product = matmul(matmul(transpose(l), covariance2 + ridge), l);  // has the eigenvalues of C₁ C₂
  return apart + size - 2 * trace_of_root((product + transpose(product)) * 0.5);
}

Estimate gaussian_frechet(const Tensor& x, const Tensor& y) {
  check_samples("Fréchet distance", x, y, 2);
  const auto statistic = [](const Tensor& a, const Tensor& b) {
    const Moments p = moments_of(a), q = moments_of(b);
    return gaussian_frechet(p.centre, p.covariance, q.centre, q.covariance);
  };
  return {statistic(x, y), block_error(x, y, statistic)};
}

}  // namespace pf
