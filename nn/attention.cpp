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

void KeyValueCache::append(const Variable& key, const Variable& value) {
  blocks.push_back({key, value});
  while (blocks.size() > 1) {
    Block& last = blocks.back();
    Block& before = blocks[blocks.size() - 2];
    if (last.keys.size(2) < before.keys.size(2)) return;
    before = {concat({before.keys, last.keys}, 2), concat({before.values, last.values}, 2)};
    blocks.pop_back();
  }
}

Variable CausalSelfAttention::step(const Variable& x, KeyValueCache& cache) const {
  check(x.rank() == 3 && x.size(1) == 1 && x.size(2) == query.in(), "attention: a next token ", x.shape(),
        ": expected [n, 1, ", query.in(), "]");
  const double scale = 1 / std::sqrt(double(query.in() / heads));
  const Variable q = split_heads(query(x) * scale), k = split_heads(key(x)), v = split_heads(value(x));
  cache.append(k, v);
  std::vector<Variable> scores;
  for (const KeyValueCache::Block& block : cache.blocks) scores.push_back(matmul(q, transpose(block.keys)));
  const Variable weights = softmax(scores.size() > 1 ? concat(scores, -1) : scores[0], -1);
  Variable said;
  int64_t at = 0;
  for (const KeyValueCache::Block& block : cache.blocks) {
    const int64_t until = at + block.keys.size(2);
    const Variable part = matmul(slice(weights, -1, at, until), block.values);
    said = said.defined() ? said + part : part;
    at = until;
  }
  return out(join_heads(said));
}

}  // namespace pf
