#pragma once
// The probability-flow ODE: the deterministic motion that has the same marginals as the noising process (Song et al. 2021,
// arXiv 2011.13456, eq. 13). With x_t = α x₀ + σ ε and ℓ = ln(σ/α),
//
//   dx_t/dℓ = α σ v̂ = α σ (α ε̂ − σ x̂₀);      for x̄ = x_t/α and σ̄ = σ/α:  dx̄/dσ̄ = ε̂     (Karras et al. 2022, eq. 1)
//
// and the solvers made for it. All run on any denoiser, learned or exact, and are differentiable.

#include <functional>
#include <vector>

#include "models/diffusion/prediction.h"
#include "models/ode.h"

namespace pf {

/// x_t, ln(σ/α) ↦ x̂₀ and ε̂.
using DenoiserAt = std::function<CleanAndNoise<Variable>(const Variable& x, double log_ratio)>;
using WatchState = std::function<void(const Variable& x)>;

enum class DiffusionSolver {
  dopri5,  // of dx_t/dℓ, steps by the error
  heun,    // of dx̄/dσ̄, second order, two evaluations a step            (Karras et al. 2022, algorithm 1)
  ddim,  // Euler of dx̄/dσ̄: α' x̂₀ + σ' ε̂                             (Song et al. 2020, arXiv 2010.02502, eq. 12)
  dpmpp_2m,  // second-order multistep in ln(α/σ), x̂₀ extrapolated, one evaluation   (Lu et al. 2022, arXiv 2211.01095)
};

/// αv̂σ: dx_t/dℓ.
Variable flow_velocity(const DenoiserAt& denoiser, const Variable& x, double log_ratio);
/// x at the last ratio of the grid, from x at the first. `watch` sees every state, the first included.
Variable solve_on_grid(DiffusionSolver solver, const DenoiserAt& denoiser, Variable x, const std::vector<double>& grid,
                       const WatchState& watch = {});

}  // namespace pf
