#pragma once
// Tempered noise: typical samples instead of all of them. Every normal coordinate of the base is drawn at a temperature τ, as
// N(0, τ²), or from a normal law cut off at ±c, whose points beyond are drawn anew (the truncation of Brock et al. 2019, BigGAN,
// arXiv 1809.11096, section 3.1). Bases of another law follow quantile by quantile (Distribution::from_normal).
//
// A linear map's samples have τ times the spread, and a map that keeps volumes gives the law p^(1/τ²), normalised; in general
// it is neither: tempering the noise is not tempering the law.

#include <optional>

#include "models/distribution.h"

namespace pf {

struct Tempering {
  double temperature = 1;            // τ, above 0
  std::optional<double> truncation;  // c, above 0, before the temperature

  bool changes_something() const { return temperature != 1 || truncation; }
};

/// Base samples from normal ones [n, base.width()], colder.
Tensor tempered_noise(const Distribution& base, const Tensor& normal, const Tempering& tempering);
/// n of them. Without tempering: a sample of the base.
Tensor tempered_noise(const Distribution& base, int64_t n, Rng& rng, const Tempering& tempering, DType dtype = float32);

}  // namespace pf
