#include "models/ode_flow.h"

#include "autograd/functional.h"

namespace pf {

Variable carried(const VelocityAt& velocity, const Variable& start, double from, double to, const OdeOptions& options) {
  const OdeField field = [&](double t, const OdeState& x) { return OdeState{velocity(x[0], t)}; };
  return solve_ode(field, {start}, from, to, options).state[0];
}

Mapped carried_with_divergence(const VelocityAt& velocity, const Variable& start, double from, double to,
                               const Tensor& probe, const OdeOptions& options) {
  const OdeField field = [&](double t, const OdeState& x) {
    const Map v = [&](const Variable& at) { return velocity(at, t); };
    const auto [value, divergence] = probe.defined() ? hutchinson_divergence(v, x[0], probe) : pf::divergence(v, x[0]);
    return OdeState{value, divergence};
  };
  const Variable zero(zeros({start.size(0)}, start.dtype()));
  const OdeState end = solve_ode(field, {start, zero}, from, to, options).state;
  return {end[0], end[1]};
}

std::vector<Tensor> carried_path(const VelocityAt& velocity, const Tensor& start, double from, double to) {
  std::vector<Tensor> positions;
  const OdeField field = [&](double t, const OdeState& x) { return OdeState{velocity(x[0], t)}; };
  const OdeOptions even{.method = OdeMethod::rk4, .steps = 32};
  solve_ode(field, {Variable(start)}, from, to, even,
            [&](double, const OdeState& x) { positions.push_back(x[0].value()); });
  return positions;
}

double carried_back_error(const OdeOptions& options) {
  if (options.method == OdeMethod::dopri5) return 100 * options.tolerance;
  return options.method == OdeMethod::euler ? 2.5 / double(options.steps) : 1e-2;
}

std::string divergence_note(const OdeOptions& options, bool exact) {
  const std::string solver = options.method == OdeMethod::dopri5
                                 ? join("dopri5, tolerance ", options.tolerance)
                                 : join(name_of(options.method), ", ", options.steps, " steps");
  return solver + (exact ? ", exact divergence" : ", one Hutchinson probe");
}

}  // namespace pf
