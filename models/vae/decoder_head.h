#pragma once
// Heads of a decoder: the distribution of the data given a code, each coordinate on its own, as what the decoder gives for it
// parametrises it. The noise of that distribution is part of the base, so a head is also a map from noise to data.
//
//   gaussian      x = μ + σ ε                   density; σ one learned number a coordinate, the decoder gives μ
//   bernoulli     x = 1 where u < π             probability; data 0 and 1, the decoder gives the logit of π
//   categorical   x = min{k : F(k) > u}         probability; whole numbers, the decoder gives a logit for each
//   logistic      the same, with F(k) = σ((k + ½ − m) / s), the last 1: a discretised logistic (Kingma et al. 2016,
//                 arXiv 1606.04934, section 5.2; Salimans et al. 2017, arXiv 1701.05517, eq. 2)

#include <memory>

#include "models/distribution.h"
#include "nn/module.h"

namespace pf {

enum class Likelihood { gaussian, bernoulli, categorical, logistic };

class DecoderHead {
 public:
  virtual ~DecoderHead() = default;
  virtual void visit_fields(const std::string& name, FieldVisitor& visitor) = 0;
  virtual void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const = 0;

  /// Numbers of the decoder for one coordinate.
  virtual int64_t outputs() const = 0;
  /// Of all coordinates of a point.
  virtual std::shared_ptr<const Distribution> noise() const = 0;
  virtual bool smooth() const = 0;
  /// x on the scale of an encoder's inputs.
  virtual Variable scaled(const Variable& x) const { return x; }

  // decoded: [n, width · outputs()]

  /// log p(x | code), or log P: [n]. x: [n, width], or one row for all codes.
  virtual Variable log_likelihood(const Variable& x, const Variable& decoded) const = 0;
  virtual Variable draw(const Variable& decoded, const Variable& noise) const = 0;
  /// The same with smoothed steps, of whole numbers (ConditionalHead::shares).
  virtual Variable draw_relaxed(const Variable& decoded, const Variable& noise, double /*temperature*/) const {
    return draw(decoded, noise);
  }
  /// The noise from which x is drawn, or a number in the middle of all that do.
  virtual Tensor noise_of(const Tensor& x, const Tensor& decoded) const = 0;
};

/// levels: of whole numbers.
std::unique_ptr<DecoderHead> make_decoder_head(Likelihood likelihood, int64_t width, int64_t levels);

}  // namespace pf
