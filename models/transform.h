#pragma once
// A generative model is a pushforward: a base distribution that is easy to sample, and a map x = T(z).
//
// The map is deterministic and differentiable: all randomness is in z. Families differ in how T is built and in what else
// it can do; `traits` says so. What moves T#base to the data is an Objective, a thing of its own.

#include <memory>
#include <string>
#include <vector>

#include "models/distribution.h"
#include "nn/module.h"

namespace pf {

/// What a log-density is: the number itself, the number up to a solver's error, a lower bound, or nothing, as families have
/// them; and two that can be had of maps that have none (density.h): the density on the map's image per unit of its area, and
/// an estimate by annealed importance sampling.
enum class DensityKind { exact, ode, bound, none, injective, ais };
const char* name_of(DensityKind kind);

struct Traits {
  bool invertible = false;   // pull is the inverse of push
  bool same_width = false;   // base and data have the same number of coordinates
  bool reconstructs = true;  // push(encode(x)) is x, also where there is no inverse
  bool smooth = true;        // dx/dz exists (almost everywhere and is not zero)
  const char* relaxed = "";  // of a step function: what push_relaxed puts in place of its steps, in a few words
  DensityKind density = DensityKind::none;
  int64_t steps = 1;            // network evaluations, one after the other, for one sample
  double inverse_error = 1e-4;  // how closely pull(push(z)) gives z back in float64, relative to 1 + |z|
};

/// A mapped point and log|det| of the map's Jacobian there: [n, width] and [n].
struct Mapped {
  Variable value;
  Variable log_det;
};

/// log p(x) for each row, in nats, and what it is.
struct LogDensity {
  Tensor value;  // [n]
  DensityKind kind;
  std::string note;  // how it was computed, e.g. "Dormand–Prince, tolerance 1e-5, exact divergence"
};

class Transform {
 public:
  virtual ~Transform() = default;

  virtual const Distribution& base() const = 0;
  virtual int64_t width() const = 0;  // of the data
  virtual Traits traits() const = 0;
  /// Parameters and buffers; final classes get these two from Implements<…> and list their `fields`.
  virtual void visit_fields(const std::string& name, FieldVisitor& visitor) = 0;
  virtual void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const = 0;

  // The context of a conditional map is a row for each point, [n, k] or one row for all; without a condition it is undefined.

  /// x = T(z). z: [n, base().width()] → [n, width()]; differentiable in z and in every parameter.
  virtual Variable push(const Variable& z, const Tensor& context = {}) const = 0;
  /// T with its steps smoothed away: differentiable in z with a slope that is not zero, and, for almost every z, T(z) in the
  /// limit of temperature 0. A smooth map is its own relaxed map. temperature: above 0. traits().relaxed says how.
  virtual Variable push_relaxed(const Variable& z, double temperature, const Tensor& context = {}) const;
  /// z with T(z) = x. Throws where the family has no inverse.
  virtual Variable pull(const Variable& x, const Tensor& context = {}) const;
  /// With log|det ∂x/∂z| and log|det ∂z/∂x|. Throw where the family has no log-determinant.
  virtual Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const;
  virtual Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const;
  /// Positions on the way from z to x, first z and last x, where the family has a way: [n, width()] each.
  virtual std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const;

  /// log p(x), by change of variables unless a family knows better. `rng` feeds estimates (a bound's inner samples).
  virtual LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const;
  /// z that the model takes for x: the inverse, or what an encoder says.
  virtual Tensor encode(const Tensor& x, const Tensor& context = {}) const;

 protected:
  /// "vae: no exact inverse" – the error of everything a family cannot do.
  [[noreturn]] void cannot(const char* what, const char* instead) const;
  virtual const char* family() const = 0;
};

/// A conditional map with its condition held fixed: a map like any other, for whatever is written against maps.
class Given final : public Implements<Given, Transform> {
 public:
  /// context: [1, k], for all points, or a row for each of the points that it will be asked for.
  Given(std::unique_ptr<Transform> map, Tensor context) : map_(std::move(map)), context_(std::move(context)) {}
  const Distribution& base() const override { return map_->base(); }
  int64_t width() const override { return map_->width(); }
  Traits traits() const override { return map_->traits(); }
  Variable push(const Variable& z, const Tensor& = {}) const override { return map_->push(z, context_); }
  Variable push_relaxed(const Variable& z, double temperature, const Tensor& = {}) const override {
    return map_->push_relaxed(z, temperature, context_);
  }
  Variable pull(const Variable& x, const Tensor& = {}) const override { return map_->pull(x, context_); }
  Mapped push_with_log_det(const Variable& z, const Tensor& = {}) const override {
    return map_->push_with_log_det(z, context_);
  }
  Mapped pull_with_log_det(const Variable& x, const Tensor& = {}) const override {
    return map_->pull_with_log_det(x, context_);
  }
  std::vector<Tensor> path(const Tensor& z, const Tensor& = {}) const override { return map_->path(z, context_); }
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& = {}) const override {
    return map_->log_density(x, rng, context_);
  }
  Tensor encode(const Tensor& x, const Tensor& = {}) const override { return map_->encode(x, context_); }
  static void fields(auto& self, auto&& visit) { visit("map", self.map_); }

 private:
  const char* family() const override { return "conditional map"; }
  std::unique_ptr<Transform> map_;
  Tensor context_;
};

/// T₂ ∘ T₁: the first map's output is the second's input. Log-determinants add, inverses compose. A context is the first's.
class Composed final : public Implements<Composed, Transform> {
 public:
  Composed(std::unique_ptr<Transform> first, std::unique_ptr<Transform> second);
  const Distribution& base() const override { return first_->base(); }
  int64_t width() const override { return second_->width(); }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override {
    return second_->push(first_->push(z, context));
  }
  Variable push_relaxed(const Variable& z, double temperature, const Tensor& context = {}) const override {
    return second_->push_relaxed(first_->push_relaxed(z, temperature, context), temperature);
  }
  Variable pull(const Variable& x, const Tensor& context = {}) const override {
    return first_->pull(second_->pull(x), context);
  }
  Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override;
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  LogDensity log_density(const Tensor& x, Rng& rng, const Tensor& context = {}) const override;
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;
  Transform& first() { return *first_; }
  Transform& second() { return *second_; }

  static void fields(auto& self, auto&& visit) {
    visit("first", self.first_);
    visit("second", self.second_);
  }

 private:
  const char* family() const override { return "composition"; }
  std::unique_ptr<Transform> first_, second_;
};

/// x = scale · z + shift, coordinate by coordinate: what undoes the normalisation of the data.
class Affine final : public Implements<Affine, Transform> {
 public:
  /// scale, shift: [width], scale not zero.
  Affine(Tensor scale, Tensor shift);
  const Distribution& base() const override { return base_; }
  int64_t width() const override { return base_.width(); }
  Traits traits() const override;
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  Variable pull(const Variable& x, const Tensor& context = {}) const override;
  Mapped push_with_log_det(const Variable& z, const Tensor& context = {}) const override;
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override;
  const Tensor& scale() const { return scale_; }
  const Tensor& shift() const { return shift_; }

  static void fields(auto& self, auto&& visit) {
    visit("scale", self.scale_);
    visit("shift", self.shift_);
  }

 private:
  const char* family() const override { return "affine"; }
  Variable log_det(int64_t rows, double sign) const;
  Tensor scale_, shift_;
  Normal base_;
};

}  // namespace pf
