#pragma once
// Activation functions of neural networks.

#include "tensor/ops/exponential.h"
#include "tensor/ops/extremum.h"
#include "tensor/ops/hyperbolic.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/special.h"

namespace pf {

struct Sigmoid : Pointwise<1> {
  static constexpr auto name = "sigmoid";
  template <class V> constexpr V operator()(V x) const { return math::sigmoid(x); }
  template <class V> static constexpr auto partials(V, V y) { return std::array{y * (V(1) - y)}; }
};

struct LogSigmoid : Pointwise<1> {
  static constexpr auto name = "log_sigmoid";
  static constexpr Domain domain = {-6, 6};
  template <class V> constexpr V operator()(V x) const { return math::log_sigmoid(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{sigmoid(-x)}; }
};

struct Softplus : Pointwise<1> {
  static constexpr auto name = "softplus";
  static constexpr Domain domain = {-6, 6};
  template <class V> constexpr V operator()(V x) const { return math::softplus(x); }
  template <class V> static constexpr auto partials(V x) { return std::array{sigmoid(x)}; }
};

struct Logit : Pointwise<1> {
  static constexpr auto name = "logit";
  static constexpr Domain domain = {0.05, 0.95};
  template <class V> constexpr V operator()(V p) const { return log(p) - log1p(-p); }
  template <class V> static constexpr auto partials(V p) { return std::array{V(1) / (p * (V(1) - p))}; }
};

struct Relu : Pointwise<1> {
  static constexpr auto name = "relu";
  static constexpr Domain domain = {-3, 3, {0}};
  template <class V> constexpr V operator()(V x) const { return max(x, V(0)); }
  template <class V> static constexpr auto partials(V x) { return std::array{select(x > V(0), V(1), V(0))}; }
};

struct LeakyRelu : Pointwise<1> {
  static constexpr auto name = "leaky_relu";
  static constexpr Domain domain = {-3, 3, {0}};
  double slope = 0.01;
  template <class V> constexpr V operator()(V x) const { return select(x > V(0), x, x * V(slope)); }
  template <class V> constexpr auto partials(V x) const { return std::array{select(x > V(0), V(1), V(slope))}; }
};

struct Elu : Pointwise<1> {
  static constexpr auto name = "elu";
  static constexpr Domain domain = {-3, 3, {0}};
  double alpha = 1;
  double scale = 1;
  template <class V> constexpr V operator()(V x) const { return V(scale) * select(x > V(0), x, V(alpha) * expm1(x)); }
  // The exponential of a large x would be ∞, and ∞ times the 0 of the branch not taken is NaN in a second derivative.
  template <class V> constexpr auto partials(V x) const {
    return std::array{V(scale) * select(x > V(0), V(1), V(alpha) * exp(min(x, V(0))))};
  }
};

struct Silu : Pointwise<1> {
  static constexpr auto name = "silu";
  template <class V> constexpr V operator()(V x) const { return x * sigmoid(x); }
  template <class V> static constexpr auto partials(V x, V y) {
    const V s = sigmoid(x);
    return std::array{s + y * (V(1) - s)};
  }
};

struct Gelu : Pointwise<1> {
  static constexpr auto name = "gelu";
  template <class V> constexpr V operator()(V x) const { return x * ndtr(x); }
  template <class V> static constexpr auto partials(V x) {
    return std::array{ndtr(x) + x * (V(0.398942280401432677940) * exp(V(-0.5) * x * x))};
  }
};

struct GeluTanh : Pointwise<1> {
  static constexpr auto name = "gelu_tanh";
  // ½(1 + tanh u) is sigmoid(2u); here 2u = x·(c + d·x²).
  static constexpr double c = 1.59576912160573071, d = 0.0713548162726002507;
  template <class V> constexpr V operator()(V x) const { return x * sigmoid(x * (V(c) + V(d) * x * x)); }
  template <class V> static constexpr auto partials(V x, V y) {
    const V square = x * x;
    const V s = sigmoid(x * (V(c) + V(d) * square));
    return std::array{s + y * (V(1) - s) * (V(c) + V(3 * d) * square)};
  }
};

struct Mish : Pointwise<1> {
  static constexpr auto name = "mish";
  // tanh(log(1 + eˣ)) is n / (n + 2) with n = eˣ(eˣ + 2); for x > 0 both are divided by e²ˣ.
  template <class V> constexpr V operator()(V x) const {
    const V u = exp(-abs(x));
    const auto left = x < V(0);
    const V n = select(left, u * (u + V(2)), V(1) + V(2) * u);
    return x * n / (n + select(left, V(2), V(2) * u * u));
  }
  template <class V> static constexpr auto partials(V x) {
    const V t = tanh(softplus(x));
    return std::array{t + x * (V(1) - t * t) * sigmoid(x)};
  }
};

struct Softsign : Pointwise<1> {
  static constexpr auto name = "softsign";
  template <class V> constexpr V operator()(V x) const { return x / (V(1) + abs(x)); }
  template <class V> static constexpr auto partials(V x) {
    const V r = V(1) / (V(1) + abs(x));
    return std::array{r * r};
  }
};

/// 1 / (1 + e⁻ˣ)
template <ArrayOrDual A> constexpr A sigmoid(const A& x) { return apply(Sigmoid{}, x); }
/// log sigmoid(x), also where that underflows.
template <ArrayOrDual A> constexpr A log_sigmoid(const A& x) { return apply(LogSigmoid{}, x); }
/// log(1 + eˣ) without overflow.
template <ArrayOrDual A> constexpr A softplus(const A& x) { return apply(Softplus{}, x); }
/// log(p / (1 − p)), the inverse of sigmoid; ±∞ at 1 and 0.
template <Operand A> constexpr A logit(const A& p) { return apply(Logit{}, p); }
/// max(x, 0), with derivative 0 at 0.
template <Operand A> constexpr A relu(const A& x) { return apply(Relu{}, x); }
/// x where that is positive, else slope·x.
template <Operand A> constexpr A leaky_relu(const A& x, double slope = 0.01) { return apply(LeakyRelu{{}, slope}, x); }
/// x where that is positive, else α(eˣ − 1) (Clevert et al. 2015, arXiv 1511.07289).
template <Operand A> constexpr A elu(const A& x, double alpha = 1) { return apply(Elu{{}, alpha}, x); }
/// elu with the α and the factor that keep mean 0 and variance 1 from layer to layer (Klambauer et al. 2017, arXiv
/// 1706.02515).
template <Operand A> constexpr A selu(const A& x) {
  return apply(Elu{{}, 1.6732632423543772848, 1.0507009873554804934}, x);
}
/// x·sigmoid(x), also called swish.
template <Operand A> constexpr A silu(const A& x) { return apply(Silu{}, x); }
/// x·Φ(x) (Hendrycks and Gimpel 2016, arXiv 1606.08415), exactly.
template <Operand A> constexpr A gelu(const A& x) { return apply(Gelu{}, x); }
/// gelu by the approximation with tanh that GPT-2 was trained with; off by up to 5e-4.
template <Operand A> constexpr A gelu_tanh(const A& x) { return apply(GeluTanh{}, x); }
/// x limited to [-1, 1].
template <Operand A> constexpr A hardtanh(const A& x) { return apply(Clamp{{}, -1, 1}, x); }
/// x·tanh(softplus(x)) (Misra 2019, arXiv 1908.08681).
template <Operand A> constexpr A mish(const A& x) { return apply(Mish{}, x); }
/// x / (1 + |x|)
template <Operand A> constexpr A softsign(const A& x) { return apply(Softsign{}, x); }

}  // namespace pf
