#pragma once
// Losses are means over everything (one number); log-densities and divergences are sums over the last axis (one number a
// row), so that they can be added, weighted and averaged by whoever uses them.

#include "autograd/variable.h"

namespace pf {

/// Mean of (a - b)².
Variable mse(const Variable& prediction, const Variable& target);
/// Mean of |a - b|.
Variable mae(const Variable& prediction, const Variable& target);
/// Mean of ½ (a - b)² up to |a - b| = delta, of a straight line beyond.
Variable huber(const Variable& prediction, const Variable& target, double delta = 1);
/// Mean of -log p(target) for targets from 0 to 1 whose probability is sigmoid(logit); stable for any logit.
Variable binary_cross_entropy_with_logits(const Variable& logits, const Variable& targets);
/// Mean of -log softmax(logits)[label].  logits: [..., classes], labels: int64 [...]
Variable cross_entropy(const Variable& logits, const Tensor& labels);

/// log N(x; mean, e^log_variance), summed over the last axis; the operands are broadcast.
Variable normal_log_prob(const Variable& x, const Variable& mean, const Variable& log_variance);
/// Mean over the rows of -log N(x; mean, e^log_variance).
Variable gaussian_nll(const Variable& x, const Variable& mean, const Variable& log_variance);
/// log p(x) of independent coins with these logits, summed over the last axis; x from 0 to 1.
Variable bernoulli_log_prob(const Variable& x, const Variable& logits);
/// KL(N(mean, e^log_variance) ‖ N(0, 1)), summed over the last axis.
Variable kl_normal(const Variable& mean, const Variable& log_variance);

}  // namespace pf
