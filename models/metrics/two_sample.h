#pragma once
// What MMD² and the energy distance share: for a kernel k, the unbiased estimate (U-statistic) of
//
//   E k(X, X′) + E k(Y, Y′) − 2 E k(X, Y)
//
// without the pairs of a point with itself. It can be negative. The standard error is the jackknife's: the spread of the
// values with one point left out, which need only the sums of the kernel's rows.

#include <cmath>
#include <vector>

#include "models/metrics/estimate.h"
#include "models/squared_distances.h"

namespace pf::detail {

/// Σⱼ k(aᵢ, bⱼ) for every i, and Σᵢ for every j. `kernel` is a function of the squared distance.
struct KernelSums {
  std::vector<double> rows, columns;
  double total = 0;
};

template <class Kernel> KernelSums kernel_sums(const Tensor& a, const Tensor& b, const Kernel& kernel, bool same) {
  const Tensor distances = to_device(squared_distances(a, b), Device::cpu());
  const int64_t n = distances.size(0), m = distances.size(1);
  const double* d = distances.data<double>();
  KernelSums sums{std::vector<double>(size_t(n)), std::vector<double>(size_t(m))};
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = same ? i + 1 : 0; j < m; ++j) {
      const double k = kernel(d[i * m + j]);
      sums.rows[size_t(i)] += k;
      sums.columns[size_t(j)] += k;
    }
  if (same)  // each pair was counted once, under both of its points
    for (int64_t i = 0; i < n; ++i) sums.rows[size_t(i)] += sums.columns[size_t(i)];
  for (double r : sums.rows) sums.total += r;
  return sums;
}

/// x: [m, d], y: [n, d], at least 3 rows each.
template <class Kernel>
Estimate u_statistic(const char* metric, const Tensor& x, const Tensor& y, const Kernel& kernel) {
  check_samples(metric, x, y, 3);
  const KernelSums xx = kernel_sums(x, x, kernel, true), yy = kernel_sums(y, y, kernel, true),
                   xy = kernel_sums(x, y, kernel, false);
  const double m = double(x.size(0)), n = double(y.size(0));
  auto combine = [](double a, double na, double b, double nb, double c) {
    return a / (na * (na - 1)) + b / (nb * (nb - 1)) - 2 * c / (na * nb);
  };
  const double value = combine(xx.total, m, yy.total, n, xy.total);
  std::vector<double> without_x, without_y;
  for (size_t i = 0; i < xx.rows.size(); ++i)
    without_x.push_back(combine(xx.total - 2 * xx.rows[i], m - 1, yy.total, n, xy.total - xy.rows[i]));
  for (size_t j = 0; j < yy.rows.size(); ++j)
    without_y.push_back(combine(xx.total, m, yy.total - 2 * yy.rows[j], n - 1, xy.total - xy.columns[j]));
  // Jackknife: variance = (n − 1)/n Σ (θ₍₋ᵢ₎ − mean)² = (n − 1)² times the variance of their mean.
  const double a = mean_of(without_x).error * (m - 1), b = mean_of(without_y).error * (n - 1);
  return {value, std::hypot(a, b)};
}

}  // namespace pf::detail
