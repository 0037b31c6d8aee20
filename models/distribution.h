#pragma once
// Base distributions: the simple end of every model. All randomness of a model is in one sample of its base.

#include <memory>
#include <vector>

#include "autograd/apply.h"
#include "tensor/random.h"

namespace pf {

/// A distribution on vectors of `width` numbers. Samples are [n, width], log-densities [n], in nats.
class Distribution {
 public:
  virtual ~Distribution() = default;
  virtual int64_t width() const = 0;
  virtual Tensor sample(int64_t n, Rng& rng, DType dtype = float32) const = 0;
  /// x: [n, width] → [n]; differentiable in x.
  virtual Variable log_density(const Variable& x) const = 0;
  /// For one sample u of the uniform distribution on (0, 1)^width, the point of this distribution at those quantiles, and
  /// back. What lets interpolation and shared noise work on any base.
  virtual Tensor from_uniform(const Tensor& u) const = 0;
  virtual Tensor to_uniform(const Tensor& x) const = 0;
  /// For a sample w of N(0, I) on R^width, the point of this distribution at the same quantiles; differentiable. What lets
  /// chains walk, and noise be tempered, on any base. Where there is no quantile map it throws.
  virtual Variable from_normal(const Variable& w) const;
  /// The w of a point: the other way. As far as quantiles near 0 and 1 can be told apart, where it goes through them.
  virtual Tensor to_normal(const Tensor& x) const;
  /// Whether from_normal answers.
  bool has_normal_coordinates() const;
  /// "N(0, I) on R²"
  virtual std::string describe() const = 0;
};

/// Standard normal on R^width.
class Normal final : public Distribution {
 public:
  explicit Normal(int64_t width) : width_(width) {}
  int64_t width() const override { return width_; }
  Tensor sample(int64_t n, Rng& rng, DType dtype) const override { return rng.normal({n, width_}, dtype); }
  Variable log_density(const Variable& x) const override;
  Tensor from_uniform(const Tensor& u) const override;
  Tensor to_uniform(const Tensor& x) const override;
  Variable from_normal(const Variable& w) const override { return w; }
  Tensor to_normal(const Tensor& x) const override { return x; }
  std::string describe() const override { return join("N(0, I) on R^", width_); }

 private:
  int64_t width_;
};

/// Uniform on the open cube (0, 1)^width.
class Uniform final : public Distribution {
 public:
  explicit Uniform(int64_t width) : width_(width) {}
  int64_t width() const override { return width_; }
  Tensor sample(int64_t n, Rng& rng, DType dtype) const override { return rng.uniform({n, width_}, dtype); }
  Variable log_density(const Variable& x) const override;
  Tensor from_uniform(const Tensor& u) const override { return u; }
  Tensor to_uniform(const Tensor& x) const override { return x; }
  Variable from_normal(const Variable& w) const override;
  std::string describe() const override { return join("U(0, 1)^", width_); }

 private:
  int64_t width_;
};

/// A mixture of isotropic normals: component k has weight weights[k], centre centres[k] and standard deviation deviations[k].
class Mixture final : public Distribution {
 public:
  /// centres: [components, width]; weights: [components], positive (normalised here); deviations: [components], positive.
  Mixture(Tensor centres, Tensor weights, Tensor deviations);
  int64_t width() const override { return centres_.size(1); }
  Tensor sample(int64_t n, Rng& rng, DType dtype) const override;
  Variable log_density(const Variable& x) const override;
  /// A mixture of several components has no coordinate-wise quantile map: throws unless there is one component.
  Tensor from_uniform(const Tensor& u) const override;
  Tensor to_uniform(const Tensor& x) const override;
  Variable from_normal(const Variable& w) const override;
  std::string describe() const override { return join("mixture of ", centres_.size(0), " normals on R^", width()); }

 private:
  Tensor centres_, weights_, deviations_;  // float64
};

/// Independent parts side by side: the first width of the vector belongs to the first part, and so on.
class Product final : public Distribution {
 public:
  explicit Product(std::vector<std::shared_ptr<const Distribution>> parts);
  int64_t width() const override { return width_; }
  Tensor sample(int64_t n, Rng& rng, DType dtype) const override;
  Variable log_density(const Variable& x) const override;
  Tensor from_uniform(const Tensor& u) const override;
  Tensor to_uniform(const Tensor& x) const override;
  Variable from_normal(const Variable& w) const override;
  Tensor to_normal(const Tensor& x) const override;
  std::string describe() const override;

 private:
  template <class F> Tensor map_parts(const Tensor& x, const F& f) const;
  std::vector<std::shared_ptr<const Distribution>> parts_;
  int64_t width_ = 0;
};

/// Rows of data as a distribution: each sample is one of them, drawn with replacement. It makes data the base of a map, for
/// translation from one set to another. It has no density.
class Empirical final : public Distribution {
 public:
  explicit Empirical(Tensor rows);
  int64_t width() const override { return rows_.size(1); }
  Tensor sample(int64_t n, Rng& rng, DType dtype) const override;
  /// These three throw.
  Variable log_density(const Variable& x) const override;
  Tensor from_uniform(const Tensor& u) const override;
  Tensor to_uniform(const Tensor& x) const override;
  std::string describe() const override { return join(rows_.size(0), " rows of data in R^", width()); }

 private:
  Tensor rows_;
};

/// Throws unless x is [n, width].
void check_rows(const char* op, const Shape& x, int64_t width);

}  // namespace pf
