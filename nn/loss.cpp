#include "nn/loss.h"

#include "autograd/apply.h"
#include "tensor/ops/index.h"
#include "tensor/ops/losses.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/sum_of.h"

namespace pf {
namespace {

/// Broadcasting would turn a forgotten axis into a loss of all pairs: predictions and targets agree exactly.
void check_same(const char* name, const Variable& a, const Variable& b) {
  check(a.shape() == b.shape(), name, ": ", a.shape(), " and ", b.shape(), ": expected two of one shape");
}

template <class F> Variable mean_of(const F& formula, const Variable& a, const Variable& b) {
  check(a.numel() > 0, F::name, ": ", a.shape(), " has no elements to average");
  return sum_of(formula, {}, a, b) * (1 / double(a.numel()));
}

}  // namespace

Variable mse(const Variable& prediction, const Variable& target) {
  check_same("mse", prediction, target);
  return mean_of(SquaredError{}, prediction, target);
}

Variable mae(const Variable& prediction, const Variable& target) {
  check_same("mae", prediction, target);
  return mean(abs(prediction - target));
}

Variable huber(const Variable& prediction, const Variable& target, double delta) {
  check_same("huber", prediction, target);
  check(delta > 0, "huber: delta ", delta, ": expected a positive number");
  return mean_of(HuberError{{}, delta}, prediction, target);
}

Variable binary_cross_entropy_with_logits(const Variable& logits, const Variable& targets) {
  check_same("binary_cross_entropy", logits, targets);
  return -mean_of(BernoulliLogProb{}, targets, logits);
}

Variable cross_entropy(const Variable& logits, const Tensor& labels) {
  check(logits.rank() >= 1 && labels.dtype() == int64 && labels.numel() * logits.size(-1) == logits.numel() &&
            labels.rank() == logits.rank() - 1,
        "cross_entropy: logits ", logits.shape(), " and labels ", labels.shape(), " ", labels.dtype(),
        ": expected [..., classes] and int64 [...]");
  return -mean(gather(log_softmax(logits, -1), -1, unsqueeze(labels, -1)));
}

Variable normal_log_prob(const Variable& x, const Variable& mean, const Variable& log_variance) {
  return sum_of(NormalLogProb{}, -1, x, mean, log_variance);
}

Variable gaussian_nll(const Variable& x, const Variable& mean, const Variable& log_variance) {
  return -pf::mean(normal_log_prob(x, mean, log_variance));
}

Variable bernoulli_log_prob(const Variable& x, const Variable& logits) {
  return sum_of(BernoulliLogProb{}, -1, x, logits);
}

Variable kl_normal(const Variable& mean, const Variable& log_variance) {
  return sum_of(NormalKl{}, -1, mean, log_variance);
}

}  // namespace pf
