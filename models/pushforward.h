#pragma once
// A pushforward as a distribution: the samples of one map, which can be the base of another (a flow that starts from the samples
// of a VAE), or wherever else a distribution is asked for. What is written against bases goes for it as far as its map can.

#include "models/transform.h"

namespace pf {

class Pushforward final : public Distribution {
 public:
  /// context: a row for all samples, of a conditional map.
  explicit Pushforward(std::shared_ptr<const Transform> map, Tensor context = {})
      : map_(std::move(map)), context_(std::move(context)) {}
  int64_t width() const override { return map_->width(); }
  Tensor sample(int64_t n, Rng& rng, DType dtype = float32) const override;
  /// By change of variables, differentiable. Throws where the map has no log-determinant.
  Variable log_density(const Variable& x) const override;
  /// The images of the base's points at these quantiles; not x's own quantiles, coordinate by coordinate, but still a map from
  /// the uniform law to this one, and back. Throw where base and data have different widths, the second also without an inverse.
  Tensor from_uniform(const Tensor& u) const override;
  Tensor to_uniform(const Tensor& x) const override;
  /// The same with normal coordinates.
  Variable from_normal(const Variable& w) const override;
  Tensor to_normal(const Tensor& x) const override;
  std::string describe() const override;

 private:
  void require_one_width() const;
  std::shared_ptr<const Transform> map_;
  Tensor context_;
};

}  // namespace pf
