#include "models/autoregressive/transformer_network.h"

#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"

namespace pf {
namespace {

class CachedSequence final : public ConditionalSequence {
 public:
  CachedSequence(const TransformerNetwork& network, int64_t rows, const Tensor& context)
      : network_(network), rows_(rows), context_(context) {}
  Variable next(const Variable& previous) override {
    const Variable token = !cache_.tokens         ? network_.first_token(rows_, context_)
                           : previous.size(1) > 1 ? network_.token_of_shares(previous)
                                                  : network_.tokens_of(previous);
    const Variable y = network_.transformer().step(token, cache_);
    return network_.head()(reshape(y, {rows_, y.size(2)}));
  }

 private:
  const TransformerNetwork& network_;
  int64_t rows_;
  Tensor context_;
  TransformerCache cache_;
};

}  // namespace

TransformerNetwork::TransformerNetwork(const NetworkInput& told, const TransformerNetworkSettings& s, Rng& rng)
    : input_(told),
      start_(rng.normal({s.width})),
      transformer_({.length = told.width, .width = s.width, .heads = s.heads, .blocks = s.blocks}, rng),
      head_(s.width, s.outputs, rng, {.gain = 0.1}) {
  if (input_.context > 0) context_.emplace(input_.context, s.width, rng);
  if (input_.width > 1) {  // the last coordinate is told to nobody
    if (input_.levels > 0) levels_.emplace(input_.levels, s.width, rng);
    else numbers_.emplace(1, s.width, rng);
  }
  if (s.start.defined()) head_.bias = s.start;
}

Variable TransformerNetwork::first_token(int64_t rows, const Tensor& context) const {
  const int64_t width = start_.size(0);
  if (!context_) return expand(reshape(start_, {1, 1, width}), {rows, 1, width});
  return unsqueeze((*context_)(Variable(context)) + start_, 1);
}

Variable TransformerNetwork::tokens_of(const Variable& x) const {
  return levels_ ? (*levels_)(cast(x.value(), int64)) : (*numbers_)(unsqueeze(x, -1));
}

Variable TransformerNetwork::token_of_shares(const Variable& shares) const {
  return unsqueeze(matmul(shares, levels_->weight), 1);
}

Variable TransformerNetwork::operator()(const Variable& x, const Tensor& context) const {
  const Variable first = first_token(x.size(0), context);
  const int64_t width = x.size(1);
  return head_(transformer_(width > 1 ? concat({first, tokens_of(slice(x, 1, 0, width - 1))}, 1) : first));
}

std::unique_ptr<ConditionalSequence> TransformerNetwork::unroll(int64_t rows, const Tensor& context) const {
  return std::make_unique<CachedSequence>(*this, rows, context);
}

}  // namespace pf
