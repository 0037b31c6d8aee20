#pragma once
// Generators without a critic: the loss is a distance between a batch of data and a batch of samples.
//
//   mmd      E k(x, x′) − 2 E k(x, y) + E k(y, y′), the mean of five Gaussian kernels   Li et al. 2015, arXiv 1502.02761
//   energy   2 E‖x − y‖ − E‖x − x′‖ − E‖y − y′‖                                          Székely & Rizzo 2013
//   sliced   mean over random directions of the squared W₂ along them                   Deshpande et al. 2018, arXiv 1803.11188

#include "models/objective.h"

namespace pf {

enum class TwoSample { mmd, energy, sliced };

class TwoSampleLoss final : public Objective {
 public:
  /// directions: of the sliced distance, drawn anew for each batch.
  TwoSampleLoss(const Transform& generator, TwoSample distance, int64_t directions = 64)
      : generator_(generator), distance_(distance), directions_(directions) {}
  std::string name() const override;
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  const Transform& generator_;
  TwoSample distance_;
  int64_t directions_;
};

}  // namespace pf
