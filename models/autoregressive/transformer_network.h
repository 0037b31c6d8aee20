#pragma once
// A causal transformer as the network of an autoregressive model. The first token is a learned start, with the condition
// added; token i + 1 is coordinate i, whole numbers by an embedding, real numbers by a linear layer. So what comes out at
// place i has seen the condition and the coordinates before i.
//
// Sampling keeps the keys and values of earlier tokens: a coordinate costs one token's pass, and what it asks all before it.

#include "models/autoregressive/conditional_network.h"
#include "nn/embedding.h"
#include "nn/transformer.h"

namespace pf {

struct TransformerNetworkSettings {
  int64_t outputs = 1;  // for each coordinate
  int64_t width = 64, heads = 4, blocks = 2;
  Tensor start = {};  // [outputs]: what the outputs are near at first; undefined: zero
};

class TransformerNetwork final : public Implements<TransformerNetwork, ConditionalNetwork> {
 public:
  TransformerNetwork(const NetworkInput& told, const TransformerNetworkSettings& settings, Rng& rng);

  Variable operator()(const Variable& x, const Tensor& context = {}) const override;
  std::unique_ptr<ConditionalSequence> unroll(int64_t rows, const Tensor& context = {}) const override;

  /// The first token, [n, 1, width], and those of coordinates, [n, m] → [n, m, width].
  Variable first_token(int64_t rows, const Tensor& context) const;
  Variable tokens_of(const Variable& x) const;
  /// The mean of the levels' vectors: [n, levels] → [n, 1, width].
  Variable token_of_shares(const Variable& shares) const;
  const CausalTransformer& transformer() const { return transformer_; }
  const Linear& head() const { return head_; }

  static void fields(auto& self, auto&& visit) {
    visit("start", self.start_);
    visit("context", self.context_);
    visit("numbers", self.numbers_);
    visit("levels", self.levels_);
    visit("transformer", self.transformer_);
    visit("head", self.head_);
  }

 private:
  NetworkInput input_;
  Variable start_;                   // [width]
  std::optional<Linear> context_;    // of a conditional model
  std::optional<Linear> numbers_;    // of real coordinates
  std::optional<Embedding> levels_;  // of whole ones
  CausalTransformer transformer_;
  Linear head_;
};

}  // namespace pf
