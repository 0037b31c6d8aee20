#include "models/autoregressive/made.h"

#include "tensor/ops/join.h"

namespace pf {
namespace {
constexpr Activation activation = Activation::silu;

Variable append(const Variable& to, const Variable& x) { return to.defined() ? concat(std::vector{to, x}, 1) : x; }
}  // namespace

Made::Made(int64_t width, int64_t outputs_each, int64_t hidden, int64_t depth, Rng& rng) : outputs(outputs_each) {
  check(width >= 1, "autoregressive: data with ", width, " columns: expected at least 1");
  check(hidden >= 1 && depth >= 1, "autoregressive: ", depth, " hidden layers of ", hidden,
        " units: expected at least one of one");
  std::vector<int64_t> coordinates, units, heads;
  for (int64_t i = 0; i < width; ++i) {
    coordinates.push_back(i + 1);
    for (int64_t k = 0; k < outputs; ++k) heads.push_back(i + 1);
  }
  // Degrees 1 … width − 1, evenly; a single coordinate has none before it.
  for (int64_t j = 0; j < hidden; ++j) units.push_back(width == 1 ? 0 : 1 + j * (width - 1) / hidden);
  for (int64_t i = 0, count = 0; i < width; ++i) {
    while (count < hidden && units[size_t(count)] <= i) ++count;
    ready.push_back(count);
  }
  const LinearOptions inner{.gain = gain_of(activation)};
  for (int64_t i = 0; i < depth; ++i) layers.emplace_back(degree_mask(i ? units : coordinates, units), rng, inner);
  layers.emplace_back(degree_mask(units, heads, true), rng, LinearOptions{.gain = 0.1});
}

Variable Made::operator()(const Variable& x) const {
  Variable y = x;
  for (size_t i = 0; i + 1 < layers.size(); ++i) y = activate(activation, layers[i](y));
  return reshape(layers.back()(y), {x.size(0), x.size(1), outputs});
}

MadeSequence::MadeSequence(const Made& made, int64_t rows)
    : made_(made), rows_(rows), hidden_(made.layers.size() - 1) {}

Variable MadeSequence::affine(const MaskedLinear& layer, const Variable& below, int64_t inputs, int64_t from,
                              int64_t to) const {
  const Variable bias = slice(layer.bias, 0, from, to);
  if (inputs == 0) return expand(bias, {rows_, to - from});
  // Within these rows and columns the mask is one everywhere.
  return linear(below, slice(slice(layer.weight, 0, from, to), 1, 0, inputs), bias);
}

Variable MadeSequence::next(const Variable& previous) {
  const int64_t at = at_++;
  if (at > 0) x_ = append(x_, previous);
  const int64_t before = at > 0 ? made_.ready[size_t(at - 1)] : 0, now = made_.ready[size_t(at)];
  for (size_t i = 0; i < hidden_.size() && now > before; ++i) {
    const Variable& below = i ? hidden_[i - 1] : x_;
    hidden_[i] = append(hidden_[i], activate(activation, affine(made_.layers[i], below, i ? now : at, before, now)));
  }
  return affine(made_.layers.back(), hidden_.back(), now, at * made_.outputs, (at + 1) * made_.outputs);
}

}  // namespace pf
