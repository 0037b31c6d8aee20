#pragma once
// Annealed importance sampling (Neal 1998, arXiv physics/9803008; for decoders Wu et al. 2016, arXiv 1611.04273): log p(x) of a
// model p(x) = ∫ p(z) p(x|z) dz by chains that start in the prior and are led to the posterior through
//
//   π_β(z) ∝ p(z) p(x|z)^β,  β = 0 … 1,      log w = Σ (β_t − β_{t−1}) log p(x|z_{t−1}),      E w = p(x)
//
// with moves that keep π_β (hamiltonian.h). The log of the mean weight is below log p(x) on average, and the closer the more
// intermediate laws there are. Chains that start in the posterior and are led back to the prior give one that is above; they
// need an exact sample of the posterior, which simulated data have: the z they were made of (Grosse et al. 2015, arXiv
// 1511.02543). Step sizes are adapted on the way, as Wu et al. do; strictly, the bounds hold for fixed ones.

#include "models/hamiltonian.h"
#include "models/transform.h"

namespace pf {

/// p(x) = ∫ p(z) p(x|z) dz by its two parts.
class LatentModel {
 public:
  virtual ~LatentModel() = default;
  /// From the prior: [n, latent width].
  virtual Tensor sample_prior(int64_t n, Rng& rng, DType dtype) const = 0;
  virtual Variable log_prior(const Variable& z) const = 0;
  /// log p(x|z), row by row: [n].
  virtual Variable log_likelihood(const Tensor& x, const Variable& z, const Tensor& context) const = 0;
};

/// A map seen through Gaussian noise, x = T(z) + σ ε: gives any smooth map a density. z is in normal coordinates, whatever
/// the base (Distribution::from_normal).
class NoisyMap final : public LatentModel {
 public:
  NoisyMap(const Transform& map, double sigma);
  Tensor sample_prior(int64_t n, Rng& rng, DType dtype) const override;
  Variable log_prior(const Variable& z) const override;
  Variable log_likelihood(const Tensor& x, const Variable& z, const Tensor& context) const override;

 private:
  const Transform& map_;
  double sigma_;
};

struct AnnealingOptions {
  int64_t chains = 16;          // for each row of data
  int64_t distributions = 500;  // from prior to posterior; β in a sigmoid's steps, small at both ends
  HamiltonianOptions moves;
};

struct Annealed {
  Tensor points;                    // of the chains at their end, each of them a row
  Tensor log_weights;               // float64, one a chain
  double acceptance = 0, step = 0;  // step: the middle one of the chains' sizes, at the end
};

/// β from 0 to 1: σ(4 (2t − 1)), stretched to both ends (Wu et al., appendix). distributions + 1 numbers.
std::vector<double> annealing_schedule(int64_t distributions);

/// The chains that start at the rows of `start` through log_prior + β log_likelihood for the given β in turn.
Annealed anneal(const Tensor& start, const RowDensity& log_prior, const RowDensity& log_likelihood,
                const std::vector<double>& betas, const HamiltonianOptions& moves, Rng& rng);

/// log p(x) of each row: [n], float64. `posterior`, one exact sample of the posterior for each row, asks for the estimate
/// from above, by chains led back from there.
Tensor annealed_importance(const LatentModel& model, const Tensor& x, Rng& rng, const AnnealingOptions& options = {},
                           const Tensor& context = {}, const Tensor& posterior = {});

}  // namespace pf
