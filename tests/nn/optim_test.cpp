// Optimisers against steps computed by hand, in double precision, and what they promise about memory and bits.

#include <algorithm>
#include <cmath>

#include "autograd/autograd.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/ema.h"
#include "nn/optim/schedule.h"
#include "nn/optim/sgd.h"
#include "tensor/ops/trigonometric.h"
#include "tensor/random.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

/// Parameters of several lengths, so that vectors and what is left over are both tried.
struct Weights {
  Variable matrix = reshape(linspace(-2, 2, 21, float64), {3, 7});
  Variable vector = linspace(0.1, 1, 5, float64);
  static void fields(auto& self, auto&& visit) {
    visit("matrix", self.matrix);
    visit("vector", self.vector);
  }
};

/// What one number becomes by the given rule: the same, in plain arithmetic.
template <class Rule> void expect_steps(Optimizer& optimizer, double rate, int steps, Rule rule) {
  Weights module;
  const std::vector<Field> parameters = parameters_of(module);
  std::vector<std::vector<double>> expected;
  for (const Field& field : parameters) expected.push_back(field.value().to_vector<double>());
  std::vector<std::vector<std::array<double, 2>>> slots;
  for (const auto& values : expected) slots.emplace_back(values.size());
  for (int step = 1; step <= steps; ++step) {
    // d/dp Σ (sin p + step p²)
    auto objective = [&] {
      return sum(sin(module.matrix) + square(module.matrix) * double(step)) +
             sum(sin(module.vector) + square(module.vector) * double(step));
    };
    optimizer.update(parameters, value_and_grad(parameters, objective).gradients, rate);
    for (size_t i = 0; i < expected.size(); ++i)
      for (size_t k = 0; k < expected[i].size(); ++k) {
        double& p = expected[i][k];
        rule(p, std::cos(p) + 2 * step * p, slots[i][k], step, i);
      }
    for (size_t i = 0; i < expected.size(); ++i) {
      const auto found = parameters[i].value().to_vector<double>();
      for (size_t k = 0; k < found.size(); ++k)
        ASSERT_NEAR(found[k], expected[i][k], 1e-12) << parameters[i].path << "[" << k << "] after step " << step;
    }
  }
}

using Slots = std::array<double, 2>;

TEST(Sgd, Plain) {
  Sgd sgd;
  expect_steps(sgd, 0.05, 5, [](double& p, double g, Slots&, int, size_t) { p -= 0.05 * g; });
}
TEST(Sgd, WeightDecay) {
  Sgd sgd({.weight_decay = 0.1});
  expect_steps(sgd, 0.05, 5, [](double& p, double g, Slots&, int, size_t) { p -= 0.05 * (g + 0.1 * p); });
}
TEST(Sgd, Momentum) {
  Sgd sgd({.momentum = 0.9});
  expect_steps(sgd, 0.02, 6, [](double& p, double g, Slots& s, int, size_t) { p -= 0.02 * (s[0] = 0.9 * s[0] + g); });
}
TEST(Sgd, Nesterov) {
  Sgd sgd({.momentum = 0.9, .nesterov = true, .weight_decay = 0.01});
  expect_steps(sgd, 0.02, 6, [](double& p, double g, Slots& s, int, size_t) {
    g += 0.01 * p;
    s[0] = 0.9 * s[0] + g;
    p -= 0.02 * (g + 0.9 * s[0]);
  });
}
void adam_rule(double& p, double g, Slots& s, int t, double rate, double decay, bool decoupled) {
  if (!decoupled) g += decay * p;
  s[0] = 0.9 * s[0] + 0.1 * g;
  s[1] = 0.999 * s[1] + 0.001 * g * g;
  const double mean = s[0] / (1 - std::pow(0.9, t)), square = s[1] / (1 - std::pow(0.999, t));
  if (decoupled) p -= rate * decay * p;
  p -= rate * mean / (std::sqrt(square) + 1e-8);
}
TEST(Adam, Plain) {
  Adam adam;
  expect_steps(adam, 0.1, 20,
               [](double& p, double g, Slots& s, int t, size_t) { adam_rule(p, g, s, t, 0.1, 0, true); });
}
TEST(Adam, DecayThroughTheGradient) {
  Adam adam({.weight_decay = 0.1, .decoupled = false});
  expect_steps(adam, 0.1, 20,
               [](double& p, double g, Slots& s, int t, size_t) { adam_rule(p, g, s, t, 0.1, 0.1, false); });
}
TEST(Adam, DecayOfTheWeights) {
  Adam adam({.weight_decay = 0.1});
  expect_steps(adam, 0.1, 20,
               [](double& p, double g, Slots& s, int t, size_t) { adam_rule(p, g, s, t, 0.1, 0.1, true); });
}
TEST(Adam, DecayOfMatricesOnly) {
  Adam adam({.weight_decay = 0.1, .decay_vectors = false});
  expect_steps(adam, 0.1, 20, [](double& p, double g, Slots& s, int t, size_t i) {
    adam_rule(p, g, s, t, 0.1, i == 0 ? 0.1 : 0, true);
  });
}
TEST(Adam, TheFirstStepIsTheRateWhateverTheSizeOfTheGradient) {
  for (double size : {1e-6, 1.0, 1e6}) {
    Weights module;
    const std::vector<Field> parameters = parameters_of(module);
    Adam({.epsilon = 0}).update(parameters, {{full({3, 7}, size, float64), full({5}, -size, float64)}}, 0.25);
    EXPECT_NEAR(module.matrix.value().at({0, 0}), -2.25, 1e-12);
    EXPECT_NEAR(module.vector.value().at({0}), 0.35, 1e-12);
  }
}
// The first steps of Adam on f(p) = p², from p = 1 with rate 0.1, by a calculation with 60 digits.
struct One {
  Variable p = ones({}, float64);
  static void fields(auto& self, auto&& visit) { visit("p", self.p); }
};
TEST(Adam, ReferenceSequence) {
  One module;
  const std::vector<Field> parameters = parameters_of(module);
  Adam adam;
  for (double expected : {0.900000000499999992, 0.800412228691792134, 0.701586272946029528, 0.603939060573744817,
                          0.507963659264340649, 0.414236455993660575, 0.323420704939100468}) {
    adam.update(parameters, value_and_grad(parameters, [&] { return square(module.p); }).gradients, 0.1);
    EXPECT_NEAR(module.p.item(), expected, 1e-14);
  }
}

struct Floats {
  Variable p = linspace(-1, 1, 37);
  static void fields(auto& self, auto&& visit) { visit("p", self.p); }
};
Gradients gradients_of(Floats& module) {
  return value_and_grad(module, [&] { return sum(square(sin(module.p * 3.0))); }).gradients;
}

TEST(Adam, FloatsStayNearDoubles) {
  Floats narrow;
  auto wide = cast_module(narrow, float64);
  Adam a, b;
  for (int i = 0; i < 50; ++i) {
    a.update(parameters_of(narrow), gradients_of(narrow), 0.01);
    b.update(parameters_of(wide), gradients_of(wide), 0.01);
  }
  const auto x = narrow.p.value().to_vector<float>();
  const auto y = wide.p.value().to_vector<double>();
  for (size_t i = 0; i < x.size(); ++i) EXPECT_NEAR(x[i], y[i], 2e-4);
}

TEST(Optimizer, WritesInPlaceUnlessSomebodyLooks) {
  Floats module;
  const std::vector<Field> parameters = parameters_of(module);
  Adam adam;
  module.p = Variable(copy(module.p.value()));
  adam.update(parameters, gradients_of(module), 0.01);
  const void* memory = module.p.value().raw();
  adam.update(parameters, gradients_of(module), 0.01);
  EXPECT_EQ(module.p.value().raw(), memory);

  const Floats snapshot = module;
  const std::vector<float> before = snapshot.p.value().to_vector<float>();
  adam.update(parameters, gradients_of(module), 0.01);
  EXPECT_NE(module.p.value().raw(), memory);
  EXPECT_EQ(snapshot.p.value().to_vector<float>(), before);
  EXPECT_NE(module.p.value().to_vector<float>(), before);
}

TEST(Optimizer, StridedAndRepeatedGradients) {
  Weights module;
  const std::vector<Field> parameters = parameters_of(module);
  Gradients gradients{{transpose(reshape(linspace(0, 20, 21, float64), {7, 3})), expand(ones({1}, float64), {5})}};
  Sgd().update(parameters, gradients, 1);
  EXPECT_NEAR(module.matrix.value().at({1, 2}), -2 + 9 * 0.2 - 7, 1e-12);
  EXPECT_NEAR(module.vector.value().at({4}), 0, 1e-12);
}

TEST(Optimizer, ContinuesFromItsState) {
  for (int kind = 0; kind < 3; ++kind) {
    auto make = [&]() -> std::unique_ptr<Optimizer> {
      if (kind == 0) return std::make_unique<Adam>(AdamOptions{.weight_decay = 0.01});
      return std::make_unique<Sgd>(SgdOptions{.momentum = kind == 1 ? 0.9 : 0});
    };
    for (int before : {0, 3}) {
      Floats module;
      const std::vector<Field> parameters = parameters_of(module);
      auto optimizer = make();
      for (int i = 0; i < before; ++i) optimizer->update(parameters, gradients_of(module), 0.01);
      Floats resumed = module;
      const std::vector<Field> resumed_parameters = parameters_of(resumed);
      const NamedTensors state = optimizer->state(parameters);
      auto other = make();
      other->load_state(resumed_parameters, state);
      for (int i = 0; i < 4; ++i) {
        optimizer->update(parameters, gradients_of(module), 0.01);
        other->update(resumed_parameters, gradients_of(resumed), 0.01);
      }
      EXPECT_TRUE(module_equal(module, resumed)) << kind << " after " << before;
    }
  }
  Floats module;
  Adam adam;
  adam.update(parameters_of(module), gradients_of(module), 0.01);
  NamedTensors state = adam.state(parameters_of(module));
  ASSERT_EQ(state.tensors.size(), 3u);
  EXPECT_EQ(state.tensors[0].first, "adam.steps");
  EXPECT_EQ(state.tensors[1].first, "adam.mean.p");
  EXPECT_EQ(state.tensors[2].first, "adam.square.p");
  state.tensors[1].second = zeros({3});
  EXPECT_EQ(error_of([&] { adam.load_state(parameters_of(module), state); }),
            "adam.mean.p: [3] float32: expected [37] float32");
}

TEST(Optimizer, ErrorsNameTheParameter) {
  Weights module;
  const std::vector<Field> parameters = parameters_of(module);
  Adam adam;
  EXPECT_EQ(error_of([&] {
              adam.update(parameters, {{zeros({3, 7}, float64)}}, 0.1);
            }),
            "adam: 1 gradients for 2 parameters: expected those of the same list");
  EXPECT_EQ(error_of([&] {
              adam.update(parameters, {{zeros({3, 7}, float64), zeros({5})}}, 0.1);
            }),
            "adam: gradient [5] float32 for `vector` [5] float64: expected the same");
  EXPECT_EQ(error_of([] { Sgd({.momentum = 1}); }), "sgd: momentum 1: expected 0 or more, below 1");
}

TEST(Clip, ScalesToTheNorm) {
  Gradients gradients{{full({3}, 2), full({2, 2}, -1, float64)}};
  EXPECT_DOUBLE_EQ(global_norm(gradients), 4);
  double norm = 0;
  Gradients clipped = clip_by_norm(gradients, 2, &norm);
  EXPECT_EQ(norm, 4);
  EXPECT_EQ(clipped.list[0].to_vector<float>(), (std::vector<float>{1, 1, 1}));
  EXPECT_EQ(clipped.list[1].to_vector<double>(), (std::vector<double>{-0.5, -0.5, -0.5, -0.5}));
  EXPECT_EQ(gradients.list[0].to_vector<float>(), (std::vector<float>{2, 2, 2}));
  EXPECT_EQ(clip_by_norm(gradients, 5).list[0].to_vector<float>(), (std::vector<float>{2, 2, 2}));
  Rng rng(1);
  const Tensor long_one = rng.normal({12345});
  double exact = 0;
  for (float x : long_one.to_vector<float>()) exact += double(x) * x;
  EXPECT_NEAR(global_norm({{long_one}}), std::sqrt(exact), 1e-5);
  EXPECT_EQ(global_norm({}), 0);
}

TEST(Clip, RefusesWhatIsNotFinite) {
  EXPECT_TRUE(contains(error_of([] { clip_by_norm({{full({3}, NAN)}}, 1); }),
                       "clip_by_norm: the norm of the gradients is nan"));
  EXPECT_TRUE(contains(error_of([] { clip_by_norm({{full({3}, INFINITY)}}, 1); }),
                       "clip_by_norm: the norm of the gradients is inf"));
}

TEST(Schedule, Shapes) {
  const Schedule constant{.rate = 2, .warmup = 4};
  EXPECT_DOUBLE_EQ(constant(0), 0.5);
  EXPECT_DOUBLE_EQ(constant(3), 2);
  EXPECT_DOUBLE_EQ(constant(1000), 2);
  const Schedule cosine{.kind = ScheduleKind::cosine, .rate = 1, .warmup = 10, .total = 110, .final_rate = 0.1};
  EXPECT_DOUBLE_EQ(cosine(9), 1);
  EXPECT_DOUBLE_EQ(cosine(10), 1);
  EXPECT_DOUBLE_EQ(cosine(60), 0.55);
  EXPECT_NEAR(cosine(35), 0.1 + 0.9 * (1 + std::sqrt(0.5)) / 2, 1e-15);
  EXPECT_DOUBLE_EQ(cosine(110), 0.1);
  EXPECT_DOUBLE_EQ(cosine(500), 0.1);
  const Schedule linear{.kind = ScheduleKind::linear, .rate = 1, .total = 100};
  EXPECT_DOUBLE_EQ(linear(25), 0.75);
  EXPECT_DOUBLE_EQ(linear(100), 0);
  const Schedule step{.kind = ScheduleKind::step, .rate = 1, .every = 10, .factor = 0.5};
  EXPECT_DOUBLE_EQ(step(9), 1);
  EXPECT_DOUBLE_EQ(step(10), 0.5);
  EXPECT_DOUBLE_EQ(step(25), 0.25);
  EXPECT_TRUE(contains(error_of([] { Schedule{.kind = ScheduleKind::cosine}(1); }), "schedule: 0 steps in all"));
}

TEST(Schedule, Names) {
  for (ScheduleKind kind : {ScheduleKind::constant, ScheduleKind::cosine, ScheduleKind::linear, ScheduleKind::step})
    EXPECT_EQ(parse_schedule(to_string(kind)), kind);
  EXPECT_TRUE(contains(error_of([] { parse_schedule("cosin"); }), "did you mean 'cosine'?"));
}

TEST(Ema, FollowsTheFormula) {
  Weights module;
  const std::vector<Field> fields = fields_of(module);
  Ema ema(fields, 0.9);
  double expected = module.matrix.value().at({0, 0});
  for (int n = 0; n < 200; ++n) {
    const double value = std::sin(n);
    module.matrix = Variable(full({3, 7}, value, float64));
    ema.update(fields);
    const double decay = std::min(0.9, (1.0 + n) / (10.0 + n));
    expected = decay * expected + (1 - decay) * value;
    ASSERT_NEAR(ema.averaged(module).matrix.value().at({0, 0}), expected, 1e-12) << n;
  }
  EXPECT_EQ(module.matrix.value().at({0, 0}), std::sin(199));
  ema.swap(fields);
  EXPECT_NEAR(module.matrix.value().at({0, 0}), expected, 1e-12);
  ema.swap(fields);
  EXPECT_EQ(module.matrix.value().at({0, 0}), std::sin(199));
}

struct Buffered {
  Variable p = zeros({3});
  Tensor buffer = zeros({2});
  static void fields(auto& self, auto&& visit) {
    visit("p", self.p);
    visit("buffer", self.buffer);
  }
};
TEST(Ema, ContinuesFromItsStateAndTakesBuffersOver) {
  Buffered module;
  const std::vector<Field> fields = fields_of(module);
  Ema ema(fields, 0.5, false);
  module.p = Variable(ones({3}));
  module.buffer = full({2}, 7);
  ema.update(fields);
  EXPECT_EQ(ema.averaged(module).p.value().to_vector<float>(), (std::vector<float>{0.5, 0.5, 0.5}));
  EXPECT_EQ(ema.averaged(module).buffer.to_vector<float>(), (std::vector<float>{7, 7}));
  Ema other(fields, 0.5, false);
  other.load_state(fields, ema.state(fields));
  EXPECT_EQ(other.updates(), 1);
  ema.update(fields);
  other.update(fields);
  EXPECT_TRUE(module_equal(ema.averaged(module), other.averaged(module)));
  EXPECT_EQ(ema.averaged(module).p.value().to_vector<float>(), (std::vector<float>{0.75, 0.75, 0.75}));
}

}  // namespace
}  // namespace pf
