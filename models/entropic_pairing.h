#pragma once
// Entropic optimal transport between two samples (Cuturi 2013, arXiv 1306.0895): the plan P of least Σ P c − ε H(P), found by
// Sinkhorn's iterations. They are products with the plan so far; where its scalings move far from 1 they are taken into the
// potentials by an iteration in logarithms, so that a small ε does not underflow (Schmitzer 2016, arXiv 1610.06519, section 3).

#include <string>

#include "tensor/random.h"

namespace pf {

struct VitalSign;

/// A plan and how good it is.
struct EntropicPlan {
  Tensor log_plan;         // log P: [n, m]
  int64_t iterations = 0;  // done
  double off = 0;          // the largest error of a row's sum, as a part of it; NaN in a recorded step
  int64_t worst_row = 0;   // where
  double tolerance = 0, epsilon = 0;

  bool converged() const { return off < tolerance; }
  /// Empty where it has converged; otherwise a sentence that says where it has not and by how much.
  std::string complaint() const;
};

/// The plan between uniform weights for the cost ‖xᵢ − yⱼ‖². ε > 0, in the units of the cost. Iterates until the row sums
/// are right to `tolerance`, at most `iterations` times; a plan that is not right by then says so.
EntropicPlan entropic_plan(const Tensor& x, const Tensor& y, double epsilon, int64_t iterations = 200,
                           double tolerance = 1e-3);
/// The plan of a sample to itself. Its two potentials are one, so half a step at a time converges quickly (Feydy et al. 2019,
/// arXiv 1810.08278, section 3.1).
EntropicPlan entropic_plan_to_itself(const Tensor& x, double epsilon, int64_t iterations = 200,
                                     double tolerance = 1e-3);

/// For trainings: the plan's error, with a warning where it has not converged.
VitalSign plan_sign(const EntropicPlan& plan);

/// For each row of x a row of y, drawn from the plan: int64 [n].
Tensor entropic_pairing(const EntropicPlan& plan, Rng& rng);

}  // namespace pf
