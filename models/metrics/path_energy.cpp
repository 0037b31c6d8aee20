#include "models/metrics/path_energy.h"

#include <cmath>

#include "autograd/apply.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {

PathEnergy path_energy(const OdeField& field, const Tensor& x0, const OdeOptions& options) {
  check(x0.rank() == 2 && x0.size(0) >= 1, "path energy: starts ", x0.shape(), ": expected [n, d], n at least 1");
  const OdeField with_energy = [&](double t, const OdeState& state) {
    const Variable v = field(t, {state[0]})[0];
    return OdeState{v, sum(square(v), -1)};
  };
  const OdeState end =
      solve_ode(with_energy, {Variable(x0), Variable(zeros({x0.size(0)}, x0.dtype()))}, 0, 1, options).state;
  const Tensor energy = cast(end[1].value(), float64), moved = cast(sum(square(end[0].value() - x0), -1), float64);
  return {mean_of(energy.to_vector<double>()), mean_of(moved.to_vector<double>()),
          mean_of((energy - moved).to_vector<double>())};
}

double normalised_path_energy(double energy, double squared_w2) {
  check(squared_w2 > 0, "normalised path energy: a squared W2 of ", squared_w2,
        ": expected a positive number, the two laws differ");
  return std::abs(energy - squared_w2) / squared_w2;
}

}  // namespace pf
