#include "bench/workloads/workload.h"
#include "nn/embedding.h"
#include "nn/loss.h"
#include "nn/transformer.h"

namespace pf::bench {
namespace {

constexpr int64_t vocabulary = 17, tokens = 196, width = 128, heads = 4, blocks = 4;

struct LanguageModel {
  Embedding embedding;
  CausalTransformer transformer;
  Linear head;
  explicit LanguageModel(Rng& rng)
      : embedding(vocabulary, width, rng),
        transformer({.length = tokens, .width = width, .heads = heads, .blocks = blocks}, rng),
        head(width, vocabulary, rng) {}
  Variable operator()(const Tensor& x) const { return head(transformer(embedding(x))); }
  static void fields(auto& self, auto&& visit) {
    visit("embedding", self.embedding);
    visit("transformer", self.transformer);
    visit("head", self.head);
  }
};

/// Cross-entropy of the next token at every position.
class TransformerAr196 final : public Training {
 public:
  explicit TransformerAr196(int64_t rows)
      : inputs_(rng_.integers(vocabulary, {rows, tokens})), targets_(rng_.integers(vocabulary, {rows, tokens})) {
    train(parameters_of(model_));
    const int64_t all = rows * tokens;
    auto layer = [&](int64_t in, int64_t out) {
      floor.add_forward(all, in, out);
      floor.add_weight_gradient(all, in, out);
      floor.add_input_gradient(all, in, out);
    };
    for (int64_t i = 0; i < blocks; ++i) {
      for (int k = 0; k < 4; ++k) layer(width, width);  // query, key, value, out
      layer(width, 4 * width);
      layer(4 * width, width);
      // Scores and their weighted values, a full square each; forward, and two products backward for each.
      for (int64_t head = 0; head < rows * heads; ++head) {
        floor.add(tokens, tokens, width / heads, false, true);
        floor.add(tokens, width / heads, tokens, false, false);
        floor.add(tokens, tokens, width / heads, false, true);
        floor.add(tokens, width / heads, tokens, true, false);
        floor.add(tokens, width / heads, tokens, false, false);
        floor.add(tokens, width / heads, tokens, true, false);
      }
    }
    layer(width, vocabulary);
  }

 private:
  Variable loss() override { return cross_entropy(model_(inputs_), targets_); }

  Tensor inputs_, targets_;
  LanguageModel model_{rng_};
};

}  // namespace

std::unique_ptr<Workload> transformer_ar_196(int64_t rows) { return std::make_unique<TransformerAr196>(rows); }
std::unique_ptr<Workload> transformer_ar_196() { return transformer_ar_196(16); }

}  // namespace pf::bench
