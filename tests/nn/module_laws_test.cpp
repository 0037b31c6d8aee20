// What must hold of every module: one line in the list at the end adds one.

#include <algorithm>
#include <cmath>

#include "autograd/autograd.h"
#include "nn/activation.h"
#include "nn/batch_norm.h"
#include "nn/embedding.h"
#include "nn/masked_linear.h"
#include "nn/mlp.h"
#include "nn/optim/sgd.h"
#include "nn/sequential.h"
#include "nn/state.h"
#include "nn/time_embedding.h"
#include "nn/transformer.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;

/// The laws for one module, with its type hidden. `make(seed)` builds it, `run(module, input)` evaluates it.
struct Laws {
  std::string name;
  std::function<void()> training_moves_every_parameter, copies_are_snapshots, files_keep_everything,
      derivatives_are_right, empty_batches_pass, wrong_widths_are_explained;
};

bool same_bits(const Variable& a, const Variable& b) {
  return a.shape() == b.shape() && a.value().to_vector<float>() == b.value().to_vector<float>();
}

/// A loss with another weight for every output, so that no gradient vanishes by symmetry.
Variable weighted_sum(const Variable& y) {
  const Tensor weights = reshape(linspace(0.5, 1.7, std::max<int64_t>(1, y.numel()), y.dtype()), y.shape());
  return sum(y * weights + square(y) * 0.3);
}

template <class Make, class Run>
Laws laws(const std::string& name, Make make, Run run, Tensor input, Tensor wrong, const std::string& error) {
  Laws out{.name = name};
  out.training_moves_every_parameter = [=] {
    auto module = make(1);
    const auto before = module;
    const std::vector<Field> parameters = parameters_of(module);
    if (parameters.empty()) return;
    auto [loss, gradients] = value_and_grad(parameters, [&] { return weighted_sum(run(module, input)); });
    EXPECT_TRUE(std::isfinite(loss.item()));
    Sgd().update(parameters, gradients, 0.01);
    const auto old = fields_of(before), now = fields_of(std::as_const(module));
    for (size_t i = 0; i < now.size(); ++i) {
      if (!now[i].parameter) continue;
      EXPECT_FALSE(now[i].parameter->tracked()) << now[i].path;
      EXPECT_NE(now[i].value().template to_vector<float>(), old[i].value().template to_vector<float>()) << now[i].path;
    }
  };
  out.copies_are_snapshots = [=] {
    auto module = make(1);
    auto copied = module;
    const Variable first = run(copied, input);
    const std::vector<Field> parameters = parameters_of(module);
    if (parameters.empty()) return;
    for (int i = 0; i < 2; ++i) {
      auto [loss, gradients] = value_and_grad(parameters, [&] { return weighted_sum(run(module, input)); });
      Sgd().update(parameters, gradients, 0.01);
    }
    auto again = make(1);
    EXPECT_TRUE(same_bits(run(again, input), first));
    auto fresh = copied;  // running statistics may have moved above: compare what the copy says now and twice
    EXPECT_TRUE(same_bits(run(fresh, input), run(copied, input)));
    EXPECT_FALSE(module_equal(module, copied));
  };
  out.files_keep_everything = [=] {
    TemporaryFolder folder;
    auto trained = make(1);
    const std::vector<Field> parameters = parameters_of(trained);
    auto [loss, gradients] = value_and_grad(parameters, [&] { return weighted_sum(run(trained, input)); });
    Sgd().update(parameters, gradients, 0.05);
    write_safetensors(folder / "m.safetensors", state_dict(trained));
    auto other = make(2);
    load_state(other, read_safetensors(folder / "m.safetensors"));
    EXPECT_TRUE(module_equal(trained, other));
    EXPECT_TRUE(same_bits(run(other, input), run(trained, input)));
  };
  out.derivatives_are_right = [=] {
    auto module = cast_module(make(1), float64);
    const Tensor x = is_floating(input.dtype()) ? cast(input, float64) : input;
    const std::vector<Field> parameters = parameters_of(module);
    auto loss_of = [&] {
      auto evaluated = module;  // training passes may move buffers
      return weighted_sum(run(evaluated, x));
    };
    auto [loss, gradients] = value_and_grad(parameters, loss_of);
    Rng rng(5);
    for (size_t i = 0; i < parameters.size(); ++i) {
      const Tensor value = parameters[i].value(), direction = rng.normal(value.shape(), float64);
      const double h = 1e-5;
      auto moved = [&](double step) {
        *parameters[i].parameter = Variable(value + direction * step);
        const double at = loss_of().item();
        *parameters[i].parameter = Variable(value);
        return at;
      };
      const double numeric = (moved(h) - moved(-h)) / (2 * h);
      const double exact = sum(gradients.list[i] * direction).item();
      EXPECT_NEAR(exact, numeric, 1e-6 * (1 + std::abs(numeric))) << parameters[i].path;
    }
  };
  out.empty_batches_pass = [=] {
    auto module = make(1);
    Shape shape = input.shape(), expected = run(module, input).shape();
    shape[0] = expected[0] = 0;
    if (name == "batch_norm_train") return;  // statistics of nothing: an error of its own, tested below
    EXPECT_EQ(run(module, zeros(shape, input.dtype())).shape(), expected);
  };
  out.wrong_widths_are_explained = [=] {
    if (error.empty()) return;
    auto module = make(1);
    EXPECT_TRUE(contains(error_of([&] { run(module, wrong); }), error));
  };
  return out;
}

Tensor sample(const Shape& shape) { return Rng(3).normal(shape); }

struct Tables {
  std::vector<Embedding> tables;
  std::optional<Mlp> net;
  explicit Tables(Rng& rng) : tables{Embedding(4, 3, rng)}, net(Mlp({3, 4, 1}, rng)) {}
  Variable operator()(const Tensor& indices) const { return (*net)(tables[0](indices)); }
  static void fields(auto& self, auto&& visit) {
    visit("tables", self.tables);
    visit("net", self.net);
  }
};

const auto call = [](auto& module, const Tensor& x) -> Variable { return module(Variable(x)); };

std::vector<Laws> all_modules() {
  const Tensor x = sample({5, 3}), bad = sample({5, 4});
  const std::string linear_error = "linear: [5, 4] × [";
  auto rng = [](int seed) { return Rng(uint64_t(seed)); };
  return {
      laws(
          "linear",
          [=](int s) {
            Rng r = rng(s);
            return Linear(3, 4, r);
          },
          call, x, bad, "[4, 3]"),
      laws(
          "linear_without_bias",
          [=](int s) {
            Rng r = rng(s);
            return Linear(3, 4, r, {.bias = false});
          },
          call, x, bad, "[4, 3]"),
      laws(
          "linear_on_3_axes",
          [=](int s) {
            Rng r = rng(s);
            return Linear(3, 4, r);
          },
          call, sample({2, 5, 3}), bad, "[4, 3]"),
      laws(
          "masked_linear",
          [=](int s) {
            Rng r = rng(s);
            const std::vector<int64_t> in = {0, 1, 2}, to = {0, 1, 2, 1};
            return MaskedLinear(degree_mask(in, to), r);
          },
          call, x, bad, "[4, 3]"),
      laws(
          "mlp",
          [=](int s) {
            Rng r = rng(s);
            return Mlp({3, 8, 8, 2}, r);
          },
          call, x, bad, "in layers.0: "),
      laws(
          "mlp_with_everything",
          [=](int s) {
            Rng r = rng(s);
            return Mlp({3, 8, 8, 2}, r,
                       {.activation = Activation::gelu,
                        .final_activation = Activation::tanh,
                        .layer_norm = true,
                        .dropout = 0.3});
          },
          [](auto& module, const Tensor& in) -> Variable {
            Rng r(9);
            return module(Variable(in), r);
          },
          x, bad, "in layers.0: "),
      laws(
          "sequential",
          [=](int s) {
            Rng r = rng(s);
            return Sequential(Linear(3, 6, r), LayerNorm(6), ActivationLayer{Activation::tanh}, Dropout{},
                              Linear(6, 1, r));
          },
          call, x, bad, "in layers.0: "),
      laws(
          "layer_norm", [=](int) { return LayerNorm(3); }, call, x, bad, "layer_norm: [5, 4] with weight [3]"),
      laws(
          "batch_norm", [=](int) { return BatchNorm(3); }, call, x, bad, "batch_norm: [5, 4]: expected [..., 3]"),
      laws(
          "batch_norm_train", [=](int) { return BatchNorm(3); },
          [](auto& module, const Tensor& in) -> Variable { return module.train(Variable(in)); }, x, bad,
          "batch_norm: [5, 4]: expected [..., 3]"),
      laws(
          "embedding",
          [=](int s) {
            Rng r = rng(s);
            return Embedding(4, 3, r);
          },
          [](auto& module, const Tensor& in) -> Variable { return module(in); },
          tensor({0, 3, 1, 2, 1, 0}, {3, 2}, int64), tensor({0, 4}, int64), "4"),
      laws(
          "embedding_then_mlp_in_a_vector",
          [=](int s) {
            Rng r = rng(s);
            return Tables(r);
          },
          [](auto& module, const Tensor& in) -> Variable { return module(in); },
          tensor({0, 3, 1, 2, 1, 0}, {3, 2}, int64), tensor({0, 4}, int64), "4"),
      laws(
          "fourier_features_then_linear",
          [=](int s) {
            Rng r = rng(s);
            return Sequential(FourierFeatures(3, 8, r), Linear(8, 2, r));
          },
          call, x, bad, "in layers.0: "),
      laws(
          "sinusoidal_embedding_then_linear",
          [=](int s) {
            Rng r = rng(s);
            return Sequential(SinusoidalEmbedding(8, 20), Linear(8, 2, r));
          },
          call, sample({5}), bad, ""),
      laws(
          "causal_self_attention",
          [=](int s) {
            Rng r = rng(s);
            return CausalSelfAttention(4, 2, r);
          },
          call, sample({3, 5, 4}), sample({3, 5, 6}), "attention: [3, 5, 6]: expected [n, tokens, 4]"),
      laws(
          "causal_transformer",
          [=](int s) {
            Rng r = rng(s);
            return CausalTransformer({.length = 5, .width = 4, .heads = 2, .blocks = 2}, r);
          },
          call, sample({3, 5, 4}), sample({3, 6, 4}), "transformer: [3, 6, 4]: expected [n, tokens, 4] with at most 5"),
  };
}

class ModuleLaws : public ::testing::TestWithParam<Laws> {};
TEST_P(ModuleLaws, TrainingMovesEveryParameter) { GetParam().training_moves_every_parameter(); }
TEST_P(ModuleLaws, CopiesAreSnapshots) { GetParam().copies_are_snapshots(); }
TEST_P(ModuleLaws, FilesKeepEverything) { GetParam().files_keep_everything(); }
TEST_P(ModuleLaws, DerivativesAreRight) { GetParam().derivatives_are_right(); }
TEST_P(ModuleLaws, EmptyBatchesPass) { GetParam().empty_batches_pass(); }
TEST_P(ModuleLaws, WrongWidthsAreExplained) { GetParam().wrong_widths_are_explained(); }
INSTANTIATE_TEST_SUITE_P(All, ModuleLaws, ::testing::ValuesIn(all_modules()),
                         [](const auto& suite) { return suite.param.name; });

}  // namespace
}  // namespace pf
