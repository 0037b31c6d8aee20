#include "nn/time_embedding.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "autograd/apply.h"
#include "nn/init.h"
#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/trigonometric.h"

namespace pf {
namespace {

void check_even(const char* what, int64_t width) {
  check(width >= 2 && width % 2 == 0, what, ": width ", width, ": expected an even number, 2 or more");
}

}  // namespace

SinusoidalEmbedding::SinusoidalEmbedding(int64_t width, double highest, double range) {
  check_even("sinusoidal embedding", width);
  check(highest > 0 && range >= 1, "sinusoidal embedding: highest frequency ", highest, " and range ", range,
        ": expected a positive number, and 1 or more");
  std::vector<double> list;
  const int64_t half = width / 2;
  for (int64_t i = 0; i < half; ++i)
    list.push_back(highest * std::pow(range, -double(i) / double(std::max<int64_t>(1, half - 1))));
  frequencies = tensor(list);
}

Variable SinusoidalEmbedding::operator()(const Variable& t) const {
  const Variable angle = unsqueeze(t, -1) * frequencies;
  return concat({cos(angle), sin(angle)}, -1);
}

FourierFeatures::FourierFeatures(int64_t in, int64_t width, Rng& rng, double scale) {
  check_even("fourier features", width);
  projection = normal_around_zero(scale * 2 * std::numbers::pi, {width / 2, in}, rng);
}

Variable FourierFeatures::operator()(const Variable& x) const {
  const Variable angle = linear(x, Variable(projection));
  return concat({cos(angle), sin(angle)}, -1);
}

}  // namespace pf
