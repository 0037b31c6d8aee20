// Classifier-free guidance where its answer is known, and conditional training of diffusion and flow matching.

#include "models/guidance.h"

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/functional.h"
#include "models/diffusion/diffusion.h"
#include "models/family.h"
#include "models/flow_matching/flow_matching.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/where.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

// p(x | c) = N(0, 1), p(x) = N(0, 2²): the guided flow of the exact denoisers is linear,
//   x̄ ∝ (c² + σ̄²)^((1 + w)/2) (c_u² + σ̄²)^(−w/2),
// and takes N(0, σ̄²) of much noise to deviation c^(1 + w)/c_u^w: 0.5 for w = 1, 0.125 for w = 3. (The density
// p(x | c)^(1 + w)/p(x)^w has 0.756 and 0.555.)
constexpr double c = 1, c_without = 2;

CleanAndNoise<Variable> exact_denoiser(const Variable& x, double log_ratio, const Tensor& given) {
  const NoiseLevel at = NoiseLevel::at(log_ratio);
  const double deviation = given.at({0, given.size(1) - 1}) == 1 ? c : c_without, v = deviation * deviation;
  const Variable clean = x * (at.alpha * v / (at.alpha * at.alpha * v + at.sigma * at.sigma));
  return interpret(Prediction::clean, clean, x, at.alpha, at.sigma);
}

TEST(Guidance, TheGuidedProbabilityFlowEndsAtTheKnownDeviation) {
  const NoiseSchedule schedule(NoiseScheduleKind::edm);
  const double high = schedule.noisiest(), low = schedule.cleanest();
  const Tensor z = tensor({-2, -0.5, 1}, {3, 1}, float64), context = tensor({0.3}, {1, 1}, float64);
  for (auto [w, deviation] : {std::pair{0.0, 1.0}, {1.0, 0.5}, {3.0, 0.125}}) {
    const Guidance guidance{.width = 1, .dropout = 0.1, .weight = w};
    const DenoiserAt denoiser = guided_denoiser(exact_denoiser, guidance, guidance.rows("test", context, 3, float64));
    const OdeField field = [&](double t, const OdeState& x) {
      const Map v = [&](const Variable& at) { return flow_velocity(denoiser, at, t); };
      const auto [value, trace] = divergence(v, x[0]);
      return OdeState{value, trace};
    };
    const OdeState end =
        solve_ode(field, {Variable(z), Variable(zeros({3}, float64))}, high, low, {.tolerance = 1e-10}).state;
    auto size = [w = w](double ratio) {
      const double v = std::exp(2 * ratio);
      return std::pow(c * c + v, (1 + w) / 2) * std::pow(c_without * c_without + v, -w / 2);
    };
    const double scale = size(low) * NoiseLevel::at(low).alpha / (size(high) * NoiseLevel::at(high).alpha);
    for (int64_t i = 0; i < 3; ++i) {
      EXPECT_NEAR(end[0].value().at({i, 0}), z.at({i, 0}) * scale, 1e-7);
      EXPECT_NEAR(end[1].value().at({i}), std::log(scale), 1e-7);  // and its density is that of N(0, scale²)
    }
    EXPECT_NEAR(scale, deviation, 1e-3);
    // The samplers that step from ratio to ratio are guided by the same code.
    const Tensor heun = solve_on_grid(DiffusionSolver::heun, denoiser, Variable(z), schedule.grid(400)).value();
    EXPECT_NEAR(heun.at({0, 0}), z.at({0, 0}) * scale, 1e-3);
  }
}

// The same by flow matching, whose variances are (1 − t)² + t² c²: both are 1 at t = 0, and the deviations are exact.
TEST(Guidance, TheGuidedVelocityEndsAtTheKnownDeviation) {
  auto velocity = [](const Variable& x, double t, double deviation) {
    const double v = deviation * deviation;
    return x * ((t * v - (1 - t)) / ((1 - t) * (1 - t) + t * t * v));
  };
  for (auto [w, deviation] : {std::pair{1.0, 0.5}, {3.0, 0.125}}) {
    const Guidance guidance{.width = 1, .dropout = 0.1, .weight = w};
    const OdeField field = [&](double t, const OdeState& x) {
      return OdeState{guidance.mix(velocity(x[0], t, c), velocity(x[0], t, c_without))};
    };
    const Tensor z = tensor({-2, 1}, {2, 1}, float64);
    const Tensor x = solve_ode(field, {Variable(z)}, 0, 1, {.tolerance = 1e-10}).state[0].value();
    EXPECT_NEAR(x.at({0, 0}), -2 * deviation, 1e-8);
    EXPECT_NEAR(x.at({1, 0}), deviation, 1e-8);
  }
}

TEST(Guidance, RowsSayWhetherThereIsACondition) {
  const Guidance guidance{.width = 2, .dropout = 0.25, .weight = 0};
  const Tensor context = tensor({0, 5}, {1, 2});
  EXPECT_EQ(guidance.inputs(), 3);
  EXPECT_EQ(guidance.rows("test", context, 1, float32).to_vector<float>(), (std::vector<float>{0, 5, 1}));
  EXPECT_EQ(guidance.null_rows(1, float32).to_vector<float>(), (std::vector<float>{0, 0, 0}));
  Rng rng(1);
  const Tensor rows = guidance.training_rows("test", context, 10000, float32, rng);
  const double kept = mean(slice(rows, 1, 2, 3)).item();
  EXPECT_NEAR(kept, 0.75, 0.02);
  EXPECT_NEAR(mean(slice(rows, 1, 1, 2)).item(), 5 * kept, 1e-3);
  EXPECT_EQ((Guidance{.width = 2}.inputs()), 2);
  EXPECT_FALSE(Guidance{}.rows("test", {}, 4, float32).defined());
  for (const char* name : {"diffusion", "flow-matching"}) {
    const Family& f = family(name);
    Settings settings(f.name, f.settings);
    settings.set("guidance=2");
    EXPECT_EQ(error_of([&] { f.build(settings, {.width = 2}, rng); }),
              "guidance 2: the model has no condition to be guided by; train it with one, or leave guidance at 0");
    settings.set("label-dropout=0");
    EXPECT_EQ(error_of([&] { f.build(settings, {.width = 2, .context = 3}, rng); }),
              "guidance 2: the model never learns without its condition; set label-dropout=0.1");
  }
}

/// A model of the family with parameters that make the condition matter, in double precision.
Built built_for(const char* name, const std::vector<std::string>& assignments) {
  const Family& f = family(name);
  Settings settings(f.name, f.settings);
  for (const std::string& a : assignments) settings.set(a);
  Rng rng(2);
  Built built = f.build(settings, {.width = 2, .context = 2}, rng);
  for (Field& field : parameters_of(*built.transform))
    *field.parameter = Variable(cast(field.value() + rng.normal(field.value().shape()) * 0.2, float64));
  return built;
}

TEST(Guidance, ModelsMixTheirAnswers) {
  const Built built = built_for("flow-matching", {"variant=independent", "hidden=16", "depth=2", "guidance=1.5",
                                                  "solver=euler", "solver-steps=1"});
  const auto& model = dynamic_cast<const FlowMatching&>(*built.transform);
  Rng rng(3);
  const Tensor z = rng.normal({5, 2}, float64), context = rng.normal({5, 2}, float64);
  const Tensor rows = concat(std::vector<Tensor>{context, ones({5, 1}, float64)}, 1);
  const Variable given = model.velocity()(Variable(z), 0.0, rows),
                 without = model.velocity()(Variable(z), 0.0, zeros({5, 3}, float64));
  const Tensor expected = z + (given * 2.5 - without * 1.5).value();
  EXPECT_LT(max(abs(model.push(Variable(z), context).value() - expected)).item(), 1e-12);
  EXPECT_GT(max(abs(given.value() - without.value())).item(), 0.01);
}

// Inverse and density are those of the guided flow that samples come from. Without waves: an untrained net of theirs bends
// faster than the steps of a sample can follow.
TEST(Guidance, GuidedModelsHaveTheDensityOfTheirSamples) {
  for (const char* name : {"flow-matching", "diffusion"}) {
    const Built built = built_for(name, {"hidden=16", "depth=2", "waves=0", "guidance=1.5", "tolerance=1e-8"});
    const Transform& map = *built.transform;
    Rng rng(4);
    const Tensor z = rng.normal({6, 2}, float64), context = rng.normal({6, 2}, float64);
    const Tensor x = map.push(Variable(z), context).value();
    EXPECT_LT(max(abs(map.pull(Variable(x), context).value() - z)).item(), 1e-4) << name;
    const Tensor jacobian = batch_jacobian([&](const Variable& v) { return map.push(v, context); }, z);
    const Tensor expected = map.base().log_density(Variable(z)).value() - slogdet(jacobian).log_abs;
    EXPECT_LT(max(abs(map.log_density(x, rng, context).value - expected)).item(), 1e-4) << name;
  }
}

// Classes N(∓1, 0.3²) in one dimension. With pairs by optimal transport over the whole batch, the left class would only
// ever see noise from the left, and its samples from all noise would be too wide.
TEST(Guidance, EveryVariantLearnsItsConditions) {
  struct Case {
    const char *family, *variant;
  };
  for (const Case& one :
       {Case{"flow-matching", "variant=ot"}, {"flow-matching", "variant=mean-flow"}, {"diffusion", "variant=edm"}}) {
    const Family& f = family(one.family);
    Settings settings(f.name, f.settings);
    for (const char* a : {one.variant, "hidden=32", "depth=2"}) settings.set(a);
    Rng rng(5);
    Built built = f.build(settings, {.width = 1, .context = 2}, rng);
    const std::vector<Field> parameters = parameters_of(*built.transform);
    Adam adam;
    for (int step = 0; step < 500; ++step) {
      const Tensor right = cast(rng.uniform({128, 1}) < 0.5, float32);
      const Tensor x = right * 2.0 - 1.0 + rng.normal({128, 1}) * 0.3;
      const Tensor context = concat(std::vector<Tensor>{1.0 - right, right}, 1);
      auto [loss, gradients] =
          value_and_grad(std::span<const Field>(parameters), [&] { return built.objective->loss(x, rng, context); });
      adam.update(parameters, gradients, step < 350 ? 5e-3 : 5e-4);
    }
    const Variable z(rng.normal({2000, 1}));
    for (double side : {-1.0, 1.0}) {
      const Tensor x = built.transform->push(z, tensor({side < 0 ? 1.0 : 0.0, side > 0 ? 1.0 : 0.0}, {1, 2})).value();
      EXPECT_NEAR(mean(x).item(), side, 0.06) << one.family << ' ' << one.variant;
      EXPECT_NEAR(std::sqrt(var(x).item()), 0.3, 0.06) << one.family << ' ' << one.variant;
    }
  }
}

}  // namespace
}  // namespace pf
