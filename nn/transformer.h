#pragma once
// A causal transformer as in GPT-2 (Radford et al. 2019): pre-norm blocks, an MLP four times as wide with tanh-GELU, learned
// positions. Token i of the result is a function of tokens 0 … i.

#include "nn/attention.h"
#include "nn/layer_norm.h"

namespace pf {

struct TransformerOptions {
  int64_t length = 1;  // tokens at most
  int64_t width = 64, heads = 4, blocks = 2;
};

/// x + attention(norm(x)), then x + mlp(norm(x)).  x: [n, tokens, width]  →  the same shape
struct TransformerBlock {
  LayerNorm attention_norm;
  CausalSelfAttention attention;
  LayerNorm mlp_norm;
  Linear up, down;

  /// `gain` of the two layers whose results are added to x.
  TransformerBlock(int64_t width, int64_t heads, Rng& rng, double gain = 1);
  Variable operator()(const Variable& x) const;
  Variable step(const Variable& x, KeyValueCache& cache) const;

  static void fields(auto& self, auto&& visit) {
    visit("attention_norm", self.attention_norm);
    visit("attention", self.attention);
    visit("mlp_norm", self.mlp_norm);
    visit("up", self.up);
    visit("down", self.down);
  }

 private:
  Variable mlp(const Variable& x) const;
};

/// What the blocks remember of the tokens so far.
struct TransformerCache {
  std::vector<KeyValueCache> blocks;
  int64_t tokens = 0;
};

/// x: [n, tokens, width], tokens ≤ length  →  the same shape
struct CausalTransformer {
  Variable positions;  // [length, width]
  std::vector<TransformerBlock> blocks;
  LayerNorm norm;

  CausalTransformer(const TransformerOptions& options, Rng& rng);
  Variable operator()(const Variable& x) const {
    return in_network_precision(x, [&](const Variable& in) { return run(in); });
  }
  /// The next token of each row, x: [n, 1, width]. All steps together give what one call with all tokens gives.
  Variable step(const Variable& x, TransformerCache& cache) const;

  static void fields(auto& self, auto&& visit) {
    visit("positions", self.positions);
    visit("blocks", self.blocks);
    visit("norm", self.norm);
  }

 private:
  Variable run(const Variable& x) const;
};

}  // namespace pf
