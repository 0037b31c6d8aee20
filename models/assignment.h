#pragma once
// The linear assignment problem: pairing two lists at the least total cost. What exact W₂ between samples and the optimal
// pairing of a batch both need.

#include "tensor/tensor.h"

namespace pf {

/// The column of each row in the assignment of least total cost. cost: [n, n] → [n], int64. Exact: an auction finds prices that
/// are nearly optimal (Bertsekas 1988), shortest augmenting paths start from them (Jonker & Volgenant 1987).
Tensor assign(const Tensor& cost);

/// For each row of a the row of b it is paired with, at the least total squared distance. a, b: [n, d] → [n], int64. Up to d = 3
/// no table of distances is made: 10,000 points in the plane take a few seconds and no memory to speak of.
Tensor optimal_pairing(const Tensor& a, const Tensor& b);

}  // namespace pf
