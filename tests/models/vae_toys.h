#pragma once
// What tests of variational autoencoders share: setting parameters by hand, and log p(x) by summing over a grid of codes.

#include <gtest/gtest.h>

#include <cmath>

#include "models/vae/vae.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tests/models/set_field.h"

namespace pf::testing {

inline double largest(const Tensor& x) { return max(abs(x)).item(); }

/// Parameters in double precision, times a factor and moved by so much noise.
template <class M> void shake(M& model, double factor, double noise, Rng& rng, const std::string& below = "") {
  for (Field& field : fields_of(model)) {
    if (!field.parameter) {
      if (is_floating(field.value().dtype())) *field.buffer = cast(field.value(), float64);
      continue;
    }
    const bool moved = field.path.starts_with(below);
    const Tensor value = cast(field.value(), float64);
    *field.parameter = Variable(moved ? value * factor + rng.normal(field.value().shape(), float64) * noise : value);
  }
}

/// Centres of a grid of cells on [−size/2, size/2]^2.
inline Tensor grid_of_codes(int64_t cells, double size) {
  const double h = size / double(cells);
  std::vector<double> places;
  for (int64_t i = 0; i < cells * cells; ++i) {
    places.push_back((double(i / cells) + 0.5) * h - size / 2);
    places.push_back((double(i % cells) + 0.5) * h - size / 2);
  }
  return tensor(places, {cells * cells, 2}, float64);
}

/// log p(x) of a model with two coordinates of the code, by summing over a grid of codes; the mean of its decoder.
struct Quadrature {
  Tensor log_density, mean, mass;
  Quadrature(const Vae& vae, const Tensor& x, int64_t cells = 300, double size = 24) {
    const Tensor code = grid_of_codes(cells, size);
    const Tensor log_prior = vae.log_prior(Variable(code)).value() + 2 * std::log(size / double(cells));
    const Tensor decoded = vae.decode(Variable(code)).value();
    mass = sum(exp(log_prior));
    mean = sum(decoded * unsqueeze(exp(log_prior), 1), 0);
    std::vector<Tensor> rows;
    for (int64_t i = 0; i < x.size(0); ++i)
      rows.push_back(
          logsumexp(vae.log_likelihood(Variable(slice(x, 0, i, i + 1)), Variable(decoded)).value() + log_prior, 0));
    log_density = stack(rows, 0);
  }
};

}  // namespace pf::testing
