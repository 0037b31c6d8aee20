#include "nn/mlp.h"

#include <algorithm>

namespace pf {

std::vector<int64_t> mlp_widths(int64_t in, int64_t hidden, int64_t depth, int64_t out) {
  std::vector<int64_t> widths{in};
  widths.insert(widths.end(), size_t(depth), hidden);
  widths.push_back(out);
  return widths;
}

Mlp::Mlp(const std::vector<int64_t>& widths, Rng& rng, MlpOptions settings) : options(settings) {
  check(widths.size() >= 2, "mlp: ", widths.size(), " widths: expected at least two, {in, hidden…, out}");
  for (size_t i = 0; i + 1 < widths.size(); ++i) {
    check(widths[i] > 0 && widths[i + 1] > 0, "mlp: width ", std::min(widths[i], widths[i + 1]),
          ": expected 1 or more");
    const bool last = i + 2 == widths.size();
    const double gain = last ? options.final_gain : gain_of(options.activation);
    layers.emplace_back(widths[i], widths[i + 1], rng, LinearOptions{.gain = gain});
    if (!last && options.layer_norm) norms.emplace_back(widths[i + 1]);
  }
}

Variable Mlp::run(Variable x, Rng* rng) const {
  for (size_t i = 0; i < layers.size(); ++i) {
    x = within("layers", i, [&] { return layers[i](x); });
    if (i + 1 == layers.size()) return activate(options.final_activation, x);
    if (!norms.empty()) x = within("norms", i, [&] { return norms[i](x); });
    x = activate(options.activation, x);
    if (rng && options.dropout > 0) x = dropout(x, options.dropout, *rng);
  }
  return x;
}

}  // namespace pf
