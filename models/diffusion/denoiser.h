#pragma once
// The network of a diffusion model, and what it is trained to do: tell data and noise apart at every ratio of the two.

#include "models/diffusion/probability_flow.h"
#include "models/diffusion/schedule.h"
#include "models/flow_matching/pairing.h"
#include "models/guidance.h"
#include "models/objective.h"
#include "nn/mlp.h"

namespace pf {

struct DenoiserSettings {
  NoiseScheduleKind schedule = NoiseScheduleKind::edm;
  Prediction prediction = Prediction::velocity;
  int64_t hidden = 128, depth = 3;
  int64_t waves = 0;          // of x_t, which the network sees beside it (waves.h)
  int64_t frequencies = 2;    // sine and cosine pairs that tell the network the ratio
  double data_deviation = 1;  // of a coordinate of the data: what is noised is x / data_deviation
  /// For predictions of the clean point: the error of what the network says, in the same units. Where that exceeds the
  /// noise, the noisy point itself is the better guess: x̂₀ is the mean of both, weighted by precision. 0: the network alone.
  double guess_deviation = 0;
  Guidance guidance;
  /// Which noise goes with which point of a training batch. With other pairs than by chance x_t is not normal around α x₀ any
  /// more, so that steps with fresh noise do not fit; the ODE does, as for any pairs (Albergo & Vanden-Eijnden 2022, arXiv
  /// 2209.15571), with what the denoiser says in the place of the score.
  Pairing pairing = Pairing::independent;
};

/// A denoiser that is given more than the point: x_t, ln(σ/α) and the inputs of Guidance::rows.
using GivenDenoiser = std::function<CleanAndNoise<Variable>(const Variable& x, double log_ratio, const Tensor& given)>;
/// The denoiser for these inputs, guided. x̂₀ and ε̂ are guided alike, so they still make up x_t.
DenoiserAt guided_denoiser(GivenDenoiser denoiser, const Guidance& guidance, Tensor given);

/// x_t and ln(σ/α) → x̂₀ and ε̂. A multilayer perceptron that sees x_t and its waves, c = ¼ ln(σ/α), sin πkc and cos πkc for k = 1 …
/// frequencies, and the inputs of the condition.
class Denoiser {
 public:
  Denoiser(int64_t width, const DenoiserSettings& settings, Rng& rng);
  /// What the network says: x [n, width], log_ratio [n, 1] or [1, 1], given as of Guidance::rows → [n, width].
  Variable raw(const Variable& x, const Variable& log_ratio, const Tensor& given = {}) const;
  /// The same as x̂₀ and ε̂, one ratio for all rows. Not guided.
  CleanAndNoise<Variable> operator()(const Variable& x, double log_ratio, const Tensor& given = {}) const;
  /// Guided by the context of n points. Refers to this denoiser.
  DenoiserAt estimates(const char* who, const Tensor& context, int64_t n, DType dtype) const;
  const DenoiserSettings& settings() const { return settings_; }
  NoiseSchedule schedule() const { return NoiseSchedule(settings_.schedule); }
  static void fields(auto& self, auto&& visit) { visit("net", self.net_); }

 private:
  DenoiserSettings settings_;
  Mlp net_;
};

/// Data, noise, and points x_t = α x₀ + σ ε between them at the ratios of training: a column each of ln(σ/α), α and σ. The
/// ratios are spread evenly over their distribution, one in each n-th of it, which takes most of their variance out of a
/// loss (Kingma et al. 2021, arXiv 2107.00630, appendix I.1).
struct NoisyBatch {
  CleanAndNoise<Tensor> truth;
  Tensor log_ratio, alpha, sigma, x;
  /// context: as of the batch; points of different conditions are not paired.
  NoisyBatch(const Denoiser& denoiser, const Tensor& batch, Rng& rng, const Tensor& context = {});
};

/// E ‖network(x_t) − target‖² over data, noise and the schedule's training ratios, summed over coordinates. The target is
/// what the network predicts: for noise this is L_simple of Ho et al. 2020 (arXiv 2006.11239, eq. 14), for v the weighted
/// loss of Karras et al. 2022 (eq. 8). Scores are weighed by σ² (Song et al. 2021, eq. 7), and the network says σ times them.
class DenoisingMatching final : public Objective {
 public:
  explicit DenoisingMatching(const Denoiser& denoiser) : denoiser_(denoiser) {}
  std::string name() const override { return "denoising (mean square)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  const Denoiser& denoiser_;
};

}  // namespace pf
