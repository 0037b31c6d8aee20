#pragma once
// What couplings and autoregressive layers do to one coordinate, given the numbers that a network says for it.

#include "autograd/apply.h"

namespace pf {

enum class CouplingKind { affine, spline };

/// A monotone map of one number, and its inverse, both in closed form.
///
///   affine   x = z · exp(tanh s) + t: RealNVP, Dinh et al. 2017, arXiv 1605.08803, eq. 7–8
///   spline   a monotone rational-quadratic spline from x to z: Durkan et al. 2019, arXiv 1906.04032, section 3
struct ElementwiseMap {
  CouplingKind kind = CouplingKind::spline;
  int64_t bins = 8;  // of a spline
  double bound = 3;  // a spline acts on (−bound, bound) and is the identity outside

  struct Moved {
    Variable value, log_slope;  // [n, m] each
  };
  /// How many numbers decide the map of one coordinate.
  int64_t parameters() const { return kind == CouplingKind::affine ? 2 : 3 * bins - 1; }
  /// Which coordinate, of m, each of the m · parameters() numbers belongs to: affine has all s first, then all t.
  int64_t owner(int64_t i, int64_t m) const { return kind == CouplingKind::affine ? i % m : i / parameters(); }
  /// x: [n, m], parameters: [n, m · parameters()]. Pulling: from data to noise; else from noise to data.
  Moved operator()(const Variable& x, const Variable& parameters, bool pulling) const;
  /// Throws, in the name of `op`, where the bins or the bound make no spline.
  void validate(const char* op) const;
};

}  // namespace pf
