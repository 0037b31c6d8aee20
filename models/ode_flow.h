#pragma once
// What a velocity field does to points: where they are carried, and how the volume around them changes (Chen et al. 2018,
// arXiv 1806.07366). Shared by the families whose map is an ODE of a free network.

#include "models/ode.h"
#include "models/transform.h"

namespace pf {

/// dx/dt of points at time t.
using VelocityAt = std::function<Variable(const Variable& x, double t)>;

Variable carried(const VelocityAt& velocity, const Variable& start, double from, double to, const OdeOptions& options);

/// With ∫ div v dt on the way, the log-determinant. `probe`, if defined, is that of Hutchinson's estimate (Grathwohl et al.
/// 2018, arXiv 1810.01367), fixed during the solve; otherwise the divergence is exact, as many derivatives as coordinates.
Mapped carried_with_divergence(const VelocityAt& velocity, const Variable& start, double from, double to,
                               const Tensor& probe, const OdeOptions& options);

/// Positions at 33 even times, first `start`.
std::vector<Tensor> carried_path(const VelocityAt& velocity, const Tensor& start, double from, double to);

/// How closely carrying back gives a point back, as a trait: by the tolerance, or by the order of a fixed step.
double carried_back_error(const OdeOptions& options);

/// "dopri5, tolerance 1e-05, exact divergence"
std::string divergence_note(const OdeOptions& options, bool exact);

}  // namespace pf
