#include "models/hamiltonian.h"

#include <algorithm>

#include "autograd/apply.h"
#include "autograd/engine.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/where.h"

namespace pf {
namespace {

struct Slope {
  Tensor value, gradient;
};

/// Rows do not influence each other, so the gradient of the sum has each row's own.
Slope slope_of(const RowDensity& log_density, const Tensor& z) {
  const Variable at = tracked(z);
  const Variable value = log_density(at);
  return {value.value(), grad(sum(value), at)};
}

}  // namespace

HamiltonianChains::HamiltonianChains(Tensor start, const HamiltonianOptions& options)
    : options_(options), z_(std::move(start)) {
  check(z_.rank() == 2, "hamiltonian: starts ", z_.shape(), ": expected [n, d], one chain a row");
  check(options.leapfrogs >= 1 && options.step > 0, "hamiltonian: ", options.leapfrogs, " leapfrog steps of ",
        options.step, ": expected at least one step of positive size");
  check(options.acceptance > 0 && options.acceptance < 1, "hamiltonian: an acceptance of ", options.acceptance,
        ": expected a number between 0 and 1");
  step_ = full({z_.size(0)}, options.step, z_.dtype());
  average_ = full({z_.size(0)}, options.acceptance, z_.dtype());
}

void HamiltonianChains::move(const RowDensity& log_density, Rng& rng, bool adapt) {
  const Tensor step = unsqueeze(step_, 1);
  Tensor momentum = rng.normal(z_.shape(), z_.dtype()), z = z_;
  Slope slope = slope_of(log_density, z);
  const Tensor energy = sum(square(momentum), -1) * 0.5 - slope.value;
  for (int64_t i = 0; i < options_.leapfrogs; ++i) {
    momentum = momentum + step * slope.gradient * 0.5;
    z = z + step * momentum;
    slope = slope_of(log_density, z);
    momentum = momentum + step * slope.gradient * 0.5;
  }
  const Tensor change = energy - (sum(square(momentum), -1) * 0.5 - slope.value);
  // A proposal that ran off to infinity compares false, and is refused.
  const Tensor taken = log(rng.uniform(change.shape(), z_.dtype())) < change;
  z_ = where(unsqueeze(taken, 1), z, z_);
  const Tensor taken_number = cast(taken, z_.dtype());
  accepted_ += sum(taken_number).item();
  proposals_ += taken.numel();
  if (!adapt) return;
  average_ = average_ * 0.9 + taken_number * 0.1;
  step_ = step_ * (cast(average_ > options_.acceptance, z_.dtype()) * 0.04 + 0.98);
}

double HamiltonianChains::typical_step() const {
  std::vector<double> steps = cast(step_, float64).to_vector<double>();
  if (steps.empty()) return options_.step;
  const auto middle = steps.begin() + int64_t(steps.size() / 2);
  std::nth_element(steps.begin(), middle, steps.end());
  return *middle;
}

}  // namespace pf
