#pragma once
// Which densities a trained model can be asked for, and what they are, on the scale of its data: its family's own (exact, by an
// ODE, or a bound), and two that others have as well: on the surface that its map covers (injective_density.h), and with
// Gaussian noise around the map, or a decoder's own observation model, by annealed importance sampling
// (annealed_importance.h).

#include "models/annealed_importance.h"
#include "models/model.h"

namespace pf {

struct DensityOptions {
  AnnealingOptions annealing;
  double noise = 0.1;  // σ around maps that have no observation model, in deviations of the data
};

/// Never `none`; its family's own first.
std::vector<DensityKind> density_kinds(const Model& model);
/// The kind of this name; "" is the family's own. Throws, with the kinds that the model has, where it has not this one.
DensityKind parse_density_kind(const Model& model, const std::string& name);

/// log p of rows, as Model::log_density but of any kind that the model has.
LogDensity log_density(const Model& model, DensityKind kind, const Tensor& rows, Rng& rng,
                       const DensityOptions& options = {}, const Tensor& context = {});

}  // namespace pf
