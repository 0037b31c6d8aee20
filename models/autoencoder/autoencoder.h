#pragma once
// Autoencoders with a density fitted on their codes. An encoder e and a decoder d learn to give the data back; a density of
// the codes, c = g(z), makes a generative model of the pair: x = d(g(z)). No observation noise, so the samples lie on the
// decoder's surface and the model has no density in the space of the data.
//
//   plain      ½ ‖x − d(e(x))‖²
//   denoising  ½ ‖x − d(e(x + σ ε))‖²                                Vincent et al. 2008
//   rae-l2     plain + β ½ ‖e(x)‖² + λ ‖θ_d‖²                        Ghosh et al. 2020, arXiv 1903.12436, section 3
//   rae-gp     plain + β ½ ‖e(x)‖² + λ ½ ‖∂d/∂c‖²  at c = e(x)       the same; a derivative of a derivative
//
// The density is fitted in the same loop, to the codes as they are: its negative log-likelihood is added, but no gradient of
// it reaches the encoder, which could otherwise shrink its codes to a point and make that likelihood as large as it likes.
// A condition is seen by all three: encoder, decoder and the density of the codes.

#include "models/autoencoder/family_density.h"

namespace pf {

enum class CodeDensityKind { gaussian, mixture, flow, family };

struct AutoencoderSettings {
  int64_t latent = 2;
  int64_t hidden = 128, depth = 2;  // of encoder and decoder
  CodeDensityKind density = CodeDensityKind::flow;
  int64_t components = 10;  // of a mixture
  CouplingSettings flow = {.layers = 4, .hidden = 64, .bound = 4};
  std::string family;                        // "diffusion", for CodeDensityKind::family
  std::vector<std::string> family_settings;  // "key=value", what is not its default
  int64_t context = 0;                       // numbers of the condition; 0: none
};

class Autoencoder final : public Implements<Autoencoder, Transform> {
 public:
  Autoencoder(int64_t width, const AutoencoderSettings& settings, Rng& rng);

  const Distribution& base() const override { return *base_; }
  int64_t width() const override { return width_; }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  /// g⁻¹(e(x)): pushing it gives the reconstruction d(e(x)), not x itself.
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;

  /// e(x): [n, width] → [n, latent], and d(c), back.
  Variable code(const Variable& x, const Tensor& context = {}) const;
  Variable decode(const Variable& code, const Tensor& context = {}) const;
  const CodeDensity& density() const { return *density_; }
  const Mlp& decoder() const { return decoder_; }
  /// log p(d(c)) for codes [n, latent], in nats a unit of area of the decoder's surface (not of the data's space): log
  /// p(c) − ½ log det JᵀJ with J = ∂d/∂c, which holds where the decoder gives no point twice. Needs at least as many
  /// columns of data as coordinates of the code.
  Tensor surface_log_density(const Tensor& code, const Tensor& context = {}) const;

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder_);
    visit("decoder", self.decoder_);
    visit("density", self.density_);
  }

 private:
  const char* family() const override { return "autoencoder"; }
  int64_t width_, latent_, context_;
  Mlp encoder_, decoder_;
  std::unique_ptr<CodeDensity> density_;
  std::shared_ptr<const Distribution> base_;
};

enum class AutoencoderVariant { plain, denoising, rae_l2, rae_gp };

struct ReconstructionSettings {
  AutoencoderVariant variant = AutoencoderVariant::plain;
  double noise = 0.1;            // σ of denoising, in deviations of the data
  double code_weight = 1e-2;     // β of the regularised variants
  double decoder_weight = 1e-4;  // λ
};

/// Mean reconstruction error and regulariser of the batch, plus what fits the density to the codes.
class Reconstruction final : public Objective {
 public:
  Reconstruction(const Autoencoder& model, const ReconstructionSettings& settings);
  Reconstruction(const Reconstruction&) = delete;  // the training of the density refers to it
  Reconstruction& operator=(const Reconstruction&) = delete;
  std::string name() const override { return "reconstruction error + negative log-density of the codes (nats)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  /// ½‖x − d(e(x))‖² with the variant's regulariser, and −log p(c) with the codes held still.
  Variable reconstruction_loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const;
  Variable density_loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const;
  Opponent* opponent() override { return on_codes_.opponent(); }
  int64_t stages() const override { return on_codes_.stages(); }
  void begin_stage(int64_t stage) override { on_codes_.begin_stage(stage); }
  void set_progress(double part) override { on_codes_.set_progress(part); }
  std::vector<Tensor> changing_numbers() const override { return on_codes_.changing_numbers(); }
  void after_step(const Tensor& batch, Rng& rng, const Tensor& context = {}) override {
    on_codes_.after_step(batch, rng, context);
  }
  /// The part of the variance that reconstructions miss.
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  const Autoencoder& model_;
  ReconstructionSettings settings_;
  CodeTraining on_codes_;
};

}  // namespace pf
