#include "autograd/functional.h"

#include "autograd/tape.h"
#include "tensor/ops/join.h"
#include "tensor/strided.h"

namespace pf {
namespace {

/// f at x, on a graph of its own that ends at `at`.
template <Array A> struct Local {
  Variable at, y;
  bool record;  // whether the derivatives themselves depend on something tracked

  Local(const Map& f, const A& x) {
    const uint64_t first = Node::next_number();
    at = std::same_as<A, Tensor> ? tracked(value_of(x)) : alias(x);
    y = f(at);
    check(y.defined(), "derivative: the function gave an empty Variable handle back");
    record = std::same_as<A, Variable> && !captured_since(first, y.node()).empty();
  }
  A value() const {
    if constexpr (std::same_as<A, Tensor>) return y.value();
    else return record ? y : stop_gradient(y);
  }
  /// gᵀ ∂y/∂x. A map that ignores x has derivative zero.
  A pull(const A& g) const {
    const std::span<const Variable> target(&at, 1);
    const WalkOptions options{.allow_unused = true, .stop_at_targets = true};
    if constexpr (std::same_as<A, Variable>)
      if (record) return pull_cotangents<Variable>(y, target, g, options)[0];
    return A(pull_cotangents<Tensor>(y, target, value_of(g), options)[0]);
  }
  /// ∂of/∂x · t, for what was made from y.
  A push(const Variable& of, const A& t) const {
    const std::span<const Variable> input(&at, 1);
    if constexpr (std::same_as<A, Variable>)
      if (record) return push_tangents<Variable>(of, input, std::span(&t, 1));
    return A(push_tangents<Tensor>(of, input, std::span(&value_of(t), 1)));
  }
};

/// Zeros but for a one at element `i`.
Tensor unit(const Shape& shape, const Variable& like, int64_t i) {
  return detail::replayable([shape, i, dtype = like.dtype(), device = like.device()] {
    Tensor out = zeros(shape, dtype, device);
    assign_strided(ones({1}, dtype, device), out, Layout{{1}, {1}, i});
    return out;
  });
}
/// The same in every sample: [B, ...] with ones at element `i` of each.
Tensor unit_of_each(const Shape& shape, const Variable& like, int64_t i) {
  Shape sample = shape;
  sample[0] = 1;
  return expand(unit(sample, like, i), shape);
}

int64_t sample_size(const char* op, const Shape& shape) {
  check(shape.rank() >= 1, op, ": input []: expected a first axis of samples, [B, ...]");
  int64_t n = 1;
  for (int i = 1; i < shape.rank(); ++i) n *= shape[i];
  return n;
}
void check_field(const char* op, const Shape& x, const Shape& y) {
  check(x == y, op, ": a map from ", x, " to ", y, ": expected the same shape, [B, ...]");
}

}  // namespace

ValueAndGradient value_and_grad(const Map& f, const Tensor& x) {
  const Variable at = tracked(x);
  Variable y = f(at);
  const Tensor value = y.value();
  return {value, grad(std::move(y), at)};
}

template <Array A> ValueAndPullback<A> vjp(const Map& f, const A& x) {
  const Local<A> local(f, x);
  return {local.value(), [local](const A& g) { return local.pull(g); }};
}

template <Array A> ValueAndTangent<A> jvp(const Map& f, const A& x, const std::type_identity_t<A>& t) {
  const Local<A> local(f, x);
  return {local.value(), local.push(local.y, t)};
}

template <Array A> A hvp(const Map& f, const A& x, const std::type_identity_t<A>& v) {
  const Local<A> local(f, x);
  check(local.y.numel() == 1, "hvp: the function's value has shape ", local.y.shape(), ": expected one element");
  const Variable gradient =
      pull_cotangents<Variable>(local.y, std::span(&local.at, 1), Variable(ones_like(local.y.value())),
                                {.allow_unused = true, .stop_at_targets = true})[0];
  return local.push(gradient, v);
}

template <Array A> A jacobian(const Map& f, const A& x) {
  const Local<A> local(f, x);
  Shape shape = local.y.shape();
  for (int64_t size : x.shape()) shape.push_back(size);
  std::vector<A> rows;
  for (int64_t i = 0; i < local.y.numel(); ++i) rows.push_back(local.pull(A(unit(local.y.shape(), local.y, i))));
  return rows.empty() ? A(zeros(shape, x.dtype(), x.device())) : reshape(stack(rows), shape);
}

template <Array A> A batch_jacobian(const Map& f, const A& x) {
  check(x.rank() == 2, "batch_jacobian: input ", x.shape(), ": expected [B, d]");
  const Local<A> local(f, x);
  const Shape& y = local.y.shape();
  check(y.rank() == 2 && y[0] == x.shape()[0], "batch_jacobian: a map from ", x.shape(), " to ", y,
        ": expected [B, e] with the same B");
  std::vector<A> rows;
  for (int64_t i = 0; i < y[1]; ++i) rows.push_back(local.pull(A(unit_of_each(y, local.y, i))));
  return rows.empty() ? A(zeros({y[0], 0, x.shape()[1]}, x.dtype(), x.device())) : stack(rows, 1);
}

template <Array A> ValueAndDivergence<A> divergence(const Map& f, const A& x) {
  const int64_t size = sample_size("divergence", x.shape()), samples = x.shape()[0];
  const Local<A> local(f, x);
  check_field("divergence", x.shape(), local.y.shape());
  A total(zeros({samples}, x.dtype(), x.device()));
  for (int64_t i = 0; i < size; ++i) {
    const A row = local.pull(A(unit_of_each(x.shape(), local.y, i)));
    total = total + pick(reshape(row, {samples, size}), 1, i);
  }
  return {local.value(), total};
}

template <Array A> ValueAndDivergence<A> hutchinson_divergence(const Map& f, const A& x, const Tensor& probe) {
  const int64_t size = sample_size("hutchinson_divergence", x.shape()), samples = x.shape()[0];
  check(probe.shape() == x.shape(), "hutchinson_divergence: probe ", probe.shape(), " for an input ", x.shape(),
        ": shapes must agree");
  const Local<A> local(f, x);
  check_field("hutchinson_divergence", x.shape(), local.y.shape());
  const A row = local.pull(A(probe));
  return {local.value(), sum(reshape(row * probe, {samples, size}), -1)};
}

template <Array A> A laplacian(const Map& f, const A& x) {
  const Map score = [&](const Variable& at) {
    const Variable y = f(at);
    check(y.shape() == Shape{x.shape()[0]}, "laplacian: a map from ", x.shape(), " to ", y.shape(), ": expected [B]");
    return recorded_grad(sum(y), at, {.allow_unused = true, .stop_at_targets = true});
  };
  sample_size("laplacian", x.shape());
  return divergence(score, x).divergence;
}

template ValueAndPullback<Tensor> vjp(const Map&, const Tensor&);
template ValueAndPullback<Variable> vjp(const Map&, const Variable&);
template ValueAndTangent<Tensor> jvp(const Map&, const Tensor&, const Tensor&);
template ValueAndTangent<Variable> jvp(const Map&, const Variable&, const Variable&);
template Tensor hvp(const Map&, const Tensor&, const Tensor&);
template Variable hvp(const Map&, const Variable&, const Variable&);
template Tensor jacobian(const Map&, const Tensor&);
template Variable jacobian(const Map&, const Variable&);
template Tensor batch_jacobian(const Map&, const Tensor&);
template Variable batch_jacobian(const Map&, const Variable&);
template ValueAndDivergence<Tensor> divergence(const Map&, const Tensor&);
template ValueAndDivergence<Variable> divergence(const Map&, const Variable&);
template ValueAndDivergence<Tensor> hutchinson_divergence(const Map&, const Tensor&, const Tensor&);
template ValueAndDivergence<Variable> hutchinson_divergence(const Map&, const Variable&, const Tensor&);
template Tensor laplacian(const Map&, const Tensor&);
template Variable laplacian(const Map&, const Variable&);

namespace {
struct StraightThrough {
  static constexpr auto name = "straight_through";
  Tensor hard;
  Tensor eval(const Tensor&) const { return hard; }
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A&, const A&) const { return {g}; }
  template <Array A> A jvp(const std::array<A, 1>& tangents, const A&, const A&) const { return tangents[0]; }
};
}  // namespace

Variable straight_through(const Tensor& hard, const Variable& soft) {
  check(hard.shape() == soft.shape() && hard.dtype() == soft.dtype(), "straight_through: hard ", hard.dtype(), " ",
        hard.shape(), " and soft ", soft.dtype(), " ", soft.shape(), ": shapes and element types must agree");
  return apply(StraightThrough{hard}, soft);
}

}  // namespace pf
