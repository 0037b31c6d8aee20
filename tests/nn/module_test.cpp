#include "nn/module.h"

#include "autograd/autograd.h"
#include "nn/gradients.h"
#include "nn/mlp.h"
#include "nn/state.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

struct Scale {
  Variable factor = full({2}, 1.5);
  Tensor offset = zeros({2});
  static void fields(auto& self, auto&& visit) {
    visit("factor", self.factor);
    visit("offset", self.offset);
  }
};

struct Map {
  virtual ~Map() = default;
  virtual Variable operator()(const Variable& x) const = 0;
  virtual void visit_fields(const std::string& name, FieldVisitor& visitor) = 0;
  virtual void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const = 0;
};
struct ScaleMap final : Implements<ScaleMap, Map> {
  Scale scale;
  Variable operator()(const Variable& x) const override { return x * scale.factor; }
  static void fields(auto& self, auto&& visit) { visit("scale", self.scale); }
};

struct Everything {
  std::vector<Scale> list = std::vector<Scale>(2);
  std::array<Variable, 2> pair = {ones({1}), ones({1})};
  std::optional<Scale> absent, present = Scale{};
  std::variant<Scale, Variable> either = Variable(ones({3}));
  std::unique_ptr<Map> hidden = std::make_unique<ScaleMap>();
  Variable no_bias;
  static void fields(auto& self, auto&& visit) {
    visit("list", self.list);
    visit("pair", self.pair);
    visit("absent", self.absent);
    visit("present", self.present);
    visit("either", self.either);
    visit("hidden", self.hidden);
    visit("no_bias", self.no_bias);
  }
};

template <class Fields> std::vector<std::string> paths(const Fields& fields) {
  std::vector<std::string> out;
  for (const auto& field : fields) out.push_back(field.path);
  return out;
}

TEST(Module, FieldsAreFoundInEveryKindOfContainer) {
  Everything module;
  const std::vector<std::string> expected = {"list.0.factor",
                                             "list.0.offset",
                                             "list.1.factor",
                                             "list.1.offset",
                                             "pair.0",
                                             "pair.1",
                                             "present.factor",
                                             "present.offset",
                                             "either",
                                             "hidden.scale.factor",
                                             "hidden.scale.offset"};
  EXPECT_EQ(paths(fields_of(module)), expected);
  EXPECT_EQ(paths(fields_of(std::as_const(module))), expected);
  EXPECT_EQ(count_parameters(module), 2 + 2 + 1 + 1 + 2 + 3 + 2);
  EXPECT_EQ(paths(parameters_of(module, "list.1")), std::vector<std::string>{"list.1.factor"});
  EXPECT_EQ(paths(parameters_of(module, "pair.1")), std::vector<std::string>{"pair.1"});
  EXPECT_EQ(error_of([&] { parameters_of(module, "lis"); }), "parameters_of: there is no parameter below `lis`");
}

TEST(Module, PrintsAsATree) {
  Rng rng(1);
  EXPECT_EQ(to_string(Mlp({3, 100, 2}, rng, {.layer_norm = true})),
            "Mlp\n"
            "  layers.0: Linear\n"
            "    weight [100, 3]\n"
            "    bias [100]\n"
            "  layers.1: Linear\n"
            "    weight [2, 100]\n"
            "    bias [2]\n"
            "  norms.0: LayerNorm\n"
            "    weight [100]\n"
            "    bias [100]\n"
            "802 parameters\n");
  EXPECT_TRUE(contains(to_string(cast_module(Scale{}, float64)), "  offset [2] float64 (buffer)\n"));
  EXPECT_TRUE(contains(to_string(Mlp({1000, 1233, 1}, rng)), "1,235,467 parameters"));
}

TEST(Module, CastsParametersAndBuffersOfACopy) {
  const Scale module;
  const Scale wide = cast_module(module, float64);
  EXPECT_EQ(wide.factor.dtype(), float64);
  EXPECT_EQ(wide.offset.dtype(), float64);
  EXPECT_EQ(module.factor.dtype(), float32);
  EXPECT_FALSE(module_equal(module, wide));
  EXPECT_TRUE(module_equal(module, cast_module(wide, float32)));
}

TEST(Module, ErrorsSayWhere) {
  Rng rng(1);
  struct Outer {
    Mlp decoder;
    Variable operator()(const Variable& x) const {
      return within("decoder", [&] { return decoder(x); });
    }
  };
  const Outer outer{Mlp({3, 4, 4, 2}, rng)};
  EXPECT_TRUE(contains(error_of([&] { outer(zeros({5, 7})); }), "in decoder.layers.0: linear: "));
}

TEST(State, LoadsOnlyWhatFits) {
  Rng rng(1);
  Mlp module({3, 4, 2}, rng);
  const Mlp before = module;
  auto loading = [&](const NamedTensors& state) { return error_of([&] { load_state(module, state); }); };

  NamedTensors missing = state_dict(module);
  missing.tensors.pop_back();
  EXPECT_EQ(loading(missing), "load: `layers.1.bias` [2] of the model is missing");
  NamedTensors unexpected = state_dict(module);
  unexpected.add("layer.1.bias", zeros({2}));
  EXPECT_EQ(loading(unexpected),
            "load: `layer.1.bias` [2]: the model has no such field; did you mean 'layers.1.bias'?");
  NamedTensors shape = state_dict(module);
  shape.tensors[2].second = zeros({2, 5});
  EXPECT_EQ(loading(shape), "load: `layers.1.weight` is [2, 5] float32: the model's is [2, 4] float32");
  NamedTensors type = state_dict(module);
  type.tensors[0].second = zeros({4, 3}, float64);
  EXPECT_EQ(loading(type), "load: `layers.0.weight` is [4, 3] float64: the model's is [4, 3] float32");
  EXPECT_TRUE(module_equal(module, before));

  Mlp other({3, 4, 2}, rng);
  EXPECT_FALSE(module_equal(other, module));
  load_state(other, state_dict(module));
  EXPECT_TRUE(module_equal(other, module));
}

TEST(Gradients, ParametersAreConstantsOutside) {
  Rng rng(1);
  Mlp module({3, 4, 2}, rng);
  const Tensor x = rng.normal({5, 3});
  EXPECT_FALSE(module(x).tracked());
  auto [loss, gradients] = value_and_grad(module, [&] {
    EXPECT_TRUE(module(x).tracked());
    return mean(module(x));
  });
  EXPECT_EQ(gradients.list.size(), 4u);
  EXPECT_FALSE(module(x).tracked());
  EXPECT_NEAR(loss.item(), mean(module(x)).item(), 1e-7);
  EXPECT_NEAR(gradients.list[3].at({0}), 0.5, 1e-6);
  EXPECT_EQ(error_of([&] { value_and_grad(module, [&]() -> Variable { fail("a failure inside"); }); }),
            "a failure inside");
  for (const Field& field : fields_of(module)) EXPECT_FALSE(field.parameter->tracked()) << field.path;
}

TEST(Gradients, AnIdleParameterIsNamed) {
  Rng rng(1);
  Mlp module({3, 4, 2}, rng);
  const Tensor x = rng.normal({5, 3});
  auto first_layer_only = [&] { return sum(module.layers[0](x)); };
  EXPECT_TRUE(contains(error_of([&] { value_and_grad(module, first_layer_only); }),
                       "`layers.1.weight` [2, 4] does not influence"));
  auto [loss, gradients] = value_and_grad(module, first_layer_only, {}, {.allow_unused = true});
  EXPECT_EQ(gradients.list[2].to_vector<float>(), std::vector<float>(8, 0));
  auto part = value_and_grad(module, first_layer_only, "layers.0");
  EXPECT_EQ(part.gradients.list.size(), 2u);
}

TEST(Gradients, OfGradients) {
  Rng rng(1);
  Mlp critic({2, 8, 1}, rng, {.activation = Activation::tanh});
  critic = cast_module(critic, float64);
  const std::vector<Field> parameters = parameters_of(critic);
  const Tensor x = rng.normal({6, 2}, float64);
  auto penalty = [&] {
    const Variable at = tracked(x);
    const Variable slope = recorded_grad(sum(critic(at)), at);
    return mean(square(sqrt(sum(square(slope), 1)) - 1.0));
  };
  Gradients found;
  {
    TrackParameters tracking(parameters);
    const Variable loss = penalty();
    found = tracking.gradients(loss, {.allow_unused = true});  // the last bias does not change slopes
  }
  Variable& weight = critic.layers[0].weight;
  const Tensor value = weight.value(), direction = rng.normal(value.shape(), float64);
  auto moved = [&](double h) {
    weight = Variable(value + direction * h);
    return penalty().item();
  };
  const double numeric = (moved(1e-5) - moved(-1e-5)) / 2e-5;
  EXPECT_NEAR(sum(found.list[0] * direction).item(), numeric, 1e-7 * (1 + std::abs(numeric)));
}

TEST(Gradients, TrackingNestsAndEnds) {
  Scale module;
  const std::vector<Field> parameters = parameters_of(module);
  {
    TrackParameters outer(parameters);
    const Node* node = module.factor.node();
    {
      TrackParameters inner(parameters);
      EXPECT_NE(module.factor.node(), node);
    }
    EXPECT_EQ(module.factor.node(), node);
  }
  EXPECT_FALSE(module.factor.tracked());
}

TEST(Gradients, AddAndScale) {
  Scale module;
  auto once = value_and_grad(module, [&] { return sum(square(module.factor)); }).gradients;
  auto twice = once;
  twice += once;
  twice.scale(0.25);
  EXPECT_EQ(twice.list[0].to_vector<float>(), (std::vector<float>{1.5, 1.5}));
  EXPECT_EQ(once.list[0].to_vector<float>(), (std::vector<float>{3, 3}));
}

}  // namespace
}  // namespace pf
