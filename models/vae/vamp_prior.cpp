#include "models/vae/vamp_prior.h"

#include <cmath>

namespace pf {

VampPrior::VampPrior(int64_t input_width, int64_t latent, int64_t components,
                     std::function<Posterior(const Variable&)> posterior, Rng& rng)
    : latent_(latent), posterior_(std::move(posterior)) {
  check(components >= 2, "vae: ", components, " pseudo-inputs: expected at least 2");
  base_ = NormalComponents::base(components, latent);
  pseudo_inputs_ = rng.normal({components, input_width});
}

NormalComponents VampPrior::components() const {
  const Posterior q = posterior_(pseudo_inputs_);
  const int64_t count = pseudo_inputs_.size(0);
  return {.log_weights = Variable(full({count}, -std::log(double(count)), pseudo_inputs_.dtype())),
          .means = q.mean,
          .whitening = q.whitening()};
}

}  // namespace pf
