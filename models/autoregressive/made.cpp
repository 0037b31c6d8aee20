#include "models/autoregressive/made.h"

#include "models/autoregressive/head.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"

namespace pf {
namespace {

constexpr Activation activation = Activation::silu;

Variable append(const Variable& to, const Variable& x) { return to.defined() ? concat(std::vector{to, x}, 1) : x; }

class MadeSequence final : public ConditionalSequence {
 public:
  MadeSequence(const Made& made, int64_t rows, const Tensor& context)
      : made_(made), rows_(rows), hidden_(made.layers.size() - 1) {
    if (context.defined()) known_ = Variable(context);
  }

  Variable next(const Variable& previous) override {
    const int64_t at = at_++;
    if (at > 0)
      known_ = append(known_, previous.size(1) > 1 ? made_.inputs_of_shares(previous) : made_.inputs_of(previous));
    const int64_t before = at > 0 ? made_.ready[size_t(at - 1)] : 0, now = made_.ready[size_t(at)];
    for (size_t i = 0; i < hidden_.size() && now > before; ++i)
      hidden_[i] = append(hidden_[i], activate(activation, affine(i, i ? hidden_[i - 1] : known_, before, now)));
    return affine(hidden_.size(), hidden_.back(), at * made_.outputs, (at + 1) * made_.outputs);
  }

 private:
  /// Units [from, to) of a layer, from those below it that are known.
  Variable affine(size_t index, const Variable& below, int64_t from, int64_t to) const {
    const MaskedLinear& layer = made_.layers[index];
    const Variable bias = slice(layer.bias, 0, from, to);
    if (!below.defined()) return expand(bias, {rows_, to - from});
    // Within these rows and columns the mask is one everywhere.
    return linear(below, slice(slice(layer.weight, 0, from, to), 1, 0, below.size(1)), bias);
  }

  const Made& made_;
  int64_t rows_, at_ = 0;
  Variable known_;                // the inputs so far, [rows, …]
  std::vector<Variable> hidden_;  // of each hidden layer the units that are known, [rows, ready]
};

}  // namespace

Made::Made(const NetworkInput& told, const MadeSettings& settings, Rng& rng) : input(told), outputs(settings.outputs) {
  const int64_t width = input.width, hidden = settings.hidden;
  check(width >= 1, "autoregressive: data with ", width, " columns: expected at least 1");
  check(hidden >= 1 && settings.depth >= 1, "autoregressive: ", settings.depth, " hidden layers of ", hidden,
        " units: expected at least one of one");
  std::vector<int64_t> inputs(size_t(input.context), 0), units, heads;
  for (int64_t i = 0; i < width; ++i) {
    inputs.insert(inputs.end(), size_t(inputs_each()), i + 1);
    heads.insert(heads.end(), size_t(outputs), i + 1);
  }
  // Degrees up to width − 1, evenly. From 0 on where something has degree 0: a condition, or nothing but the bias.
  const int64_t lowest = input.context > 0 || width == 1 ? 0 : 1;
  for (int64_t j = 0; j < hidden; ++j) units.push_back(lowest + j * (width - lowest) / hidden);
  for (int64_t i = 0, count = 0; i < width; ++i) {
    while (count < hidden && units[size_t(count)] <= i) ++count;
    ready.push_back(count);
  }
  const LinearOptions inner{.gain = gain_of(activation)};
  for (int64_t i = 0; i < settings.depth; ++i) layers.emplace_back(degree_mask(i ? units : inputs, units), rng, inner);
  layers.emplace_back(degree_mask(units, heads, true), rng, LinearOptions{.gain = 0.1});
  if (settings.start.defined()) layers.back().bias = tile(settings.start, width, 0);
}

Variable Made::inputs_of(const Variable& x) const {
  if (input.classes)
    return reshape(Variable(one_hot(cast(x.value(), int64), input.levels, x.dtype())),
                   {x.size(0), x.size(1) * input.levels});
  return input.levels > 2 ? x * (1 / double(input.levels - 1)) : x;
}

Variable Made::inputs_of_shares(const Variable& shares) const {
  return input.classes ? shares : inputs_of(unsqueeze(mean_level(shares), -1));
}

Variable Made::operator()(const Variable& x, const Tensor& context) const {
  Variable y = inputs_of(x);
  if (context.defined()) y = concat(std::vector{Variable(context), y}, 1);
  y = in_network_precision(y, [&](Variable h) {
    for (size_t i = 0; i + 1 < layers.size(); ++i) h = activate(activation, layers[i](h));
    return layers.back()(h);
  });
  return reshape(y, {x.size(0), x.size(1), outputs});
}

std::unique_ptr<ConditionalSequence> Made::unroll(int64_t rows, const Tensor& context) const {
  return std::make_unique<MadeSequence>(*this, rows, context);
}

}  // namespace pf
