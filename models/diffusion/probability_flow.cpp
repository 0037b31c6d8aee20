#include "models/diffusion/probability_flow.h"

#include <cmath>

#include "models/diffusion/schedule.h"

namespace pf {
namespace {

/// x̂₀ and ε̂ put together at another ratio: the whole of DDIM.
Variable mixed(const CleanAndNoise<Variable>& e, const NoiseLevel& at) {
  return e.clean * at.alpha + e.noise * at.sigma;
}

}  // namespace

Variable flow_velocity(const DenoiserAt& denoiser, const Variable& x, double log_ratio) {
  const NoiseLevel level = NoiseLevel::at(log_ratio);
  return express(Prediction::velocity, denoiser(x, log_ratio), level.alpha, level.sigma) * (level.alpha * level.sigma);
}

Variable solve_on_grid(DiffusionSolver solver, const DenoiserAt& denoiser, Variable x, const std::vector<double>& grid,
                       const WatchState& watch) {
  check(solver != DiffusionSolver::dopri5, "solve_on_grid: dopri5 chooses its own steps; use solve_ode");
  Variable last_clean;
  if (watch) watch(x);
  for (size_t i = 0; i + 1 < grid.size(); ++i) {
    const NoiseLevel here = NoiseLevel::at(grid[i]), there = NoiseLevel::at(grid[i + 1]);
    const CleanAndNoise<Variable> e = denoiser(x, grid[i]);
    switch (solver) {
      case DiffusionSolver::heun: {
        const CleanAndNoise<Variable> next = denoiser(mixed(e, there), grid[i + 1]);
        const double step = there.sigma / there.alpha - here.sigma / here.alpha;
        x = (x * (1 / here.alpha) + (e.noise + next.noise) * (0.5 * step)) * there.alpha;
        break;
      }
      case DiffusionSolver::dpmpp_2m: {
        const double h = grid[i] - grid[i + 1];  // of ln(α/σ), which rises
        Variable clean = e.clean;
        if (last_clean.defined()) {
          const double slope = 0.5 * h / (grid[i - 1] - grid[i]);
          clean = e.clean * (1 + slope) - last_clean * slope;
        }
        x = x * (there.sigma / here.sigma) - clean * (there.alpha * std::expm1(-h));
        last_clean = e.clean;
        break;
      }
      default:
        x = mixed(e, there);
    }
    if (watch) watch(x);
  }
  return x;
}

}  // namespace pf
