#pragma once

// Derivatives of the digamma function: sums of negative powers by Euler and Maclaurin.

#include "tensor/math/parts.h"

namespace pf::math {

/// ψ⁽ⁿ⁾(x) = (−1)ⁿ⁺¹ n! Σₖ (x + k)⁻ⁿ⁻¹ for n ≥ 1 and x > 0; NaN for x < 0.
template <Value V> constexpr V polygamma(int n, V x) {
  const auto power = [n](V inverse) {  // to the n
    V out = V(1);
    for (int i = 0; i < n; ++i) out = out * inverse;
    return out;
  };
  constexpr int terms = 12;
  V sum = V(0);
  for (int k = terms - 1; k >= 0; --k) {
    const V inverse = V(1) / (x + V(k));
    sum = sum + inverse * power(inverse);
  }
  // From w = x + 12 on: the integral, half of the first term, and B₂ⱼ/(2j)! times the odd derivatives there.
  constexpr double bernoulli[] = {1.0 / 6,  -1.0 / 30,     1.0 / 42, -1.0 / 30,
                                  5.0 / 66, -691.0 / 2730, 7.0 / 6,  -3617.0 / 510};
  const V inverse = V(1) / (x + V(terms)), z = inverse * inverse;
  V series = V(0.5) * inverse + V(1.0 / n);
  double factor = (n + 1) / 2.0;  // (n + 1)…(n + 2j − 1) / (2j)!
  V w = z;
  for (int j = 1; j <= 8; ++j) {
    series = series + V(bernoulli[j - 1] * factor) * w;
    factor *= double(n + 2 * j) * (n + 2 * j + 1) / ((2.0 * j + 1) * (2.0 * j + 2));
    w = w * z;
  }
  double factorial = n % 2 ? 1 : -1;
  for (int i = 2; i <= n; ++i) factorial *= i;
  return select(x < V(0), V(detail::nan<V>), V(factorial) * (sum + power(inverse) * series));
}

}  // namespace pf::math
