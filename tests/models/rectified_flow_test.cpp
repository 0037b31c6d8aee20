// Rectified flow: what a reflow does to the paths between two Gaussians, and that a training in stages resumes bit for bit.

#include "models/flow_matching/rectified_flow.h"

#include <gtest/gtest.h>

#include "models/metrics/path_energy.h"
#include "models/train.h"
#include "nn/data/synthetic.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "nn/optim/ema.h"
#include "nn/state.h"
#include "tests/models/lattice.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

// N(0, 1) → N(1, 1): independent pairs have the straightness 2 − π/2 = 0.429 (Z1), and after one reflow it is 0.
TEST(RectifiedFlow, OneReflowMakesThePathsStraight) {
  Rng rng(1);
  FlowMatching model(1, {.hidden = 32, .depth = 2, .keeps_teacher = true}, rng);
  Rectification objective(model, 1);
  EXPECT_EQ(objective.stages(), 2);
  const std::vector<Field> parameters = parameters_of(model);
  Adam adam;
  Ema ema(parameters, 0.99);
  const Tensor starts = cast(normal_quantiles(400), float32);
  auto straightness = [&] {
    const OdeField field = [&](double t, const OdeState& x) { return OdeState{model.velocity()(x[0], t)}; };
    return path_energy(field, starts, {.method = OdeMethod::rk4, .steps = 40}).straightness.value;
  };
  for (int stage = 0; stage < 2; ++stage) {
    if (stage == 1) objective.begin_stage(1);
    for (int step = 0; step < 700; ++step) {
      auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters), [&] {
        return objective.loss(rng.normal({256, 1}) + 1.0, rng);
      });
      adam.update(parameters, gradients, step < 500 ? 1e-2 : 5e-4);
      ema.update(parameters);
    }
    ema.store(parameters);
    const double found = straightness();
    if (stage == 0) {
      EXPECT_NEAR(found, 0.429, 0.05);
    } else {
      EXPECT_LT(found, 0.02);
    }
  }
  // The points are where they were, and one step of Euler's method leads there.
  const Variable one_step = Variable(starts) + model.velocity()(Variable(starts), 0.0);
  EXPECT_LT(mean(abs(one_step.value() - (starts + 1.0))).item(), 0.05);
}

TEST(RectifiedFlow, StagesResumeToTheSameBits) {
  testing::TemporaryFolder folder;
  Rng rng(2);
  const Dataset data{.name = "moons", .train = sample_2d("moons", 500, rng), .test = sample_2d("moons", 50, rng)};
  ModelConfig config = ModelConfig::make("flow-matching", data, 3);
  for (const char* a : {"variant=rectified", "reflows=2", "pair-steps=3", "hidden=16", "depth=2"})
    config.settings.set(a);
  const TrainOptions options{.steps = 24, .batch = 32, .rate = 5e-3, .warmup = 2, .ema = 0.9, .picture_every = 100};
  auto train = [&](const std::string& dir, bool resume, int64_t stop_after) {
    Model model(config, data.train);
    int64_t steps = 0;
    Trainer(model, data, options, dir, resume).run({}, [&] { return ++steps == stop_after; });
    return model;
  };
  const Model whole = train(folder / "whole", false, 0);
  // Stopped right before a stage begins, in the middle of one, and in the last.
  train(folder / "parts", false, 8);
  train(folder / "parts", true, 4);
  train(folder / "parts", true, 6);
  const Model parts = train(folder / "parts", true, 0);
  const NamedTensors a = state_dict(whole.transform()), b = state_dict(parts.transform());
  bool taught = false;
  for (const auto& [name, value] : a.tensors) {
    if (value.dtype() == float32) {
      EXPECT_EQ(value.to_vector<float>(), b.at(name).to_vector<float>()) << name;
    } else {
      EXPECT_EQ(value.item(), 2) << name;
      EXPECT_EQ(b.at(name).item(), 2) << name;
      taught = true;
    }
  }
  EXPECT_TRUE(taught);
}

// The same network, once as the velocity and once as the data that a path leads to.
TEST(FlowMatching, AFieldThatSaysTheDataLeadsThere) {
  for (double t : {0.0, 0.3, 0.99}) {
    Rng one(1), other(1), points(2);
    const VelocityField velocity(2, 16, 2, 0, one),
        data(2, 16, 2, 0, other, 0, Activation::silu, 0, FieldPrediction::data);
    const Variable x(points.normal({5, 2}));
    const Tensor said = velocity(x, t).value(), expected = (said - x.value()) / std::max(1 - t, 0.05);
    EXPECT_LT(max(abs(data(x, t).value() - expected)).item(), 1e-5 * max(abs(expected)).item());
  }
}

}  // namespace
}  // namespace pf
