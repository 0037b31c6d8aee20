// Attention against plain arithmetic, who sees whom, and the cache.

#include "nn/transformer.h"

#include <cmath>

#include "autograd/autograd.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/causal_attention.h"
#include "tensor/ops/rounding.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;

double largest_difference(const Tensor& a, const Tensor& b) { return max(abs(a - b)).item(); }

CausalTransformer transformer(int64_t length, Rng& rng) {
  CausalTransformer out = cast_module(CausalTransformer({length, 8, 2, 3}, rng), float64);
  for (Field& field : parameters_of(out))
    *field.parameter = Variable(field.value() + rng.normal(field.value().shape(), float64) * 0.3);
  return out;
}

TEST(CausalSelfAttention, IsWhatTheFormulaSays) {
  const int64_t tokens = 5, width = 6, heads = 3, head = 2;
  Rng rng(1);
  const CausalSelfAttention layer = cast_module(CausalSelfAttention(width, heads, rng), float64);
  const Tensor x = rng.normal({2, tokens, width}, float64);
  const Tensor q = layer.query(x).value(), k = layer.key(x).value(), v = layer.value(x).value();
  Tensor joined = Tensor::empty({2, tokens, width}, float64);
  double* to = joined.mutable_data<double>();
  for (int64_t n = 0; n < 2; ++n)
    for (int64_t i = 0; i < tokens; ++i)
      for (int64_t h = 0; h < heads; ++h) {
        std::vector<double> weights;
        double total = 0;
        for (int64_t j = 0; j <= i; ++j) {
          double score = 0;
          for (int64_t c = h * head; c < (h + 1) * head; ++c) score += q.at({n, i, c}) * k.at({n, j, c});
          weights.push_back(std::exp(score / std::sqrt(double(head))));
          total += weights.back();
        }
        for (int64_t c = h * head; c < (h + 1) * head; ++c) {
          double mean = 0;
          for (int64_t j = 0; j <= i; ++j) mean += weights[size_t(j)] / total * v.at({n, j, c});
          to[(n * tokens + i) * width + c] = mean;
        }
      }
  EXPECT_LT(largest_difference(layer(x).value(), layer.out(joined).value()), 1e-12);
  EXPECT_TRUE(contains(error_of([&] { CausalSelfAttention(6, 4, rng); }), "width 6 and 4 heads"));
}

// Around the number of queries that the kernel takes together, on operands that lie as a layer's heads do.
TEST(CausalSelfAttention, FusedEqualsComposite) {
  for (int64_t tokens : {1, 3, 64, 65, 150})
    for (DType dtype : {float32, float64}) {
      Rng rng(5);
      const Shape shape{2, tokens, 3, 4};
      const std::array<Variable, 3> x{tracked(rng.normal(shape, dtype)), tracked(rng.normal(shape, dtype)),
                                      tracked(rng.normal(shape, dtype))};
      auto heads = [](const Variable& v) { return permute(v, {0, 2, 1, 3}); };
      const Variable q = heads(x[0]), k = heads(x[1]), v = heads(x[2]);
      const Variable fused = causal_attention(q, k, v), composite = CausalAttention{}.composite(q, k, v);
      const Tensor g = rng.normal({2, 3, tokens, 4}, dtype);
      const double tolerance = dtype == float32 ? 1e-5 : 1e-12;
      EXPECT_LT(largest_difference(fused.value(), composite.value()), tolerance) << tokens;
      const auto a = pull_cotangents<Tensor>(fused, x, g), e = pull_cotangents<Tensor>(composite, x, g);
      for (size_t i = 0; i < 3; ++i) EXPECT_LT(largest_difference(a[i], e[i]), 10 * tolerance) << tokens << " " << i;
    }
}

TEST(CausalTransformer, TokensSeeThoseUpToThemselves) {
  Rng rng(2);
  const CausalTransformer model = transformer(7, rng);
  const Tensor x = rng.normal({2, 7, 8}, float64);
  for (int64_t token = 0; token < 7; ++token) {
    const Variable at = tracked(x);
    const Tensor slope = grad(sum(square(slice(model(at), 1, token, token + 1))), at);
    for (int64_t other = 0; other < 7; ++other)
      EXPECT_EQ(max(abs(pick(slope, 1, other))).item() > 0, other <= token) << token << " " << other;
  }
}

TEST(CausalTransformer, TheCacheGivesWhatTheFullPassGives) {
  for (DType dtype : {float32, float64}) {
    Rng rng(3);
    const CausalTransformer model = cast_module(transformer(40, rng), dtype);
    const Tensor x = rng.normal({3, 33, 8}, dtype), all = model(x).value();  // fewer tokens than there are positions
    TransformerCache cache;
    for (int64_t i = 0; i < 33; ++i) {
      const Tensor next = model.step(slice(x, 1, i, i + 1), cache).value();
      EXPECT_LT(largest_difference(next, slice(all, 1, i, i + 1)), dtype == float32 ? 2e-5 : 1e-12) << i;
    }
    EXPECT_EQ(cache.tokens, 33);
    EXPECT_EQ(cache.blocks.size(), 3u);
    int64_t tokens = 0;
    for (const KeyValueCache::Block& block : cache.blocks[0].blocks) {
      EXPECT_EQ(block.keys.shape(), (Shape{3, 2, block.keys.size(2), 4}));
      tokens += block.keys.size(2);
    }
    EXPECT_EQ(tokens, 33);
  }
}

TEST(CausalTransformer, TheCachedPassHasTheSameDerivatives) {
  Rng rng(4);
  const CausalTransformer model = transformer(6, rng);
  const Tensor x = rng.normal({2, 6, 8}, float64), g = rng.normal({2, 6, 8}, float64);
  const Variable a = tracked(x), b = tracked(x);
  Variable total = sum(slice(model(a), 1, 0, 1) * 0.0);
  TransformerCache cache;
  for (int64_t i = 0; i < 6; ++i) total = total + sum(model.step(slice(b, 1, i, i + 1), cache) * slice(g, 1, i, i + 1));
  EXPECT_LT(largest_difference(grad(total, b), grad(sum(model(a) * g), a)), 1e-11);
  EXPECT_TRUE(contains(error_of([&] { model.step(slice(x, 1, 0, 1), cache); }), "token 7: expected at most 6"));
}

}  // namespace
}  // namespace pf
