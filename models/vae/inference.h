#pragma once
// How a code is drawn from the approximate posterior q(c|x), from what the encoder says: c = f(ε), ε ~ N(0, I).
//
//   diagonal, full   c = m + L ε                             models/vae/posterior.h
//   planar           c_k = c_{k−1} + û tanh(wᵀ c_{k−1} + b)  from the diagonal's c_0 on, with û, w, b of each layer from the
//                    encoder (Rezende & Mohamed 2015, arXiv 1505.05770, eq. 10–12, figure 2)
//   iaf              inverse autoregressive layers behind the diagonal's c_0, whose networks see x (Kingma et al. 2016,
//                    arXiv 1606.04934, eq. 10)
//   levels           the top level's code from the encoder, each level below from the encoder and the levels above it
//
//   log q(c|x) = log q(c_0|x) − Σ log|det ∂c_k/∂c_{k−1}|

#include "models/vae/posterior.h"
#include "nn/module.h"
#include "tensor/random.h"

namespace pf {

enum class PosteriorKind { diagonal, full, planar, iaf };

/// An encoder's input and output: [n, width + context] and [n, encoded()].
struct Encoded {
  Variable input, output;
};

struct DrawnCode {
  Variable code;         // [n, latent]
  Variable log_density;  // log q(c|x): [n]
  Variable kl;           // KL(q ‖ N(0, I)) by coordinates, [n, latent]; undefined where it has no closed form
};

class InferenceModel {
 public:
  virtual ~InferenceModel() = default;
  virtual void visit_fields(const std::string& name, FieldVisitor& visitor) = 0;
  virtual void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const = 0;
  /// How many numbers the encoder has to give.
  virtual int64_t encoded() const = 0;
  /// noise: [n, latent]. Differentiable in all that has parameters.
  virtual DrawnCode draw(const Encoded& from, const Tensor& noise) const = 0;
};

struct InferenceSettings {
  PosteriorKind kind = PosteriorKind::diagonal;
  int64_t latent = 2;  // of one level
  int64_t levels = 1;
  int64_t layers = 4;   // of a flow
  int64_t hidden = 64;  // width of the two hidden layers of an iaf layer, and of the hidden layer between levels
  int64_t input = 2;    // numbers that the encoder takes
};
std::unique_ptr<InferenceModel> make_inference(const InferenceSettings& settings, Rng& rng);

}  // namespace pf
