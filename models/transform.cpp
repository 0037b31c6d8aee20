#include "models/transform.h"

#include <algorithm>
#include <cmath>

namespace pf {

const char* name_of(DensityKind kind) {
  constexpr const char* names[] = {"exact", "ode", "bound", "none", "injective", "ais"};
  return names[int(kind)];
}

void Transform::cannot(const char* what, const char* instead) const { fail(family(), ": ", what, "; ", instead); }

Variable Transform::push_relaxed(const Variable& z, double temperature, const Tensor& context) const {
  check(temperature > 0, family(), ": a relaxed map at temperature ", temperature, ": expected a positive number");
  if (!traits().smooth) cannot("the map is a step function without a relaxed map", "nothing can follow its slope");
  return push(z, context);
}
Variable Transform::pull(const Variable&, const Tensor&) const {
  cannot("the map has no exact inverse", "use encode, or invert by optimisation");
}
Mapped Transform::push_with_log_det(const Variable&, const Tensor&) const {
  cannot("the map has no log-determinant", "its traits say which kind of density it has");
}
Mapped Transform::pull_with_log_det(const Variable&, const Tensor&) const {
  cannot("the map has no log-determinant", "its traits say which kind of density it has");
}
std::vector<Tensor> Transform::path(const Tensor& z, const Tensor& context) const {
  const Tensor x = push(z, context).value();
  if (!traits().same_width) return {x};
  return {z, x};
}

LogDensity Transform::log_density(const Tensor& x, Rng&, const Tensor& context) const {
  const Traits t = traits();
  if (t.density == DensityKind::none) cannot("the family has no density", "compare samples instead (evaluate)");
  check_rows("log_density", x.shape(), width());
  const Mapped pulled = pull_with_log_det(x, context);
  return {(base().log_density(pulled.value) + pulled.log_det).value(), t.density, "change of variables"};
}

Tensor Transform::encode(const Tensor& x, const Tensor& context) const { return pull(x, context).value(); }

Composed::Composed(std::unique_ptr<Transform> first, std::unique_ptr<Transform> second)
    : first_(std::move(first)), second_(std::move(second)) {
  check(first_->width() == second_->base().width(), "compose: the first map gives ", first_->width(),
        " numbers and the second takes ", second_->base().width(), "; their widths must agree");
}

Traits Composed::traits() const {
  const Traits a = first_->traits(), b = second_->traits();
  Traits t;
  t.invertible = a.invertible && b.invertible;
  t.same_width = a.same_width && b.same_width;
  t.reconstructs = a.reconstructs && b.reconstructs;
  t.smooth = a.smooth && b.smooth;
  t.relaxed = a.smooth ? b.relaxed : a.relaxed;
  // Behind an exact bijection a density keeps its kind; otherwise there is none.
  t.density = b.density == DensityKind::exact && b.invertible                    ? a.density
              : a.density == DensityKind::exact && b.density == DensityKind::ode ? DensityKind::ode
                                                                                 : DensityKind::none;
  t.steps = a.steps + b.steps;
  t.inverse_error = std::max(a.inverse_error, b.inverse_error) * 10;
  return t;
}

Mapped Composed::push_with_log_det(const Variable& z, const Tensor& context) const {
  const Mapped a = first_->push_with_log_det(z, context);
  const Mapped b = second_->push_with_log_det(a.value);
  return {b.value, a.log_det + b.log_det};
}

Mapped Composed::pull_with_log_det(const Variable& x, const Tensor& context) const {
  const Mapped b = second_->pull_with_log_det(x);
  const Mapped a = first_->pull_with_log_det(b.value, context);
  return {a.value, a.log_det + b.log_det};
}

std::vector<Tensor> Composed::path(const Tensor& z, const Tensor& context) const {
  std::vector<Tensor> all = first_->path(z, context);
  const std::vector<Tensor> rest = second_->path(all.back());
  all.insert(all.end(), rest.begin() + 1, rest.end());
  return all;
}

LogDensity Composed::log_density(const Tensor& x, Rng& rng, const Tensor& context) const {
  const Mapped pulled = second_->pull_with_log_det(x);
  LogDensity inner = first_->log_density(pulled.value.value(), rng, context);
  inner.value = inner.value + pulled.log_det.value();
  return inner;
}

Tensor Composed::encode(const Tensor& x, const Tensor& context) const {
  return first_->encode(second_->encode(x), context);
}

Affine::Affine(Tensor scale, Tensor shift) : scale_(std::move(scale)), shift_(std::move(shift)), base_(scale_.numel()) {
  check(scale_.rank() == 1 && scale_.shape() == shift_.shape(), "affine: scale ", scale_.shape(), " and shift ",
        shift_.shape(), ": expected two vectors of one length");
  for (double s : cast(scale_, float64).to_vector<double>())
    check(s != 0 && std::isfinite(s), "affine: a scale of ", s,
          " cannot be undone; a column of the data may be constant");
}

Traits Affine::traits() const {
  return {.invertible = true, .same_width = true, .density = DensityKind::exact, .steps = 0, .inverse_error = 1e-9};
}

Variable Affine::push(const Variable& z, const Tensor&) const {
  return z * Variable(cast(scale_, z.dtype())) + Variable(cast(shift_, z.dtype()));
}
Variable Affine::pull(const Variable& x, const Tensor&) const {
  return (x - Variable(cast(shift_, x.dtype()))) / Variable(cast(scale_, x.dtype()));
}
Variable Affine::log_det(int64_t rows, double sign) const {
  double sum = 0;
  for (double s : cast(scale_, float64).to_vector<double>()) sum += std::log(std::abs(s));
  return Variable(full({rows}, sign * sum, scale_.dtype()));
}
Mapped Affine::push_with_log_det(const Variable& z, const Tensor&) const {
  return {push(z), Variable(cast(log_det(z.size(0), 1).value(), z.dtype()))};
}
Mapped Affine::pull_with_log_det(const Variable& x, const Tensor&) const {
  return {pull(x), Variable(cast(log_det(x.size(0), -1).value(), x.dtype()))};
}

}  // namespace pf
