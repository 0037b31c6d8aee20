// Diffusion where the answers are known: with normal data the best denoiser, the flow, the density and the bound all have
// closed forms.

#include <gtest/gtest.h>

#include <array>
#include <cmath>
#include <map>
#include <numbers>
#include <tuple>

#include "autograd/functional.h"
#include "models/diffusion/chain.h"
#include "models/diffusion/diffusion.h"
#include "models/metrics/energy_distance.h"
#include "models/train.h"
#include "nn/data/load.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tests/models/ddpm_grid.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::ddpm_grid;

using testing::contains;
using testing::error_of;

constexpr Prediction all_predictions[] = {Prediction::clean, Prediction::noise, Prediction::velocity,
                                          Prediction::score};
constexpr NoiseScheduleKind all_schedules[] = {NoiseScheduleKind::edm, NoiseScheduleKind::vp_linear,
                                               NoiseScheduleKind::sub_vp, NoiseScheduleKind::vp_cosine,
                                               NoiseScheduleKind::ve};

/// Data N(m, c²) in each coordinate. E[x₀ | x_t] = m + α c² (x_t − α m) / (α² c² + σ²).
struct NormalData {
  double m, c;
  double variance(double log_ratio) const {
    const NoiseLevel at = NoiseLevel::at(log_ratio);
    return at.alpha * at.alpha * c * c + at.sigma * at.sigma;
  }
  double mean(double log_ratio) const { return NoiseLevel::at(log_ratio).alpha * m; }
  DenoiserAt denoiser() const {
    return [*this](const Variable& x, double log_ratio) {
      const NoiseLevel at = NoiseLevel::at(log_ratio);
      const Variable clean = (x - at.alpha * m) * (at.alpha * c * c / variance(log_ratio)) + m;
      return interpret(Prediction::clean, clean, x, at.alpha, at.sigma);
    };
  }
  /// Where the exact flow takes x: (x_t − mean)/deviation stays as it is.
  double flow(double x, double from, double to) const {
    return mean(to) + (x - mean(from)) * std::sqrt(variance(to) / variance(from));
  }
};

double log_normal(double x, double mean, double variance) {
  return -0.5 * (x - mean) * (x - mean) / variance - 0.5 * std::log(2 * std::numbers::pi * variance);
}

TEST(Diffusion, EveryPredictionSaysTheSame) {
  Rng rng(1);
  const Tensor clean = rng.normal({5, 3}, float64), noise = rng.normal({5, 3}, float64);
  for (double log_ratio : {-4.0, -0.3, 0.0, 1.7, 4.5}) {
    const auto [alpha, sigma] = NoiseLevel::at(log_ratio);
    EXPECT_NEAR(alpha * alpha + sigma * sigma, 1, 1e-15);
    const Tensor x = clean * alpha + noise * sigma;
    for (Prediction kind : all_predictions) {
      const Tensor said = express(kind, CleanAndNoise<Tensor>{clean, noise}, alpha, sigma);
      const CleanAndNoise<Tensor> back = interpret(kind, said, x, alpha, sigma);
      EXPECT_LT(max(abs(back.clean - clean)).item(), 1e-11) << int(kind);
      EXPECT_LT(max(abs(back.noise - noise)).item(), 1e-11) << int(kind);
    }
  }
}

// Karras et al. 2022, eq. 7 and table 1, in their own units: D = c_skip x̄ + c_out F(c_in x̄) for data of deviation σ_d.
TEST(Diffusion, PreconditioningIsPredictionOfV) {
  Rng rng(2);
  const double sigma_data = 0.5, s2 = sigma_data * sigma_data;
  const Tensor data = rng.normal({4, 2}, float64) * sigma_data, noise = rng.normal({4, 2}, float64);
  for (double sigma : {0.002, 0.3, 0.5, 7.0, 80.0}) {
    const Tensor x = data + noise * sigma, f = rng.normal({4, 2}, float64);
    const double total = sigma * sigma + s2, c_skip = s2 / total, c_out = sigma * sigma_data / std::sqrt(total),
                 c_in = 1 / std::sqrt(total);
    const auto [alpha, s] = NoiseLevel::at(std::log(sigma / sigma_data));
    const Tensor ours = interpret(Prediction::velocity, -f, x * c_in, alpha, s).clean * sigma_data;
    EXPECT_LT(max(abs(ours - (x * c_skip + f * c_out))).item(), 1e-13);
    // What F is trained towards, and its weight: λ(σ) c_out² = 1.
    const Tensor target = (data - x * c_skip) * (1 / c_out);
    const Tensor v = express(Prediction::velocity, CleanAndNoise<Tensor>{data * (1 / sigma_data), noise}, alpha, s);
    EXPECT_LT(max(abs(v + target)).item(), 1e-9);
    EXPECT_NEAR((sigma * sigma + s2) / std::pow(sigma * sigma_data, 2) * c_out * c_out, 1, 1e-12);
  }
}

TEST(Diffusion, SchedulesHaveTheirPublishedValues) {
  const NoiseSchedule edm(NoiseScheduleKind::edm), linear(NoiseScheduleKind::vp_linear),
      cosine(NoiseScheduleKind::vp_cosine);
  // σ_i = (σ_max^⅐ + i/(n−1) (σ_min^⅐ − σ_max^⅐))⁷, for data of deviation ½.
  const std::vector<double> grid = edm.grid(4);
  const double high = std::pow(80.0, 1 / 7.0), low = std::pow(0.002, 1 / 7.0);
  for (int i = 0; i <= 4; ++i)
    EXPECT_NEAR(0.5 * std::exp(grid[size_t(i)]), std::pow(high + i / 4.0 * (low - high), 7), 1e-9);
  EXPECT_NEAR(edm.training_log_ratio(tensor({0.5}, {1}, float64)).item(), -1.2 - std::log(0.5), 1e-12);
  EXPECT_NEAR(NoiseLevel::at(linear.noisiest()).alpha, std::exp(-0.25 * 19.9 - 0.05), 1e-12);
  EXPECT_NEAR(NoiseLevel::at(cosine.log_ratio((0.5 - 1e-3) / (0.995 - 1e-3))).alpha,
              std::cos(std::numbers::pi / 2 * 0.508 / 1.008) / std::cos(std::numbers::pi / 2 * 0.008 / 1.008), 1e-12);
  EXPECT_NEAR(std::exp(NoiseSchedule(NoiseScheduleKind::ve).log_ratio(0.5)), std::sqrt(0.01 * 50), 1e-12);
  for (NoiseScheduleKind kind : all_schedules) {
    const std::vector<double> fine = NoiseSchedule(kind).grid(100);
    for (size_t i = 0; i + 1 < fine.size(); ++i) EXPECT_GT(fine[i], fine[i + 1]);
  }
  // Song et al. 2021, eq. 29: mean x₀ exp(−½∫β) and deviation 1 − exp(−∫β).
  const double time = 1e-3 + 0.4 * (1 - 1e-3), area = 0.1 * time + 0.5 * 19.9 * time * time;
  EXPECT_NEAR(std::exp(NoiseSchedule(NoiseScheduleKind::sub_vp).log_ratio(0.4)),
              (1 - std::exp(-area)) / std::exp(-0.5 * area), 1e-12);
  EXPECT_TRUE(contains(error_of([&] { edm.grid(0); }), "noise schedule: 0 steps: expected at least 1"));
}

// Data N(1, ½²), x̄ = 40 at σ = 80. In units of the deviation ½ that is N(2, 1) and x̄ = 80.
TEST(Diffusion, SolversHaveTheirOrderOnNormalData) {
  const NormalData data{2, 1};
  const NoiseSchedule schedule(NoiseScheduleKind::edm);
  const double top = schedule.noisiest(), alpha = NoiseLevel::at(schedule.cleanest()).alpha,
               start = 80 * NoiseLevel::at(top).alpha, exact = data.flow(start, top, schedule.cleanest());
  EXPECT_NEAR(0.5 * exact / alpha, 1.243745, 3e-6);
  auto error = [&](DiffusionSolver solver, int64_t steps) {
    const Variable x(full({1, 1}, start, float64));
    return std::abs(solve_on_grid(solver, data.denoiser(), x, schedule.grid(steps)).item() - exact) * 0.5 / alpha;
  };
  // Errors at 10, 20, 40, 80 and 160 ratios.
  const std::map<DiffusionSolver, std::array<double, 5>> known = {
      {DiffusionSolver::ddim, {6.57e-2, 3.39e-2, 1.71e-2, 8.61e-3, 4.32e-3}},
      {DiffusionSolver::heun, {5.35e-2, 1.065e-2, 2.38e-3, 5.65e-4, 1.376e-4}},
  };
  for (const auto& [solver, errors] : known)
    for (size_t i = 0; i < errors.size(); ++i) EXPECT_NEAR(error(solver, (10 << i) - 1) / errors[i], 1, 5e-3);
  for (auto [solver, order] : {std::pair{DiffusionSolver::ddim, 1.0}, std::pair{DiffusionSolver::heun, 2.0},
                               std::pair{DiffusionSolver::dpmpp_2m, 2.0}})
    for (int64_t steps : {40, 80, 160})
      EXPECT_NEAR(std::log2(error(solver, steps) / error(solver, 2 * steps)), order, 0.15) << int(solver);
}

TEST(Diffusion, TheFlowCarriesQuantilesToQuantiles) {
  const NormalData data{1.3, 0.4};
  for (NoiseScheduleKind kind : all_schedules) {
    const NoiseSchedule schedule(kind);
    const OdeField field = [&](double t, const OdeState& x) {
      return OdeState{flow_velocity(data.denoiser(), x[0], t)};
    };
    const Tensor z = tensor({-2, -0.5, 0, 1, 3}, {5, 1}, float64);
    const Tensor x = solve_ode(field, {Variable(z)}, schedule.noisiest(), schedule.cleanest(), {.tolerance = 1e-10})
                         .state[0]
                         .value();
    for (int64_t i = 0; i < 5; ++i)
      EXPECT_NEAR(x.at({i, 0}), data.flow(z.at({i, 0}), schedule.noisiest(), schedule.cleanest()), 1e-8);
  }
}

// The density by the ODE is that of what is sampled: N(0, 1) at the noisiest ratio is not quite the data's marginal there,
// and with exact denoising and exact solving what is left of log p is this, 8.5e-3 in the known example.
TEST(Diffusion, TheDensityByTheOdeIsThatOfTheSamples) {
  const NormalData data{1.3, 0.4};
  const NoiseSchedule schedule(NoiseScheduleKind::vp_linear);
  const double low = schedule.cleanest(), high = schedule.noisiest(), alpha = NoiseLevel::at(low).alpha, x = 0.9;
  const OdeField field = [&](double t, const OdeState& at) {
    const Map v = [&](const Variable& y) { return flow_velocity(data.denoiser(), y, t); };
    const auto [value, trace] = divergence(v, at[0]);
    return OdeState{value, trace};
  };
  const OdeState end = solve_ode(field, {Variable(full({1, 1}, x * alpha, float64)), Variable(zeros({1}, float64))},
                                 low, high, {.tolerance = 1e-10})
                           .state;
  const double found = log_normal(end[0].item(), 0, 1) + end[1].item() + std::log(alpha);
  const double z = data.flow(x * alpha, low, high);
  EXPECT_NEAR(end[0].item(), z, 1e-8);
  EXPECT_NEAR(found, log_normal(z, 0, 1) + 0.5 * std::log(data.variance(high) / data.variance(low)) + std::log(alpha),
              1e-7);
  EXPECT_NEAR(log_normal(x, 1.3, 0.16), -0.502648, 1e-6);
  EXPECT_NEAR(std::abs(found - -0.502648), 8.5e-3, 5e-4);
}

// With the best variance in every step, the bound of the ancestral chain on N(0, ½²) is the density itself on average, for
// any number of steps. With the forward step's variance it is below by a gap that falls as 1/T.
TEST(Diffusion, TheBoundIsTightWithTheBestVariances) {
  const NormalData data{0, 0.5};
  Rng rng(3);
  for (auto [steps, n, known] : {std::tuple{25, 250000, 0.0447}, {100, 150000, 0.011}}) {
    const Tensor x = rng.normal({n, 1}, float64) * 0.5;
    const Tensor exact = square(reshape(x, {n})) * -2.0 - 0.5 * std::log(2 * std::numbers::pi * 0.25);
    Chain chain(ddpm_grid(steps), {});
    auto expect_gap = [&](double expected, double share) {
      const Tensor gap = exact - chain.bound(data.denoiser(), x, rng);
      const double error = std::sqrt(var(gap).item() / double(n));
      EXPECT_NEAR(mean(gap).item(), expected, 4 * error + share * expected) << steps;
      EXPECT_LT(error, 0.004) << steps;
    };
    expect_gap(known, 0.1);
    for (size_t i = 0; i < chain.grid.size(); ++i) {
      // Var(x₀ | x_t) seen through the step, and the step's own noise.
      const NoiseLevel at = NoiseLevel::at(chain.grid[i]);
      const double spread = 0.25 * at.sigma * at.sigma / data.variance(chain.grid[i]);
      const Transition& q = chain.posterior[i];
      chain.model[i].noise = std::sqrt(q.noise * q.noise + q.clean * q.clean * spread);
    }
    expect_gap(0, 0);
  }
}

/// Mean and variance of what a chain samples in one dimension, where it is linear in its base sample.
std::pair<double, double> moments_of(const Chain& chain, const DenoiserAt& denoiser) {
  const Variable z = tracked(zeros({1, int64_t(chain.grid.size()) + 1}, float64));
  const Variable x = chain.push(denoiser, z);
  return {x.item(), sum(square(grad(sum(x), z))).item()};
}

TEST(Diffusion, ChainsReachTheDistributionOfTheData) {
  const NormalData data{0.7, 0.5};
  for (NoiseScheduleKind kind : all_schedules)
    for (ChainKind chain_kind : {ChainKind::ancestral, ChainKind::sde})
      for (double eta : {1.0, 0.5}) {
        const ChainSettings settings{.kind = chain_kind, .variance = ChainVariance::posterior, .eta = eta};
        double last = INFINITY;
        for (int64_t steps : {50, 200, 800}) {
          const auto [mean, variance] = moments_of(Chain(NoiseSchedule(kind).grid(steps), settings), data.denoiser());
          const double miss = std::abs(mean - 0.7) + std::abs(variance - 0.25);
          // A quarter, and the base that is not quite the data's noisiest marginal: at σ̄ = 50 there is 0.7/50 of the mean.
          EXPECT_LT(miss, 0.4 * last + (kind == NoiseScheduleKind::ve ? 0.001 : 0));
          last = miss;
        }
        EXPECT_LT(last, 0.005);
      }
}

// A noisy point of a pair by transport is not normal around its data, but the flow that is learned ends at the data all the same.
TEST(Diffusion, PairsByTransportLeadToTheData) {
  const Dataset data = load_dataset("moons", {.train_rows = 3000, .test_rows = 1000});
  for (const char* variant : {"variant=vp-cosine", "variant=consistency"}) {
    ModelConfig config = ModelConfig::make("diffusion", data, 1);
    for (const char* s : {variant, "pairing=optimal", "hidden=48", "depth=3"}) config.settings.set(s);
    Model model(config, data.train);
    Trainer(model, data, {.steps = 1500, .batch = 128, .rate = 5e-3, .ema = 0.99}).run();
    Rng rng(9);
    EXPECT_LT(energy_distance(model.sample(1000, rng), data.test).value, 0.02) << variant;
    config.settings.set("solver=ancestral");
    if (std::string(variant) == "variant=vp-cosine") {
      EXPECT_TRUE(contains(error_of([&] { Model(config, data.train); }), "pairing=optimal does not train"));
    }
  }
}

// Of less noise than DDPM's only that of q fits to the drift: whatever the variance is set to, the marginals stay.
TEST(Diffusion, LessNoiseIsThatOfThePosterior) {
  const std::vector<double> grid = NoiseSchedule(NoiseScheduleKind::vp_cosine).grid(20);
  for (double eta : {0.0, 0.3, 0.9}) {
    const Chain forward(grid, {.variance = ChainVariance::forward, .eta = eta}),
        posterior(grid, {.variance = ChainVariance::posterior, .eta = eta});
    for (size_t i = 0; i < forward.model.size(); ++i) {
      EXPECT_EQ(forward.model[i].noise, posterior.model[i].noise) << eta;
      if (i + 1 < forward.model.size()) { EXPECT_EQ(forward.model[i].noise, forward.posterior[i].noise) << eta; }
    }
  }
  EXPECT_GT(Chain(grid, {.variance = ChainVariance::forward}).model[3].noise,
            Chain(grid, {.variance = ChainVariance::posterior}).model[3].noise);
}

TEST(Diffusion, WithoutNoiseTheAncestralChainIsDdim) {
  const NormalData data{0.7, 0.5};
  Rng rng(4);
  const std::vector<double> grid = NoiseSchedule(NoiseScheduleKind::vp_cosine).grid(20);
  const Chain chain(grid, {.eta = 0});
  const Tensor z = rng.normal({6, int64_t(grid.size() + 1)}, float64);
  const Variable start(slice(z, 1, 0, 1));
  std::vector<Tensor> states;
  chain.push(data.denoiser(), Variable(z), [&](const Variable& x) { states.push_back(x.value()); });
  const Tensor expected = solve_on_grid(DiffusionSolver::ddim, data.denoiser(), start, grid).value();
  EXPECT_LT(max(abs(states[states.size() - 2] - expected)).item(), 1e-9);
  const Tensor x = rng.normal({6, 1}, float64);
  EXPECT_LT(max(abs(chain.push(data.denoiser(), Variable(chain.encode(data.denoiser(), x))).value() - x)).item(), 1e-9);
  EXPECT_TRUE(contains(error_of([&] { Chain(grid, {.eta = 1.5}); }), "eta 1.5: expected 0 to 1"));
  const DiffusionChain whole(2, {.eta = 0, .steps = 4}, rng);
  EXPECT_EQ(whole.traits().density, DensityKind::none);
  EXPECT_TRUE(contains(error_of([&] { whole.log_density(zeros({1, 2}), rng); }), "set solver=ddim"));
  EXPECT_TRUE(contains(error_of([&] { DiffusionChain(2, {.steps = 1}, rng); }), "1 noisy steps: expected at least 2"));
}

// A network as it starts, whatever it says: the solvers follow the same ODE, each ever closer, and so does the path.
TEST(Diffusion, EverySolverFollowsTheSameFlow) {
  auto model = [](DiffusionSolver solver, int64_t steps, bool exact_divergence = true) {
    Rng rng(6);
    Diffusion out(2,
                  {.denoiser = {.hidden = 16, .depth = 2, .data_deviation = 1.7},
                   .solver = solver,
                   .steps = steps,
                   .tolerance = 1e-8,
                   .exact_divergence = exact_divergence},
                  rng);
    for (Field& field : parameters_of(out)) *field.parameter = Variable(cast(field.value(), float64));
    return out;
  };
  Rng rng(7);
  const Tensor z = rng.normal({50, 2}, float64);
  const Diffusion reference = model(DiffusionSolver::dopri5, 1);
  const Tensor x = reference.push(Variable(z)).value();
  for (DiffusionSolver solver : {DiffusionSolver::heun, DiffusionSolver::ddim, DiffusionSolver::dpmpp_2m}) {
    const bool first_order = solver == DiffusionSolver::ddim;
    auto miss = [&](int64_t steps) { return max(abs(model(solver, steps).push(Variable(z)).value() - x)).item(); };
    EXPECT_LT(miss(400), first_order ? 0.1 : 2e-3) << int(solver);
    EXPECT_LT(miss(400), miss(100) / (first_order ? 3 : 10)) << int(solver);
    const std::vector<Tensor> way = model(solver, 20).path(z);
    EXPECT_EQ(way.size(), 21u);
    EXPECT_LT(max(abs(way.back() - model(solver, 20).push(Variable(z)).value())).item(), 1e-12);
  }
  // One random probe is right on average.
  const Tensor many = stack(std::vector<Tensor>(400, slice(x, 0, 0, 10)), 0), rows = reshape(many, {4000, 2});
  const Tensor estimates = reshape(model(DiffusionSolver::dopri5, 1, false).log_density(rows, rng).value, {400, 10});
  const Tensor exact = reference.log_density(slice(x, 0, 0, 10), rng).value, found = mean(estimates, 0),
               error = sqrt(var(estimates, 0) * (1 / 400.0));
  for (int64_t i = 0; i < 10; ++i) EXPECT_NEAR(found.at({i}), exact.at({i}), 5 * error.at({i}) + 1e-5);
}

// x̂₀ = (s² x̄ + r² guess)/(s² + r²) for a guess that errs by s and a point x̄ = x/α that errs by r = σ/α.
TEST(Diffusion, AGuessIsWeighedAgainstTheNoise) {
  Rng first(8), second(8);
  DenoiserSettings settings{.prediction = Prediction::clean, .hidden = 8, .depth = 1};
  const Denoiser plain(2, settings, first);
  settings.guess_deviation = 0.2;
  const Denoiser weighed(2, settings, second);
  const Tensor x = first.normal({5, 2});
  for (double r : {0.004, 0.2, 3.0, 160.0}) {
    const double s2 = 0.04, r2 = r * r, alpha = NoiseLevel::at(std::log(r)).alpha;
    const Tensor guess = plain(Variable(x), std::log(r)).clean.value();
    const Tensor expected = (x * (s2 / alpha) + guess * r2) * (1 / (s2 + r2));
    EXPECT_LT(max(abs(weighed(Variable(x), std::log(r)).clean.value() - expected)).item(), 1e-5) << r;
  }
}

// What no denoiser can know: the target's variance given x_t. For noise α²c²/(α²c² + σ²), for the clean point
// c²σ²/(α²c² + σ²), for v c²/(α²c² + σ²).
TEST(Diffusion, TrainingReachesTheLeastLoss) {
  const NormalData data{0.5, 0.8};
  for (Prediction kind : {Prediction::noise, Prediction::clean, Prediction::velocity, Prediction::score})
    for (NoiseScheduleKind schedule : {NoiseScheduleKind::edm, NoiseScheduleKind::vp_linear}) {
      Rng rng(5);
      Diffusion model(1, {.denoiser = {.schedule = schedule, .prediction = kind, .hidden = 32, .depth = 2}}, rng);
      const DenoisingMatching objective(model.denoiser());
      const std::vector<Field> parameters = parameters_of(model);
      Adam adam;
      const auto batch = [&] { return rng.normal({256, 1}) * data.c + data.m; };
      for (int step = 0; step < 700; ++step) {
        auto [loss, gradients] =
            value_and_grad(std::span<const Field>(parameters), [&] { return objective.loss(batch(), rng); });
        adam.update(parameters, gradients, step < 450 ? 5e-3 : 5e-4);
      }
      double loss = 0, least = 0;
      for (int i = 0; i < 200; ++i) loss += objective.loss(batch(), rng).item() / 200;
      const Tensor quantiles = (arange(0, 2000, 1, float64) + 0.5) * (1 / 2000.0);
      for (double ratio : NoiseSchedule(schedule).training_log_ratio(quantiles).to_vector<double>()) {
        const NoiseLevel at = NoiseLevel::at(ratio);
        const double c2 = data.c * data.c;
        // Scores are weighed by σ², which makes them noise.
        least += (kind == Prediction::noise || kind == Prediction::score ? at.alpha * at.alpha * c2
                  : kind == Prediction::clean                            ? at.sigma * at.sigma * c2
                                                                         : c2) /
                 data.variance(ratio) / 2000;
      }
      EXPECT_NEAR(loss, least, 0.03);
      // Errors of the others are divided by α or σ where those are small, and a short training leaves some.
      if (kind != Prediction::velocity) continue;
      const Tensor x = rng.normal({300, 1}) * data.c + data.m;
      double exact = 0;
      for (float v : x.to_vector<float>()) exact += log_normal(v, data.m, data.c * data.c) / 300;
      const double found = mean(model.log_density(x, rng).value).item();
      EXPECT_NEAR(found, exact, 0.01);
    }
}

}  // namespace
}  // namespace pf
