#include "models/vae/decoder_head.h"

#include <cmath>
#include <numbers>

#include "models/autoregressive/discrete_heads.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

class GaussianHead final : public Implements<GaussianHead, DecoderHead> {
 public:
  explicit GaussianHead(int64_t width) : log_noise_(full({width}, -1.0)) {}
  int64_t outputs() const override { return 1; }
  std::shared_ptr<const Distribution> noise() const override { return std::make_shared<Normal>(log_noise_.size(0)); }
  bool smooth() const override { return true; }
  Variable log_likelihood(const Variable& x, const Variable& decoded) const override {
    const Variable white = (x - decoded) * exp(-log_noise_);
    return sum(square(white) * -0.5 - expand(log_noise_, decoded.shape()), -1) -
           0.5 * std::log(2 * std::numbers::pi) * double(log_noise_.size(0));
  }
  Variable draw(const Variable& decoded, const Variable& noise) const override {
    return decoded + exp(log_noise_) * noise;
  }
  Tensor noise_of(const Tensor& x, const Tensor& decoded) const override {
    return (x - decoded) * exp(-log_noise_.value());
  }
  static void fields(auto& self, auto&& visit) { visit("log_noise", self.log_noise_); }

 private:
  Variable log_noise_;  // [width], log σ
};

class DiscreteHead final : public Implements<DiscreteHead, DecoderHead> {
 public:
  /// weightless: the first output is the weight of a mixture's only component, which the decoder need not give.
  DiscreteHead(int64_t width, std::unique_ptr<const ConditionalHead> head, bool weightless = false)
      : width_(width), weightless_(weightless), head_(std::move(head)) {}
  int64_t outputs() const override { return head_->outputs() - weightless_; }
  std::shared_ptr<const Distribution> noise() const override { return std::make_shared<Uniform>(width_); }
  bool smooth() const override { return false; }
  Variable scaled(const Variable& x) const override {
    return head_->levels() == 2 ? x : x * (2.0 / double(head_->levels() - 1)) - 1.0;
  }
  Variable log_likelihood(const Variable& x, const Variable& decoded) const override {
    const Variable rows = x.size(0) == decoded.size(0) ? x : expand(x, {decoded.size(0), width_});
    return sum(head_->log_density(by_coordinate(decoded), rows), -1);
  }
  Variable draw(const Variable& decoded, const Variable& noise) const override {
    return head_->quantile(by_coordinate(decoded), noise);
  }
  Variable draw_relaxed(const Variable& decoded, const Variable& noise, double temperature) const override {
    return head_->relaxed_quantile(by_coordinate(decoded), noise, temperature);
  }
  Tensor noise_of(const Tensor& x, const Tensor& decoded) const override {
    return head_->interval(by_coordinate(Variable(decoded)).value(), x).point(full(x.shape(), 0.5), x.dtype());
  }
  static void fields(auto&, auto&&) {}

 private:
  Variable by_coordinate(const Variable& decoded) const {
    const Variable parameters = reshape(decoded, {decoded.size(0), width_, outputs()});
    return weightless_ ? pad(parameters, 2, 1, 0) : parameters;
  }
  int64_t width_;
  bool weightless_;
  std::unique_ptr<const ConditionalHead> head_;
};

}  // namespace

std::unique_ptr<DecoderHead> make_decoder_head(Likelihood likelihood, int64_t width, int64_t levels) {
  switch (likelihood) {
    case Likelihood::gaussian:
      return std::make_unique<GaussianHead>(width);
    case Likelihood::bernoulli:
      return std::make_unique<DiscreteHead>(width, bernoulli_head());
    case Likelihood::categorical:
      return std::make_unique<DiscreteHead>(width, categorical_head(levels));
    case Likelihood::logistic:
      return std::make_unique<DiscreteHead>(width, discretised_logistic_head(1, levels), true);
  }
  fail("vae: no such likelihood");
}

}  // namespace pf
