#pragma once
#include <tuple>

#include "nn/module.h"

namespace pf {

/// Layers of any types, one after the other: Sequential{Linear(2, 64, rng), ActivationLayer{}, Linear(64, 1, rng)}.
template <class... Layers> struct Sequential {
  std::tuple<Layers...> layers;

  explicit Sequential(Layers... parts) : layers(std::move(parts)...) {}

  Variable operator()(const Variable& x) const {
    Variable y = x;
    each(*this, [&](size_t i, const auto& layer) { y = within("layers", i, [&] { return layer(y); }); });
    return y;
  }
  static void fields(auto& self, auto&& visit) {
    each(self, [&](size_t i, auto& layer) { visit(join("layers.", i).c_str(), layer); });
  }

 private:
  static void each(auto& self, auto&& f) {
    std::apply(
        [&](auto&... layer) {
          size_t i = 0;
          (f(i++, layer), ...);
        },
        self.layers);
  }
};

}  // namespace pf
