#pragma once
// Softmax, its logarithm, and the logarithm of a sum of exponentials. The largest element is taken out first, so nothing
// overflows; each row is worked on while it is in the cache.

#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/where.h"

namespace pf {

/// exp(x) / Σ exp(x) along one axis.
struct Softmax {
  static constexpr auto name = "softmax";
  int axis = -1;
  Tensor eval(const Tensor& x) const;
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A&, const A& y) const {
    return {y * (g - sum(g * y, axis, true))};
  }
  template <Array A> A jvp(const std::array<A, 1>& tangents, const A&, const A& y) const {
    return y * (tangents[0] - sum(tangents[0] * y, axis, true));
  }
  std::array<Tensor, 1> fused_vjp(Wanted, const Tensor& g, const Tensor& x, const Tensor& y) const;
};

/// x - log Σ exp(x) along one axis.
struct LogSoftmax {
  static constexpr auto name = "log_softmax";
  int axis = -1;
  Tensor eval(const Tensor& x) const;
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A&, const A& y) const {
    return {g - exp(y) * sum(g, axis, true)};
  }
  template <Array A> A jvp(const std::array<A, 1>& tangents, const A&, const A& y) const {
    return tangents[0] - sum(exp(y) * tangents[0], axis, true);
  }
  std::array<Tensor, 1> fused_vjp(Wanted, const Tensor& g, const Tensor& x, const Tensor& y) const;
};

struct LogSumExp {
  static constexpr auto name = "logsumexp";
  Axes axes;
  bool keepdim = false;
  Tensor eval(const Tensor& x) const;
  template <Array A> std::array<A, 1> vjp(Wanted, const A& g, const A& x, const A& y) const {
    return {detail::spread(g, axes, x.shape(), name) * weights(x, y)};
  }
  template <Array A> A jvp(const std::array<A, 1>& tangents, const A& x, const A& y) const {
    return sum(tangents[0] * weights(x, y), axes, keepdim);
  }

 private:
  /// exp(x - y), the softmax; where everything is -∞, so that y is too, the weights are 0.
  template <Array A> A weights(const A& x, const A& y) const {
    const Tensor nothing = equal(value_of(y), -std::numeric_limits<double>::infinity());
    const A finite = replaced_where(nothing, 0.0, y);
    return exp(x - reshape(finite, detail::reduced_shape(x.shape(), axes, true, name)));
  }
};

/// exp(x) / Σ exp(x) along one axis: positive, with sum 1.
template <Array A> A softmax(const A& x, int axis = -1) {
  return apply(Softmax{normalize_axis(axis, x.rank(), "softmax")}, x);
}
/// The logarithm of softmax, without the loss of precision of taking it afterwards.
template <Array A> A log_softmax(const A& x, int axis = -1) {
  return apply(LogSoftmax{normalize_axis(axis, x.rank(), "log_softmax")}, x);
}
/// log Σ exp(x) over the given axes, over all when none are given. The logarithm of the sum of nothing is -∞.
template <Array A> A logsumexp(const A& x, const Axes& axes = {}, bool keepdim = false) {
  return apply(LogSumExp{axes, keepdim}, x);
}

}  // namespace pf
