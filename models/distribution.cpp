#include "models/distribution.h"

#include <cmath>
#include <numbers>

#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/special.h"

namespace pf {

void check_rows(const char* op, const Shape& x, int64_t width) {
  check(x.rank() == 2 && x[1] == width, op, ": ", x, ": expected [n, ", width, "], one sample a row");
}

namespace {
const double log_2pi = std::log(2 * std::numbers::pi);
}

Variable Distribution::from_normal(const Variable&) const {
  fail(describe(), ": there is no map from normal noise, quantile to quantile; use sample");
}

Tensor Distribution::to_normal(const Tensor& x) const {
  // A quantile that was rounded to 0 or 1 counts as the number beside.
  const double nearest = x.dtype() == float32 ? 0x1p-24 : 0x1p-53;
  return ndtri(clamp(to_uniform(x), nearest, 1 - nearest));
}

bool Distribution::has_normal_coordinates() const {
  try {
    from_normal(Variable(zeros({1, width()})));
    return true;
  } catch (const Error&) { return false; }
}

Variable Normal::log_density(const Variable& x) const {
  check_rows("normal", x.shape(), width_);
  return sum(square(x), -1) * -0.5 - 0.5 * log_2pi * double(width_);
}
Tensor Normal::from_uniform(const Tensor& u) const { return ndtri(u); }
Tensor Normal::to_uniform(const Tensor& x) const { return ndtr(x); }

Variable Uniform::log_density(const Variable& x) const {
  check_rows("uniform", x.shape(), width_);
  const Tensor inside = logical_and(x.value() > 0.0, x.value() < 1.0);
  const Tensor outside = max(cast(logical_not(inside), x.dtype()), -1);
  return Variable(where(outside > 0.5, Tensor(-INFINITY), Tensor(0.0) * outside));
}

/// Kept inside the open cube: far out the distribution function rounds to its ends.
Variable Uniform::from_normal(const Variable& w) const {
  const double nearest = w.dtype() == float32 ? 0x1p-24 : 0x1p-53;
  return clamp(ndtr(w), nearest, 1 - nearest);
}

Mixture::Mixture(Tensor centres, Tensor weights, Tensor deviations) {
  check(centres.rank() == 2, "mixture: centres ", centres.shape(), ": expected [components, width]");
  const int64_t k = centres.size(0);
  check(weights.shape() == Shape{k} && deviations.shape() == Shape{k}, "mixture: ", k, " centres, weights ",
        weights.shape(), " and deviations ", deviations.shape(), ": expected one of each a component");
  centres_ = cast(centres, float64);
  weights_ = cast(weights, float64);
  deviations_ = cast(deviations, float64);
  for (int64_t i = 0; i < k; ++i) {
    check(weights_.at({i}) > 0, "mixture: weight ", i, " is ", weights_.at({i}), ": expected a positive number");
    check(deviations_.at({i}) > 0, "mixture: deviation ", i, " is ", deviations_.at({i}),
          ": expected a positive number");
  }
  weights_ = weights_ / sum(weights_);
}

Tensor Mixture::sample(int64_t n, Rng& rng, DType dtype) const {
  const std::vector<double> weights = weights_.to_vector<double>();
  const Device device = default_device();
  const UseDevice here(Device::cpu());
  const Tensor u = rng.uniform({n}, float64);
  Tensor out = rng.normal({n, width()}, float64);
  const Tensor all_centres = to_device(centres_, Device::cpu()), all_deviations = to_device(deviations_, Device::cpu());
  double* x = out.mutable_data<double>();
  const double* centres = all_centres.data<double>();
  const double* deviations = all_deviations.data<double>();
  for (int64_t i = 0; i < n; ++i) {
    size_t k = 0;
    for (double left = u.data<double>()[i] - weights[0]; left > 0 && k + 1 < weights.size(); left -= weights[k]) ++k;
    for (int64_t j = 0; j < width(); ++j)
      x[i * width() + j] = x[i * width() + j] * deviations[k] + centres[int64_t(k) * width() + j];
  }
  return to_device(cast(out, dtype), device);
}

Variable Mixture::log_density(const Variable& x) const {
  check_rows("mixture", x.shape(), width());
  const int64_t k = centres_.size(0);
  const DType dtype = x.dtype();
  const Tensor centres = reshape(cast(centres_, dtype), {1, k, width()});
  const Tensor deviations = cast(deviations_, dtype);
  const Tensor constant =
      log(cast(weights_, dtype)) - log(deviations) * double(width()) - 0.5 * log_2pi * double(width());
  const Variable squared = sum(square(unsqueeze(x, 1) - Variable(centres)), -1);  // [n, k]
  return logsumexp(squared * Variable(Tensor(-0.5) / square(deviations)) + Variable(constant), -1);
}
Tensor Mixture::from_uniform(const Tensor& u) const {
  check(centres_.size(0) == 1, "mixture: ", centres_.size(0),
        " components have no coordinate-wise quantile map; use sample");
  return ndtri(u) * cast(deviations_, u.dtype()) + cast(centres_, u.dtype());
}
Tensor Mixture::to_uniform(const Tensor& x) const {
  check(centres_.size(0) == 1, "mixture: ", centres_.size(0),
        " components have no coordinate-wise quantile map; use sample");
  return ndtr((x - cast(centres_, x.dtype())) / cast(deviations_, x.dtype()));
}

Variable Mixture::from_normal(const Variable& w) const {
  check(centres_.size(0) == 1, "mixture: ", centres_.size(0),
        " components have no coordinate-wise quantile map; use sample");
  return w * Variable(cast(deviations_, w.dtype())) + Variable(cast(centres_, w.dtype()));
}

Empirical::Empirical(Tensor rows) : rows_(std::move(rows)) {
  check(rows_.rank() == 2 && rows_.size(0) > 0, "empirical distribution: rows ", rows_.shape(),
        ": expected [n, width], n at least 1");
}
Tensor Empirical::sample(int64_t n, Rng& rng, DType dtype) const {
  return cast(index_select(rows_, 0, rng.integers(rows_.size(0), {n})), dtype);
}
Variable Empirical::log_density(const Variable&) const {
  fail("empirical distribution: rows of data have no density; use a base that has one");
}
Tensor Empirical::from_uniform(const Tensor&) const {
  fail("empirical distribution: rows of data have no quantile map; use sample");
}
Tensor Empirical::to_uniform(const Tensor&) const {
  fail("empirical distribution: rows of data have no quantile map; use sample");
}

Product::Product(std::vector<std::shared_ptr<const Distribution>> parts) : parts_(std::move(parts)) {
  for (const auto& part : parts_) width_ += part->width();
}

template <class F> Tensor Product::map_parts(const Tensor& x, const F& f) const {
  check_rows("product", x.shape(), width_);
  std::vector<Tensor> out;
  int64_t at = 0;
  for (const auto& part : parts_) {
    out.push_back(f(*part, slice(x, 1, at, at + part->width())));
    at += part->width();
  }
  return concat(out, 1);
}

Tensor Product::sample(int64_t n, Rng& rng, DType dtype) const {
  std::vector<Tensor> out;
  for (const auto& part : parts_) out.push_back(part->sample(n, rng, dtype));
  return concat(out, 1);
}
Variable Product::log_density(const Variable& x) const {
  check_rows("product", x.shape(), width_);
  Variable total;
  int64_t at = 0;
  for (const auto& part : parts_) {
    const Variable term = part->log_density(slice(x, 1, at, at + part->width()));
    total = total.defined() ? total + term : term;
    at += part->width();
  }
  return total;
}
Tensor Product::from_uniform(const Tensor& u) const {
  return map_parts(u, [](const Distribution& part, const Tensor& x) { return part.from_uniform(x); });
}
Tensor Product::to_uniform(const Tensor& x) const {
  return map_parts(x, [](const Distribution& part, const Tensor& y) { return part.to_uniform(y); });
}
Tensor Product::to_normal(const Tensor& x) const {
  return map_parts(x, [](const Distribution& part, const Tensor& y) { return part.to_normal(y); });
}
Variable Product::from_normal(const Variable& w) const {
  check_rows("product", w.shape(), width_);
  std::vector<Variable> out;
  int64_t at = 0;
  for (const auto& part : parts_) {
    out.push_back(part->from_normal(slice(w, 1, at, at + part->width())));
    at += part->width();
  }
  return concat(out, 1);
}
std::string Product::describe() const {
  std::string out;
  for (const auto& part : parts_) out += (out.empty() ? "" : " × ") + part->describe();
  return out;
}

}  // namespace pf
