#pragma once
// Ordinary differential equations dx/dt = f(t, x): Runge–Kutta methods as tableaux, one stepping loop for fixed steps and
// one for steps chosen by the error (Hairer, Nørsett & Wanner, "Solving Ordinary Differential Equations I", II.1 and II.4).
// The state is a list of variables, so that a log-determinant can ride along; on tracked states every step is recorded
// and the solution can be differentiated.

#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace pf {

using OdeState = std::vector<Variable>;
using OdeField = std::function<OdeState(double t, const OdeState& x)>;

enum class OdeMethod { euler, midpoint, heun, rk4, dopri5 };
const char* name_of(OdeMethod method);
/// Throws with the nearest name when there is none of this name.
OdeMethod parse_ode_method(const std::string& name);

struct OdeOptions {
  OdeMethod method = OdeMethod::dopri5;
  int64_t steps = 50;         // for fixed steps
  double tolerance = 1e-5;    // for dopri5: relative and absolute, of the root mean square over the whole state
  int64_t max_steps = 10000;  // for dopri5: accepted and rejected together
};

struct OdeSolution {
  OdeState state;
  int64_t evaluations = 0;  // of the field
};

/// The state at t1 that starts as `start` at t0; t1 may lie before t0. `watch`, if given, sees every accepted state.
/// Throws when dopri5 does not reach its tolerance, saying where it stopped and by how much it misses.
OdeSolution solve_ode(const OdeField& field, OdeState start, double t0, double t1, const OdeOptions& options,
                      const std::function<void(double t, const OdeState&)>& watch = {});

}  // namespace pf
