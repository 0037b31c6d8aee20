#pragma once
// Attention of tokens to those up to themselves (Vaswani et al. 2017, arXiv 1706.03762, section 3.2.1, with the mask of
// section 3.2.3), for many heads at once.

#include <cmath>

#include "tensor/ops/matmul.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/triangle.h"

namespace pf {

/// softmax(q kᵀ / √w, up to the token itself) v.  q, k, v: [batch…, tokens, w]  →  the same shape
///
/// Fused: a block of queries at a time, whose scores stay in the cache and stop where the block does. Nothing of the size
/// tokens × tokens is kept; the backward pass computes the scores again.
struct CausalAttention {
  static constexpr auto name = "causal_attention";
  Tensor eval(const Tensor& q, const Tensor& k, const Tensor& v) const;
  std::array<Tensor, 3> fused_vjp(Wanted wanted, const Tensor& g, const Tensor& q, const Tensor& k, const Tensor& v,
                                  const Tensor& y) const;
  template <Array A> A composite(const A& q, const A& k, const A& v) const {
    const A scores = matmul(q * (1 / std::sqrt(double(q.size(-1)))), transpose(k));
    const Tensor later = triu(ones({q.size(-2), q.size(-2)}, q.dtype(), q.device()), 1);
    return matmul(softmax(where(later > 0.5, -std::numeric_limits<double>::infinity(), scores), -1), v);
  }
};

template <Array A> A causal_attention(const A& q, const A& k, const A& v) {
  check(q.rank() >= 2 && q.shape() == k.shape() && q.shape() == v.shape(), "causal_attention: queries ", q.shape(),
        ", keys ", k.shape(), " and values ", v.shape(), ": expected three of one shape [..., tokens, width]");
  return apply(CausalAttention{}, q, k, v);
}

}  // namespace pf
