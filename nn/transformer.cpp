#include "nn/transformer.h"

#include <cmath>

#include "nn/init.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/join.h"

namespace pf {

TransformerBlock::TransformerBlock(int64_t width, int64_t heads, Rng& rng, double gain)
    : attention_norm(width),
      attention(width, heads, rng, gain),
      mlp_norm(width),
      up(width, 4 * width, rng),
      down(4 * width, width, rng, {.gain = gain}) {}

Variable TransformerBlock::mlp(const Variable& x) const { return x + down(gelu_tanh(up(mlp_norm(x)))); }

Variable TransformerBlock::operator()(const Variable& x) const {
  return mlp(x + within("attention", [&] { return attention(attention_norm(x)); }));
}
Variable TransformerBlock::step(const Variable& x, KeyValueCache& cache) const {
  return mlp(x + attention.step(attention_norm(x), cache));
}

// Each block adds twice to the residual stream; with this gain its size does not grow with their number.
CausalTransformer::CausalTransformer(const TransformerOptions& options, Rng& rng) : norm(options.width) {
  check(options.length >= 1 && options.width >= 1 && options.blocks >= 1, "transformer: ", options.blocks,
        " blocks of width ", options.width, " for ", options.length, " tokens: expected at least one of each");
  positions = normal_around_zero(0.1, {options.length, options.width}, rng);
  for (int64_t i = 0; i < options.blocks; ++i)
    blocks.emplace_back(options.width, options.heads, rng, 1 / std::sqrt(2 * double(options.blocks)));
}

Variable CausalTransformer::run(const Variable& x) const {
  check(x.rank() == 3 && x.size(2) == positions.size(1) && x.size(1) <= positions.size(0), "transformer: ", x.shape(),
        ": expected [n, tokens, ", positions.size(1), "] with at most ", positions.size(0), " tokens");
  Variable y = x + parameter_for(x, slice(positions, 0, 0, x.size(1)));
  for (size_t i = 0; i < blocks.size(); ++i) y = within("blocks", i, [&] { return blocks[i](y); });
  return norm(y);
}

Variable CausalTransformer::step(const Variable& x, TransformerCache& cache) const {
  check(cache.tokens < positions.size(0), "transformer: token ", cache.tokens + 1, ": expected at most ",
        positions.size(0));
  cache.blocks.resize(blocks.size());
  Variable y = x + slice(positions, 0, cache.tokens, cache.tokens + 1);
  for (size_t i = 0; i < blocks.size(); ++i) y = blocks[i].step(y, cache.blocks[i]);
  ++cache.tokens;
  return norm(y);
}

}  // namespace pf
