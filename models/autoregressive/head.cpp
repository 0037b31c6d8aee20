#include "models/autoregressive/head.h"

#include <cmath>

#include "models/autoregressive/conditional_mixture.h"
#include "models/autoregressive/discrete_heads.h"
#include "tensor/ops/join.h"
#include "tensor/ops/reduce.h"

namespace pf {
namespace {

class MixtureHead final : public ConditionalHead {
 public:
  MixtureHead(Component component, int64_t components) : component_(component), components_(components) {}
  int64_t outputs() const override { return 3 * components_; }
  /// The components start side by side over the bulk of normalised data.
  Tensor start() const override {
    const int64_t k = components_;
    const Tensor means = k > 1 ? linspace(-2, 2, k) : zeros({1});
    return concat({zeros({k}), means, full({k}, k > 1 ? std::log(4.0 / double(k)) : 0.0)}, 0);
  }
  Variable log_density(const Variable& output, const Variable& x) const override {
    return ConditionalMixture::from(output, component_).log_density(x);
  }
  Variable quantile(const Variable& output, const Variable& u) const override {
    return ConditionalMixture::from(output, component_).quantile(u);
  }
  Variable cdf(const Variable& output, const Variable& x) const override {
    return ConditionalMixture::from(output, component_).cdf(x);
  }

 private:
  Component component_;
  int64_t components_;
};

}  // namespace

Variable ConditionalHead::shares(const Variable&, const Variable&, double) const {
  fail("autoregressive: real numbers have no levels to share; their quantile is smooth as it is");
}
Variable mean_level(const Variable& shares) {
  return sum(shares * Variable(arange(0, double(shares.size(-1)), 1, shares.dtype())), -1);
}
Variable ConditionalHead::cdf(const Variable&, const Variable&) const {
  fail("autoregressive: a step function has no value between its steps; ask for the interval");
}
NoiseInterval ConditionalHead::interval(const Tensor&, const Tensor&) const {
  fail("autoregressive: one number u leads to a real x; ask for the distribution function");
}

Tensor NoiseInterval::point(const Tensor& at, DType dtype) const {
  const auto here = [](const Tensor& x) { return to_device(contiguous(x), Device::cpu()); };
  const Tensor from = here(low), to = here(high), w = here(cast(at, float64));
  Tensor out = Tensor::empty(from.shape(), dtype);
  dispatch_floating(dtype, "autoregressive", [&]<class T>() {
    T* u = out.mutable_data<T>();
    for (int64_t i = 0; i < out.numel(); ++i) {
      const double a = from.data<double>()[i], b = to.data<double>()[i];
      u[i] = T(a + w.data<double>()[i] * (b - a));
      if (double(u[i]) >= b) u[i] = std::nextafter(u[i], T(0));
      if (double(u[i]) < a) u[i] = std::nextafter(u[i], T(1));
    }
  });
  return to_device(out, low.device());
}

std::unique_ptr<const ConditionalHead> make_head(Conditional conditional, int64_t components, int64_t levels) {
  check(components >= 1, "autoregressive: ", components, " components: expected at least 1");
  switch (conditional) {
    case Conditional::normal_mixture:
      return std::make_unique<MixtureHead>(Component::normal, components);
    case Conditional::logistic_mixture:
      return std::make_unique<MixtureHead>(Component::logistic, components);
    case Conditional::bernoulli:
      return bernoulli_head();
    case Conditional::categorical:
      return categorical_head(levels);
    case Conditional::discretised_logistic:
      return discretised_logistic_head(components, levels);
  }
  fail("autoregressive: no such head");
}

}  // namespace pf
