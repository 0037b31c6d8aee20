#include "models/vae/inference.h"

#include <cmath>

#include "models/flow/autoregressive.h"
#include "models/flow/planar.h"
#include "models/flow/stack.h"
#include "nn/mlp.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/hyperbolic.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

class NormalInference final : public Implements<NormalInference, InferenceModel> {
 public:
  NormalInference(int64_t latent, bool full) : latent_(latent), full_(full) {}
  int64_t encoded() const override { return Posterior::encoded_width(latent_, full_); }
  DrawnCode draw(const Encoded& from, const Tensor& noise) const override {
    const Posterior q = Posterior::from(from.output, latent_, full_);
    return {q.sample(noise), q.log_density_of_sample(noise), q.kl_to_normal()};
  }
  static void fields(auto&, auto&&) {}

 private:
  int64_t latent_;
  bool full_;
};

class PlanarInference final : public Implements<PlanarInference, InferenceModel> {
 public:
  PlanarInference(int64_t latent, int64_t layers) : latent_(latent), layers_(layers) {}
  int64_t encoded() const override { return 2 * latent_ + layers_ * (2 * latent_ + 1); }
  DrawnCode draw(const Encoded& from, const Tensor& noise) const override {
    const Posterior start = Posterior::from(from.output, latent_, false);
    Variable code = start.sample(noise), log_density = start.log_density_of_sample(noise);
    for (int64_t k = 0; k < layers_; ++k) {
      const int64_t at = 2 * latent_ + k * (2 * latent_ + 1), end = at + 2 * latent_;
      const Variable u = slice(from.output, 1, at, at + latent_), w = slice(from.output, 1, at + latent_, end);
      const auto [direction, slope] = invertible_direction(u, w);
      const Variable t = tanh(sum(w * code, -1, true) + slice(from.output, 1, end, end + 1));
      code = code + direction * t;
      log_density = log_density - squeeze(log1p((1.0 - square(t)) * slope), -1);
    }
    return {code, log_density, {}};
  }
  static void fields(auto&, auto&&) {}

 private:
  int64_t latent_, layers_;
};

std::vector<std::unique_ptr<FlowLayer>> iaf_layers(const InferenceSettings& s, Rng& rng) {
  const AutoregressiveFlowSettings layer{
      .map = {.kind = CouplingKind::affine}, .hidden = s.hidden, .pull_in_one_pass = false};
  std::vector<std::unique_ptr<FlowLayer>> layers;
  for (int64_t k = 0; k < s.layers; ++k)
    layers.push_back(std::make_unique<AutoregressiveLayer>(s.latent, layer, k % 2 == 1, rng, s.input));
  return layers;
}

class IafInference final : public Implements<IafInference, InferenceModel> {
 public:
  IafInference(const InferenceSettings& s, Rng& rng)
      : latent_(s.latent), flow_(s.latent, iaf_layers(s, rng), s.layers, 1e-9, s.input) {}
  int64_t encoded() const override { return 2 * latent_; }
  DrawnCode draw(const Encoded& from, const Tensor& noise) const override {
    const Posterior start = Posterior::from(from.output, latent_, false);
    const Mapped pushed = flow_.push_with_log_det(start.sample(noise), from.input.value());
    return {pushed.value, start.log_density_of_sample(noise) - pushed.log_det, {}};
  }
  static void fields(auto& self, auto&& visit) { visit("flow", self.flow_); }

 private:
  int64_t latent_;
  FlowStack flow_;
};

class LevelsInference final : public Implements<LevelsInference, InferenceModel> {
 public:
  LevelsInference(const InferenceSettings& s, Rng& rng) : latent_(s.latent), features_(s.hidden) {
    for (int64_t l = 1; l < s.levels; ++l)
      below_.emplace_back(mlp_widths(features_ + l * latent_, s.hidden, 1, 2 * latent_), rng,
                          MlpOptions{.final_gain = 0.1});  // near the prior at first
  }
  int64_t encoded() const override { return 2 * latent_ + features_; }
  DrawnCode draw(const Encoded& from, const Tensor& noise) const override {
    const Variable features = slice(from.output, 1, 2 * latent_);
    DrawnCode all;
    const auto append = [](Variable& to, const Variable& part) { to = to.defined() ? concat({to, part}, 1) : part; };
    for (size_t l = 0; l <= below_.size(); ++l) {
      const int64_t at = int64_t(l) * latent_;
      const Variable said =
          l == 0 ? slice(from.output, 1, 0, 2 * latent_) : below_[l - 1](concat({features, all.code}, 1));
      const Posterior q = Posterior::from(said, latent_, false);
      const Tensor of_level = slice(noise, 1, at, at + latent_);
      const Variable log_density = q.log_density_of_sample(of_level);
      append(all.code, q.sample(of_level));
      append(all.kl, q.kl_to_normal());
      all.log_density = l == 0 ? log_density : all.log_density + log_density;
    }
    return all;
  }
  static void fields(auto& self, auto&& visit) { visit("below", self.below_); }

 private:
  int64_t latent_, features_;
  std::vector<Mlp> below_;
};

}  // namespace

std::unique_ptr<InferenceModel> make_inference(const InferenceSettings& s, Rng& rng) {
  if (s.levels > 1) {
    check(s.kind == PosteriorKind::diagonal, "vae: ", s.levels,
          " levels of codes have a diagonal posterior each; set posterior=diagonal, or a variant without levels");
    return std::make_unique<LevelsInference>(s, rng);
  }
  switch (s.kind) {
    case PosteriorKind::diagonal:
    case PosteriorKind::full:
      return std::make_unique<NormalInference>(s.latent, s.kind == PosteriorKind::full);
    case PosteriorKind::planar:
      return std::make_unique<PlanarInference>(s.latent, s.layers);
    case PosteriorKind::iaf:
      return std::make_unique<IafInference>(s, rng);
  }
  fail("vae: no such posterior");
}

}  // namespace pf
