#pragma once
// Times and other single numbers as vectors of sines and cosines, which a network can tell apart at every scale.

#include "nn/module.h"
#include "tensor/random.h"

namespace pf {

/// t [...] → [..., width]: cos(ω₀ t), …, sin(ω₀ t), … with frequencies ω in geometric steps from `highest` down to
/// highest / 10000 (Vaswani et al. 2017, arXiv 1706.03762). For t from 0 to 1, highest = 1000 is the usual choice of
/// diffusion models; flows with smooth fields do better with less.
struct SinusoidalEmbedding {
  Tensor frequencies;  // [width / 2], a buffer

  explicit SinusoidalEmbedding(int64_t width, double highest = 1000, double range = 10000);
  Variable operator()(const Variable& t) const;
  static void fields(auto& self, auto&& visit) { visit("frequencies", self.frequencies); }
};

/// x [..., in] → [..., width]: cosines and sines of random projections 2π B x, B normal with deviation `scale` (Tancik
/// et al. 2020, arXiv 2006.10739). The scale says how fine a structure can be seen.
struct FourierFeatures {
  Tensor projection;  // [width / 2, in], a buffer

  FourierFeatures(int64_t in, int64_t width, Rng& rng, double scale = 1);
  Variable operator()(const Variable& x) const;
  static void fields(auto& self, auto&& visit) { visit("projection", self.projection); }
};

}  // namespace pf
