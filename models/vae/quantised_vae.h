#pragma once
// Autoencoders whose codes are whole numbers (VQ-VAE: van den Oord et al. 2017, arXiv 1711.00937; FSQ: Mentzer et al. 2023,
// arXiv 2309.15505), as generative models. An encoder gives a few vectors for a point, each is put on one of K codes
// (quantiser.h), and a decoder takes the codes' vectors. What codes occur together is learned by an autoregressive model of
// them, which is a map from uniform noise to codes, so the whole is a map as well:
//
//   x = draw from the head with decoder(vectors of k) for parameters, k = autoregressive map of u;  base U(0, 1)^codes × noise
//
// The map is a step function of u, and smooth in the noise of a Gaussian head. In its relaxed map a code's vector is Σ_k share_k
// vector_k, between the codes' own. Its density is a sum over all codes,
// p(x) = Σ_k P(k) p(x|k), of which the term of the encoder's k is a lower bound: what training raises. A few thousand codes can be
// summed over.

#include "models/autoregressive/autoregressive.h"
#include "models/vae/decoder_head.h"
#include "models/vae/quantiser.h"
#include "nn/mlp.h"

namespace pf {

struct QuantisedVaeSettings {
  Likelihood likelihood = Likelihood::gaussian;
  int64_t data_levels = 0;  // of whole numbers
  int64_t codes = 2;        // of a point
  QuantiserSettings quantiser;
  int64_t hidden = 128, depth = 2;  // of encoder, decoder and the model of the codes
  NetworkKind prior = NetworkKind::made;
  int64_t context = 0;  // numbers of the condition; 0: none
};

class QuantisedVae final : public Implements<QuantisedVae, Transform> {
 public:
  QuantisedVae(int64_t width, const QuantisedVaeSettings& settings, Rng& rng);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return width_; }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  /// The codes' vectors by their shares (Autoregressive::shares), and the head's own relaxed map.
  Variable push_relaxed(const Variable& z, double temperature, const Tensor& context = {}) const override;
  /// log P(k) + log p(x|k) of the encoder's k. Without a condition and where there are not many codes (65,536 numbers to
  /// decode) the sum over all codes.
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;
  /// The middle of the noise that leads to the encoder's codes, and the observation noise that gives x back.
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;

  /// The encoder's vectors: [n · codes, width of a vector].
  Variable vectors(const Variable& x, const Tensor& context = {}) const;
  /// The codes of these vectors, as the numbers that the model of codes takes: [n, codes].
  Tensor codes(const Tensor& vectors, DType dtype) const;
  /// Parameters of the head, from quantised vectors.
  Variable decode(const Variable& vectors, const Tensor& context = {}) const;
  Variable decode_codes(const Tensor& codes, const Tensor& context = {}) const;
  /// log P(k) + log p(x|k): [n].
  Variable share_of_code(const Variable& x, const Tensor& code, const Variable& decoded,
                         const Tensor& context = {}) const;
  const Quantiser& quantiser() const { return *quantiser_; }
  Quantiser& quantiser() { return *quantiser_; }
  const Autoregressive& prior() const { return prior_; }
  const DecoderHead& head() const { return *head_; }

  static void fields(auto& self, auto&& visit) {
    visit("encoder", self.encoder_);
    visit("decoder", self.decoder_);
    visit("head", self.head_);
    visit("quantiser", self.quantiser_);
    visit("prior", self.prior_);
  }

 private:
  const char* family() const override { return "vae"; }
  /// [all, codes], or undefined where they are too many.
  Tensor all_codes() const;
  QuantisedVaeSettings settings_;
  int64_t width_;
  std::unique_ptr<DecoderHead> head_;
  std::unique_ptr<Quantiser> quantiser_;
  Mlp encoder_, decoder_;
  Autoregressive prior_;
  Product base_;
};

/// Mean of −log p(x|k) − log P(k) + β ‖e − sg(q)‖². The gradient reaches the encoder through the rounding as if it were
/// not there (quantiser.h) and by the last term; P(k) is fitted to the codes as they are. A codebook moves after each step.
class QuantisedBound final : public Objective {
 public:
  QuantisedBound(QuantisedVae& model, double commitment) : model_(model), commitment_(commitment) {}
  std::string name() const override { return "negative evidence bound and commitment (nats)"; }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  void after_step(const Tensor& batch, Rng& rng, const Tensor& context = {}) override;
  /// Codes that occur, and the perplexity of their frequencies.
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;

 private:
  QuantisedVae& model_;
  double commitment_;  // β
};

}  // namespace pf
