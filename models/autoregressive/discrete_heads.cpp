#include "models/autoregressive/discrete_heads.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "models/autoregressive/conditional_mixture.h"
#include "models/autoregressive/discretised_logistic.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/scan.h"
#include "tensor/ops/softmax.h"
#include "tensor/parallel.h"

namespace pf {
namespace {

Variable logit_of(const Variable& u) { return logit(inside_unit_interval(u)); }

/// What lies between the steps: logits of P(x < k) for k = 1 … levels − 1, [..., levels − 1] → [..., levels].
Variable shares_between(const Variable& steps, const Variable& u, double temperature) {
  const Variable past = sigmoid((unsqueeze(logit_of(u), -1) - steps) * (1 / temperature));
  return pad(past, -1, 1, 0, 1) - pad(past, -1, 0, 1);
}

class BernoulliHead final : public ConditionalHead {
 public:
  int64_t outputs() const override { return 1; }
  int64_t levels() const override { return 2; }
  Variable log_density(const Variable& output, const Variable& x) const override {
    const Variable logit = squeeze(output, -1);
    return x * logit - softplus(logit);
  }
  Variable quantile(const Variable& output, const Variable& u) const override {
    return Variable(cast(less(u.value(), sigmoid(squeeze(output.value(), -1))), u.dtype()));
  }
  /// 1 is below the step here.
  Variable shares(const Variable& output, const Variable& u, double temperature) const override {
    const Variable one = sigmoid((squeeze(output, -1) - logit_of(u)) * (1 / temperature));
    return concat({unsqueeze(1.0 - one, -1), unsqueeze(one, -1)}, -1);
  }
  NoiseInterval interval(const Tensor& output, const Tensor& x) const override {
    const Tensor p = cast(sigmoid(squeeze(output, -1)), float64), one = x > 0.5;
    return {where(one, 0.0, p), where(one, p, 1.0)};
  }
};

// A line knows P(x < k) of one coordinate for k = 0 … levels, from its outputs.

class CategoricalLine {
 public:
  explicit CategoricalLine(int64_t levels) : below_(size_t(levels) + 1) {}
  template <class T> void load(const T* logits) {
    const size_t levels = below_.size() - 1;
    const double top = double(*std::max_element(logits, logits + levels));
    for (size_t k = 0; k < levels; ++k) below_[k + 1] = below_[k] + std::exp(double(logits[k]) - top);
    const double total = below_[levels];
    for (double& b : below_) b /= total;
  }
  int64_t levels() const { return int64_t(below_.size()) - 1; }
  double below(int64_t k) const { return below_[size_t(k)]; }

 private:
  std::vector<double> below_;
};

class LogisticLine {
 public:
  LogisticLine(int64_t levels, int64_t components) : levels_(levels), parts_(size_t(components)) {}
  /// Log-weights, means and log-scales, one after the other.
  template <class T> void load(const T* output) {
    const size_t count = parts_.size();
    double top = -INFINITY, total = 0;
    for (size_t k = 0; k < count; ++k) top = std::max(top, double(output[k]));
    for (size_t k = 0; k < count; ++k) {
      parts_[k] = {std::exp(double(output[k]) - top), double(output[count + k]),
                   std::exp(-double(output[2 * count + k]))};
      total += parts_[k].weight;
    }
    for (Part& part : parts_) part.weight /= total;
  }
  int64_t levels() const { return levels_; }
  double below(int64_t k) const {
    if (k <= 0 || k >= levels_) return k <= 0 ? 0 : 1;
    const double edge = (2 * double(k) - 1) / double(levels_ - 1) - 1;
    double total = 0;
    for (const Part& part : parts_) total += part.weight / (1 + std::exp((part.mean - edge) * part.inverse_scale));
    return std::min(total, 1.0);
  }

 private:
  struct Part {
    double weight, mean, inverse_scale;
  };
  int64_t levels_;
  std::vector<Part> parts_;
};

/// Calls body(T(), line, i) for every coordinate i, with its line loaded from the outputs [..., count].
template <class Line, class Body>
void for_each_line(const Line& prototype, const Tensor& output, int64_t coordinates, const Body& body) {
  constexpr int64_t at_once = 64;
  const Tensor rows = to_device(contiguous(output), Device::cpu());
  const int64_t count = output.size(-1);
  dispatch_floating(output.dtype(), "autoregressive", [&]<class T>() {
    const T* data = rows.data<T>();
    parallel_for((coordinates + at_once - 1) / at_once, [&](int64_t part) {
      Line line = prototype;
      for (int64_t i = part * at_once; i < std::min(coordinates, (part + 1) * at_once); ++i) {
        line.load(data + i * count);
        body(T(), line, i);
      }
    });
  });
}

template <class Line> Tensor find_levels(const Line& prototype, const Tensor& output, const Tensor& u) {
  const Tensor at = to_device(contiguous(u), Device::cpu());
  Tensor x = Tensor::empty(u.shape(), u.dtype());
  if (x.numel() == 0) return x;
  void* to = x.mutable_raw();
  for_each_line(prototype, output, x.numel(), [&]<class T>(T, const Line& line, int64_t i) {
    const double number = double(at.data<T>()[i]);
    // min{k : P(x < k + 1) > u}, by bisection.
    int64_t low = 0, high = line.levels() - 1;
    while (low < high) {
      const int64_t middle = (low + high) / 2;
      if (line.below(middle + 1) > number) high = middle;
      else low = middle + 1;
    }
    static_cast<T*>(to)[i] = T(low);
  });
  return to_device(x, u.device());
}

template <class Line> NoiseInterval find_intervals(const Line& prototype, const Tensor& output, const Tensor& x) {
  const Tensor level = to_device(contiguous(cast(x, int64)), Device::cpu());
  Tensor low = Tensor::empty(x.shape(), float64), high = Tensor::empty(x.shape(), float64);
  if (x.numel() == 0) return {low, high};
  double *from = low.mutable_data<double>(), *to = high.mutable_data<double>();
  for_each_line(prototype, output, x.numel(), [&](auto, const Line& line, int64_t i) {
    from[i] = line.below(level.data<int64_t>()[i]);
    to[i] = line.below(level.data<int64_t>()[i] + 1);
  });
  return {to_device(low, x.device()), to_device(high, x.device())};
}

class CategoricalHead final : public ConditionalHead {
 public:
  explicit CategoricalHead(int64_t levels) : levels_(levels) {}
  int64_t outputs() const override { return levels_; }
  int64_t levels() const override { return levels_; }
  Variable log_density(const Variable& output, const Variable& x) const override {
    return squeeze(gather(log_softmax(output, -1), -1, unsqueeze(cast(x.value(), int64), -1)), -1);
  }
  Variable quantile(const Variable& output, const Variable& u) const override {
    return Variable(find_levels(CategoricalLine(levels_), output.value(), u.value()));
  }
  Variable shares(const Variable& output, const Variable& u, double temperature) const override {
    constexpr double least = 1e-30;  // of a probability whose logarithm is taken
    const Variable p = softmax(output, -1);
    const Variable below = slice(cumsum(p, -1), -1, 0, levels_ - 1);
    const Variable above = slice(flip(cumsum(flip(p, -1), -1), -1), -1, 1, levels_);
    return shares_between(log(below + least) - log(above + least), u, temperature);
  }
  NoiseInterval interval(const Tensor& output, const Tensor& x) const override {
    return find_intervals(CategoricalLine(levels_), output, x);
  }

 private:
  int64_t levels_;
};

class DiscretisedLogisticHead final : public ConditionalHead {
 public:
  DiscretisedLogisticHead(int64_t components, int64_t levels) : components_(components), levels_(levels) {}
  int64_t outputs() const override { return 3 * components_; }
  int64_t levels() const override { return levels_; }
  /// The components start side by side over all levels.
  Tensor start() const override {
    const int64_t k = components_;
    const double share = 1 / double(k);
    return concat({zeros({k}), linspace(share - 1, 1 - share, k), full({k}, std::log(share))}, 0);
  }
  Variable log_density(const Variable& output, const Variable& x) const override {
    const auto m = ConditionalMixture::from(output, Component::logistic);
    const double half = 1 / double(levels_ - 1);
    const Variable at = unsqueeze(x * (2 * half) - 1.0, -1);
    return logsumexp(apply(DiscretisedLogisticTerm{{}, half}, at, m.log_weights, m.means, m.log_scales), -1) -
           logsumexp(m.log_weights, -1);
  }
  Variable quantile(const Variable& output, const Variable& u) const override {
    return Variable(find_levels(LogisticLine(levels_, components_), clamped(output.value()), u.value()));
  }
  Variable shares(const Variable& output, const Variable& u, double temperature) const override {
    const auto m = ConditionalMixture::from(output, Component::logistic);
    std::vector<double> edges;
    for (int64_t k = 1; k < levels_; ++k) edges.push_back((2 * double(k) - 1) / double(levels_ - 1) - 1);
    const auto each_step = [](const Variable& x) { return unsqueeze(x, -2); };
    const Variable places(tensor(edges, {levels_ - 1, 1}, u.dtype()));
    const Variable at = (places - each_step(m.means)) * exp(-each_step(m.log_scales)),
                   weight = each_step(m.log_weights);
    return shares_between(logsumexp(weight + log_sigmoid(at), -1) - logsumexp(weight + log_sigmoid(-at), -1), u,
                          temperature);
  }
  NoiseInterval interval(const Tensor& output, const Tensor& x) const override {
    return find_intervals(LogisticLine(levels_, components_), clamped(output), x);
  }

 private:
  /// With log-scales where the density has them.
  static Tensor clamped(const Tensor& output) {
    const auto m = ConditionalMixture::from(Variable(output), Component::logistic);
    return concat({m.log_weights.value(), m.means.value(), m.log_scales.value()}, -1);
  }
  int64_t components_, levels_;
};

void check_levels(int64_t levels) {
  check(levels >= 2, "autoregressive: whole numbers with ", levels, levels == 1 ? " level" : " levels",
        ": expected data of at least 2");
}

}  // namespace

std::unique_ptr<const ConditionalHead> bernoulli_head() { return std::make_unique<BernoulliHead>(); }
std::unique_ptr<const ConditionalHead> categorical_head(int64_t levels) {
  check_levels(levels);
  return std::make_unique<CategoricalHead>(levels);
}
std::unique_ptr<const ConditionalHead> discretised_logistic_head(int64_t components, int64_t levels) {
  check_levels(levels);
  return std::make_unique<DiscretisedLogisticHead>(components, levels);
}

}  // namespace pf
