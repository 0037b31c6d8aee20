#pragma once
// Points that stand for a normal law more evenly than random ones: expectations of smooth functions come out to several digits.

#include "models/distribution.h"
#include "tensor/ops/special.h"

namespace pf {

/// Φ⁻¹((i + ½)/n): [n, 1], float64.
inline Tensor normal_quantiles(int64_t n) {
  return reshape(ndtri((arange(0, double(n), 1, float64) + 0.5) * (1 / double(n))), {n, 1});
}

/// Two coordinates from the Fibonacci lattice (i/n, i m/n mod 1) with n = 610 and m = 377, moved into the square's
/// inside: [610, 2], float64.
inline Tensor normal_lattice() {
  constexpr int64_t n = 610, m = 377;
  std::vector<double> u;
  for (int64_t i = 0; i < n; ++i) {
    u.push_back((double(i) + 0.5) / n);
    u.push_back((double(i * m % n) + 0.5) / n);
  }
  return ndtri(tensor(u, {n, 2}, float64));
}

}  // namespace pf
