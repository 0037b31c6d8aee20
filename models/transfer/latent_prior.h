#pragma once
// A law of the noise that is learned afterwards. A trained map T carries its base to the data only as well as it was trained:
// pulled back through it, the data are not distributed like the base. A coupling flow g fitted to where they come from makes
//
//   x = T(from_normal(g(z))),   z ~ N(0, I)
//
// a better model by the same map (Ghosh et al. 2020, arXiv 1903.12436, section 4, of autoencoders; Chen et al. 2017, arXiv
// 1611.02731, of variational ones, where it is trained along). Here for any map: points go back by its inverse, an encoder, or optimisation.

#include "models/autoencoder/code_density.h"

namespace pf {

struct LatentPriorOptions {
  int64_t rows = 2000;                // of the data that are pulled back
  int64_t steps = 1500, batch = 256;  // of the fit
  double rate = 3e-3;
};

/// Why there is no such law for a map, in a sentence; empty where there is one.
std::string why_not_latent_prior(const Transform& map);

/// g, in the normal coordinates of the map's base. rows: [n, width], on the map's own scale. All randomness from `rng`.
std::unique_ptr<FlowDensity> fit_latent_prior(const Transform& map, const Tensor& rows, Rng& rng,
                                              const LatentPriorOptions& options = {});

}  // namespace pf
