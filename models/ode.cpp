#include "models/ode.h"

#include <algorithm>
#include <array>
#include <cmath>

#include "autograd/apply.h"
#include "tensor/suggest.h"

namespace pf {
namespace {

constexpr int max_stages = 7;

/// Butcher's tableau: stage i is evaluated at t + c[i] h and x + h Σ a[i][j] k[j]; the step is h Σ b[j] k[j]. `error` is
/// b minus the weights of the embedded method of lower order.
struct Tableau {
  int stages;
  std::array<double, max_stages> c;
  std::array<std::array<double, max_stages>, max_stages> a;
  std::array<double, max_stages> b;
  std::array<double, max_stages> error;
};

constexpr Tableau euler_tableau{1, {0}, {}, {1}, {}};
constexpr Tableau midpoint_tableau{2, {0, 0.5}, {{{}, {0.5}}}, {0, 1}, {}};
constexpr Tableau heun_tableau{2, {0, 1}, {{{}, {1}}}, {0.5, 0.5}, {}};
constexpr Tableau rk4_tableau{
    4, {0, 0.5, 0.5, 1}, {{{}, {0.5}, {0, 0.5}, {0, 0, 1}}}, {1. / 6, 1. / 3, 1. / 3, 1. / 6}, {}};
// Dormand & Prince 1980, the 5(4) pair; its last stage is the next step's first.
constexpr Tableau dopri5_tableau{7,
                                 {0, 0.2, 0.3, 0.8, 8. / 9, 1, 1},
                                 {{{},
                                   {1. / 5},
                                   {3. / 40, 9. / 40},
                                   {44. / 45, -56. / 15, 32. / 9},
                                   {19372. / 6561, -25360. / 2187, 64448. / 6561, -212. / 729},
                                   {9017. / 3168, -355. / 33, 46732. / 5247, 49. / 176, -5103. / 18656},
                                   {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84}}},
                                 {35. / 384, 0, 500. / 1113, 125. / 192, -2187. / 6784, 11. / 84, 0},
                                 {71. / 57600, 0, -71. / 16695, 71. / 1920, -17253. / 339200, 22. / 525, -1. / 40}};

const Tableau& tableau_of(OdeMethod method) {
  switch (method) {
    case OdeMethod::euler:
      return euler_tableau;
    case OdeMethod::midpoint:
      return midpoint_tableau;
    case OdeMethod::heun:
      return heun_tableau;
    case OdeMethod::rk4:
      return rk4_tableau;
    case OdeMethod::dopri5:
      break;
  }
  return dopri5_tableau;
}

/// x + h Σ weights[j] k[j], part by part.
OdeState combine(const OdeState& x, double h, const std::array<double, max_stages>& weights,
                 const std::vector<OdeState>& k) {
  OdeState out = x;
  for (size_t part = 0; part < x.size(); ++part)
    for (size_t j = 0; j < k.size(); ++j)
      if (weights[j] != 0) out[part] = out[part] + k[j][part] * (h * weights[j]);
  return out;
}

struct Step {
  OdeState state;
  std::vector<OdeState> k;
};

/// One step; `first` is the field at the beginning where it is known already.
Step take_step(const OdeField& field, const Tableau& tableau, double t, const OdeState& x, double h,
               const OdeState& first = {}) {
  Step step;
  for (int i = 0; i < tableau.stages; ++i) {
    if (i == 0 && !first.empty()) step.k.push_back(first);
    else step.k.push_back(field(t + tableau.c[size_t(i)] * h, combine(x, h, tableau.a[size_t(i)], step.k)));
  }
  step.state = combine(x, h, tableau.b, step.k);
  return step;
}

/// Root mean square of the error estimate in units of the tolerance, over all numbers of the state.
double error_ratio(const Step& step, const OdeState& x, const Tableau& tableau, double h, double tolerance) {
  double sum = 0;
  int64_t count = 0;
  for (size_t part = 0; part < x.size(); ++part) {
    Tensor error = zeros_like(x[part].value());
    for (size_t j = 0; j < step.k.size(); ++j)
      if (tableau.error[j] != 0) error = error + step.k[j][part].value() * (h * tableau.error[j]);
    const std::vector<double> e = cast(error, float64).to_vector<double>();
    const std::vector<double> before = cast(x[part].value(), float64).to_vector<double>();
    const std::vector<double> after = cast(step.state[part].value(), float64).to_vector<double>();
    for (size_t i = 0; i < e.size(); ++i) {
      const double scale = tolerance * (1 + std::max(std::abs(before[i]), std::abs(after[i])));
      sum += (e[i] / scale) * (e[i] / scale);
    }
    count += int64_t(e.size());
  }
  return count ? std::sqrt(sum / double(count)) : 0;
}

OdeSolution solve_adaptive(const OdeField& field, OdeState x, double t0, double t1, const OdeOptions& options,
                           const std::function<void(double, const OdeState&)>& watch) {
  check(options.tolerance > 0, "ode: tolerance ", options.tolerance, ": expected a positive number, such as 1e-5");
  const Tableau& tableau = dopri5_tableau;
  OdeSolution solution;
  const double direction = t1 > t0 ? 1 : -1, span = std::abs(t1 - t0);
  double t = t0, h = span * 0.05, ratio = 0;
  OdeState slope = field(t0, x);
  ++solution.evaluations;
  if (watch) watch(t0, x);
  int64_t taken = 0;
  while (std::abs(t1 - t) > 1e-12 * span) {
    check(taken++ < options.max_steps, "ode: dopri5 stopped at t = ", t, " on the way from ", t0, " to ", t1, " after ",
          options.max_steps, " steps: the error is ", ratio, " times the tolerance ", options.tolerance,
          "; allow more steps or a larger tolerance");
    h = std::min(h, std::abs(t1 - t));
    Step step = take_step(field, tableau, t, x, direction * h, slope);
    solution.evaluations += tableau.stages - 1;
    ratio = error_ratio(step, x, tableau, h, options.tolerance);
    check(!std::isnan(ratio), "ode: the field gave NaN near t = ", t, "; the network has diverged");
    // Hairer's controller: aim for 0.9 of the allowed step, change it by a factor of 0.2 to 5 at most.
    const double factor = ratio > 0 ? std::clamp(0.9 * std::pow(ratio, -0.2), 0.2, 5.0) : 5.0;
    if (ratio <= 1) {
      t = std::abs(t1 - t) <= h ? t1 : t + direction * h;
      x = std::move(step.state);
      slope = std::move(step.k.back());
      if (watch) watch(t, x);
    }
    h *= factor;
  }
  solution.state = std::move(x);
  return solution;
}

constexpr OdeMethod all_methods[] = {OdeMethod::euler, OdeMethod::midpoint, OdeMethod::heun, OdeMethod::rk4,
                                     OdeMethod::dopri5};

}  // namespace

const char* name_of(OdeMethod method) {
  constexpr const char* names[] = {"euler", "midpoint", "heun", "rk4", "dopri5"};
  return names[int(method)];
}

OdeMethod parse_ode_method(const std::string& name) {
  std::vector<std::string> names;
  for (OdeMethod method : all_methods) {
    if (name == name_of(method)) return method;
    names.push_back(name_of(method));
  }
  throw UsageError(join("solver '", name, "': there is none of this name", did_you_mean(name, names)));
}

OdeSolution solve_ode(const OdeField& field, OdeState start, double t0, double t1, const OdeOptions& options,
                      const std::function<void(double, const OdeState&)>& watch) {
  if (t0 == t1) return {std::move(start), 0};
  if (options.method == OdeMethod::dopri5) return solve_adaptive(field, std::move(start), t0, t1, options, watch);
  check(options.steps >= 1, "ode: ", options.steps, " steps: expected at least 1");
  const Tableau& tableau = tableau_of(options.method);
  OdeState x = std::move(start);
  const double h = (t1 - t0) / double(options.steps);
  if (watch) watch(t0, x);
  for (int64_t i = 0; i < options.steps; ++i) {
    x = take_step(field, tableau, t0 + double(i) * h, x, h).state;
    if (watch) watch(t0 + double(i + 1) * h, x);
  }
  return {std::move(x), options.steps * tableau.stages};
}

}  // namespace pf
