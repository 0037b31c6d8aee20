#pragma once
// Sines and cosines of coordinates beside them, which let a small network turn within a short distance (Tancik et al. 2020,
// arXiv 2006.10739).

#include <numbers>
#include <vector>

#include "autograd/apply.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/join.h"
#include "tensor/ops/trigonometric.h"

namespace pf {

/// The columns of `with_waves` for so many coordinates.
inline int64_t waves_width(int64_t width, int64_t waves) { return width * (1 + 2 * waves); }

/// Radians that wave i moves on for each unit of a coordinate.
inline double wave_rate(int64_t i, double longest) { return 2 * std::numbers::pi / longest * double(int64_t(1) << i); }

/// x and the sines and cosines of periods longest, longest/2, …, so many of each: [n, d] → [n, d (1 + 2 waves)].
template <Array A> A with_waves(const A& x, int64_t waves, double longest) {
  if (waves == 0) return x;
  std::vector<A> columns{x};
  for (int64_t i = 0; i < waves; ++i) {
    const A angle = x * wave_rate(i, longest);
    columns.push_back(sin(angle));
    columns.push_back(cos(angle));
  }
  return concat(columns, 1);
}

}  // namespace pf
