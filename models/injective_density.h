#pragma once
// Density on the image of a map that has no density in space. A map T from R^k to R^d, k ≤ d, lays the base on a surface of k
// dimensions (for k = d: on R^d itself); per unit of the surface's area the law has the density
//
//   log p(x) = log p₀(z) − ½ log det JᵀJ,   x = T(z),  J = ∂T/∂z
//
// where T gives no point twice (Caterini et al. 2021, arXiv 2106.01413, eq. 2). Areas of surfaces of another dimension have
// another unit: numbers compare only between maps of one k. Off the surface there is no density; what is said of a point x
// is said of the nearest point of the surface that was found.

#include "autograd/autograd.h"
#include "models/transform.h"

namespace pf {

/// ½ log det JᵀJ of a map that treats rows independently: [n, k] → [n, d] gives [n]. Forward mode, k walks; the determinant
/// in float64.
Tensor log_volume(const Map& map, const Tensor& z);

/// log p at T(z) for base points z: [n]. Throws where the base is wider than the data, and where the map is flat.
Tensor injective_log_density(const Transform& map, const Tensor& z, const Tensor& context = {});

/// log p at the points of the surface that `encode` finds for x: the inverse, an encoder's, or by optimisation. The note says
/// how far from x they are.
LogDensity injective_density(const Transform& map, const Tensor& x, const Tensor& context = {});

}  // namespace pf
