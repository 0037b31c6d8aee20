#pragma once
// Causal multi-head self-attention (Vaswani et al. 2017, arXiv 1706.03762, section 3.2): every token asks the tokens up to
// itself.
//
//   head = softmax(q kᵀ / √width_of_head + mask) v,    mask = −∞ for later tokens
//
// Keys have no bias: it would add the same number to all scores of a token, which softmax takes out again.

#include "nn/linear.h"

namespace pf {

/// Keys and values of the tokens so far, what makes the next token cost one row instead of all of them: in blocks
/// [n, heads, tokens, width of a head], each shorter than the one before. Two blocks of one length become one, so that a token
/// is copied as often as the number of tokens can be halved, not each time that another one comes.
struct KeyValueCache {
  struct Block {
    Variable keys, values;
  };
  std::vector<Block> blocks;
  void append(const Variable& key, const Variable& value);
};

/// x: [n, tokens, width]  →  the same shape
struct CausalSelfAttention {
  Linear query, key, value, out;
  int64_t heads = 1;

  /// `gain` of the last layer, whose result is added to the residual stream.
  CausalSelfAttention(int64_t width, int64_t heads_, Rng& rng, double gain = 1);

  Variable operator()(const Variable& x) const;
  /// The next token of each row, x: [n, 1, width], after those in the cache, which it joins.
  Variable step(const Variable& x, KeyValueCache& cache) const;

  static void fields(auto& self, auto&& visit) {
    visit("query", self.query);
    visit("key", self.key);
    visit("value", self.value);
    visit("out", self.out);
  }

 private:
  /// [n, tokens, width] → [n, heads, tokens, width of a head], and back.
  Variable split_heads(const Variable& x) const;
  Variable join_heads(const Variable& x) const;
};

}  // namespace pf
