#pragma once
// Squared distances between all rows of two samples.

#include "autograd/apply.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {

/// ‖aᵢ − bⱼ‖², in float64 whatever the points are. a: [n, d], b: [m, d] → [n, m].
Tensor squared_distances(const Tensor& a, const Tensor& b);

/// The same in the points' own type, by one matrix product, and differentiable. Distances far below the points' lengths are
/// lost in rounding.
template <Array A> A squared_distances_by_product(const A& a, const A& b) {
  const A lengths = sum(square(a), -1, true) + transpose(sum(square(b), -1, true));
  return relu(lengths - matmul(a, transpose(b)) * 2.0);  // rounding may leave a little below zero
}

}  // namespace pf
