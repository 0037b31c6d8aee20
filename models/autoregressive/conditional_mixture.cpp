#include "models/autoregressive/conditional_mixture.h"

#include <algorithm>
#include <cmath>

#include "models/autoregressive/mixture_terms.h"
#include "tensor/ops/join.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tensor/parallel.h"

namespace pf {
namespace {

constexpr double least_log_scale = -7, greatest_log_scale = 2;
constexpr double half_log_2pi = 0.918938533204672741780;
constexpr int64_t at_once = 64;  // numbers that a thread takes

template <Array A> A terms(Component component, const A& x, const A& log_weights, const A& means, const A& log_scales) {
  const A at = unsqueeze(x, -1);
  return component == Component::normal ? apply(NormalTerm{}, at, log_weights, means, log_scales)
                                        : apply(LogisticTerm{}, at, log_weights, means, log_scales);
}
template <Array A> A standard_cdf(Component component, const A& z) {
  return component == Component::normal ? ndtr(z) : sigmoid(z);
}
double constant(Component component) { return component == Component::normal ? half_log_2pi : 0; }

/// One mixture in double precision, for finding one quantile.
class Line {
 public:
  Line(Component component, int64_t count) : normal_(component == Component::normal), parts_(size_t(count)) {}

  template <class T> void load(const T* log_weights, const T* means, const T* log_scales) {
    double top = -INFINITY, total = 0;
    for (size_t k = 0; k < parts_.size(); ++k) top = std::max(top, double(log_weights[k]));
    for (size_t k = 0; k < parts_.size(); ++k) {
      parts_[k] = {std::exp(double(log_weights[k]) - top), double(means[k]), std::exp(-double(log_scales[k]))};
      total += parts_[k].weight;
    }
    for (Part& part : parts_) part.weight /= total;
  }

  // Newton's method on the logarithm of the smaller tail, which is nearly straight far out, within a bracket: the mixture's
  // quantile lies between the least and the greatest of the components'.
  double quantile(double u) const {
    const bool upper = u > 0.5;
    const double target = upper ? 1 - u : u, sign = upper ? -1 : 1;
    const double standard = sign * (normal_ ? math::ndtri(target) : std::log(target) - std::log1p(-target));
    double low = INFINITY, high = -INFINITY, x = 0, sharpest = 0;
    for (const Part& part : parts_) {
      const double at = part.mean + standard / part.inverse_scale;
      low = std::min(low, at);
      high = std::max(high, at);
      x += part.weight * at;
      sharpest = std::max(sharpest, part.inverse_scale);
    }
    x = std::clamp(x, low, high);
    if (!(low < high)) return x;
    double last = high - low;
    for (int i = 0; i < 200; ++i) {
      double tail = 0, density = 0;
      for (const Part& part : parts_) {
        const double z = (x - part.mean) * part.inverse_scale;
        if (normal_) {
          tail += part.weight * math::ndtr(sign * z);
          density += part.weight * part.inverse_scale * std::exp(-0.5 * z * z - half_log_2pi);
        } else {
          const double e = std::exp(-std::abs(z)), s = 1 / (1 + e);
          tail += part.weight * (sign * z > 0 ? s : e * s);
          density += part.weight * part.inverse_scale * e * s * s;
        }
      }
      if (std::abs(tail / target - 1) < 5e-16) return x;
      ((tail > target) == upper ? low : high) = x;
      const double step = -sign * std::log(tail / target) * tail / density;
      double next = x + step;
      // Bisection where Newton's step leaves the bracket or does not shrink.
      if (!(next > low && next < high) || std::abs(step) > 0.5 * last) next = low + 0.5 * (high - low);
      if (next == x || !(high - low > 1e-16 * std::abs(x))) return x;
      // So small a step of Newton's leaves an error of its square.
      if (std::abs(step) * sharpest < 1e-8) return std::clamp(x + step, low, high);
      last = std::abs(next - x);
      x = next;
    }
    return x;
  }

 private:
  struct Part {
    double weight, mean, inverse_scale;
  };
  bool normal_;
  std::vector<Part> parts_;
};

template <class T>
void find_quantiles(Component component, const Tensor& u, const Tensor& log_weights, const Tensor& means,
                    const Tensor& log_scales, Tensor& out) {
  const int64_t n = u.numel(), count = means.size(-1);
  const T *at = u.data<T>(), *w = log_weights.data<T>(), *m = means.data<T>(), *s = log_scales.data<T>();
  T* x = out.mutable_data<T>();
  parallel_for((n + at_once - 1) / at_once, [&](int64_t part) {
    Line line(component, count);
    for (int64_t i = part * at_once; i < std::min(n, (part + 1) * at_once); ++i) {
      line.load(w + i * count, m + i * count, s + i * count);
      x[i] = T(line.quantile(double(at[i])));
    }
  });
}

/// x with F(x) = u. The rule is written in x itself, so derivatives of derivatives follow.
struct MixtureQuantile {
  static constexpr auto name = "mixture_quantile";
  Component component;

  Tensor eval(const Tensor& u, const Tensor& log_weights, const Tensor& means, const Tensor& log_scales) const {
    Tensor x = Tensor::empty(u.shape(), u.dtype());
    auto run = [&](auto zero) {
      const auto here = [](const Tensor& t) { return to_device(contiguous(t), Device::cpu()); };
      find_quantiles<decltype(zero)>(component, here(u), here(log_weights), here(means), here(log_scales), x);
    };
    if (u.dtype() == float32) run(0.0f);
    else run(0.0);
    return to_device(x, u.device());
  }

  template <Array A>
  std::array<A, 4> vjp(Wanted, const A& g, const A& u, const A& log_weights, const A& means, const A& log_scales,
                       const A& x) const {
    const A each = terms(component, x, log_weights, means, log_scales), at = logsumexp(each, -1, true);
    const A share = exp(each - at);  // of each component in p(x)
    const A log_p = squeeze(at, -1) - logsumexp(log_weights, -1) - constant(component);
    const A by_u = g * exp(-log_p), spread = unsqueeze(g, -1) * share;
    const A distance = unsqueeze(x, -1) - means;
    // ∂F/∂(log-weight k) = w_k (F_k − F), in the smaller tail, where nothing cancels.
    const Tensor upper = value_of(u) > 0.5;
    const Tensor sign = where(upper, full(u.shape(), -1.0, u.dtype(), u.device()), ones_like(value_of(u)));
    const A target = where(upper, 1.0 - u, u), z = distance * exp(-log_scales) * unsqueeze(sign, -1);
    const A excess = standard_cdf(component, z) - unsqueeze(target, -1);
    const A by_weight = -(unsqueeze(by_u * sign, -1) * softmax(log_weights, -1) * excess);
    return {by_u, by_weight, spread, spread * distance};
  }
};

}  // namespace

ConditionalMixture ConditionalMixture::from(const Variable& output, Component component) {
  auto [log_weights, means, log_scales] = chunk<3>(output, -1);
  return {component, log_weights, means, clamp(log_scales, least_log_scale, greatest_log_scale)};
}

Variable ConditionalMixture::log_density(const Variable& x) const {
  return logsumexp(terms(component, x, log_weights, means, log_scales), -1) - logsumexp(log_weights, -1) -
         constant(component);
}

Variable ConditionalMixture::cdf(const Variable& x) const {
  const Variable z = (unsqueeze(x, -1) - means) * exp(-log_scales);
  const Variable u = sum(softmax(log_weights, -1) * standard_cdf(component, z), -1);
  return inside_unit_interval(u);
}

Variable ConditionalMixture::quantile(const Variable& u) const {
  return apply(MixtureQuantile{component}, u, log_weights, means, log_scales);
}

}  // namespace pf
