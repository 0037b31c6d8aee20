#include "nn/attention.h"

#include <cmath>

#include "tensor/ops/causal_attention.h"
#include "tensor/ops/join.h"

namespace pf {

CausalSelfAttention::CausalSelfAttention(int64_t width, int64_t heads_, Rng& rng, double gain)
    : query(width, width, rng),
      key(width, width, rng, {.bias = false}),
      value(width, width, rng),
      out(width, width, rng, {.gain = gain}),
      heads(heads_) {
  check(heads >= 1 && width % heads == 0, "attention: width ", width, " and ", heads,
        " heads: expected a number of heads that divides the width");
}

Variable CausalSelfAttention::split_heads(const Variable& x) const {
  return permute(reshape(x, {x.size(0), x.size(1), heads, x.size(2) / heads}), {0, 2, 1, 3});
}
Variable CausalSelfAttention::join_heads(const Variable& x) const {
  return reshape(permute(x, {0, 2, 1, 3}), {x.size(0), x.size(2), x.size(1) * x.size(3)});
}

Variable CausalSelfAttention::operator()(const Variable& x) const {
  check(x.rank() == 3 && x.size(2) == query.in(), "attention: ", x.shape(), ": expected [n, tokens, ", query.in(), "]");
  const Variable q = split_heads(query(x)), k = split_heads(key(x)), v = split_heads(value(x));
  return out(join_heads(causal_attention(q, k, v)));
}

Variable CausalSelfAttention::step(const Variable& x, KeyValueCache& cache) const {
  check(x.rank() == 3 && x.size(1) == 1 && x.size(2) == query.in(), "attention: a next token ", x.shape(),
        ": expected [n, 1, ", query.in(), "]");
  const double scale = 1 / std::sqrt(double(query.in() / heads));
  const Variable q = split_heads(query(x) * scale), k = split_heads(key(x)), v = split_heads(value(x));
  cache.keys = cache.keys.defined() ? concat({cache.keys, k}, 2) : k;
  cache.values = cache.values.defined() ? concat({cache.values, v}, 2) : v;
  return out(join_heads(matmul(softmax(matmul(q, transpose(cache.keys)), -1), cache.values)));
}

}  // namespace pf
