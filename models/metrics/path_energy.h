#pragma once
// What the paths of a flow dx/dt = v(x, t) cost, and how straight they are (Liu et al. 2022, arXiv 2209.03003, eq. 5; Tong et al.
// 2023, arXiv 2302.00482, section 5.1):
//
//   energy        E ∫ ‖v(x_t, t)‖² dt
//   displacement  E ‖x₁ − x₀‖²
//   straightness  energy − displacement = E ∫ ‖(x₁ − x₀) − v(x_t, t)‖² dt,  0 for straight paths at constant speed
//   normalised    |energy − W₂²| / W₂²,  0 for the flow of optimal transport between the two ends' laws
//
// The energy rides along as one more number of the ODE's state; with Euler's method it is the sum over steps that tables print.

#include "models/metrics/estimate.h"
#include "models/ode.h"

namespace pf {

struct PathEnergy {
  Estimate energy, displacement, straightness;
};

/// Over the paths from t = 0 to 1 that start at the rows of x0: [n, d]. The field sees and gives one part, [n, d].
PathEnergy path_energy(const OdeField& field, const Tensor& x0, const OdeOptions& options = {});

double normalised_path_energy(double energy, double squared_w2);

}  // namespace pf
