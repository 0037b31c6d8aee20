#pragma once
// Calibration of an invertible map (the probability integral transform; Rosenblatt 1952): if the model is right, the base points
// of data, taken to quantiles coordinate by coordinate, are uniform. The Kolmogorov–Smirnov statistic of a coordinate is the
// largest gap between how many of them lie below u and u itself; √n D has a known law where the model is right.

#include "models/metrics/estimate.h"
#include "models/transform.h"

namespace pf {

struct Uniformity {
  std::vector<double> distances;  // D of each coordinate
  Estimate largest;               // with the standard error of the gap at its place
  double p_value = 1;             // of the largest among all coordinates, were they independent and uniform
  double expected = 0;            // of one coordinate that is uniform: 0.8687/√n
};

/// u: [n, d], numbers in [0, 1].
Uniformity uniformity(const Tensor& u);

/// Of the base points of rows of data; throws where the map has no inverse.
Uniformity calibration(const Transform& map, const Tensor& rows, const Tensor& context = {});

/// P(√n D > t) for large n: 2 Σ (−1)^(j−1) e^(−2 j² t²).
double kolmogorov_tail(double t);

}  // namespace pf
