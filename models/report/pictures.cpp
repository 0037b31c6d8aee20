#include "models/report/pictures.h"

#include <algorithm>
#include <cmath>

#include "nn/data/synthetic.h"
#include "nn/image/pictures.h"
#include "nn/image/png.h"
#include "tensor/ops/join.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

constexpr Colour sample_ink = {0.15f, 0.35f, 0.6f};

/// The square that shows practically all of the data: known for the synthetic sets, else from the points themselves.
double extent_of(const ModelConfig& config, const Tensor& points) {
  for (const Synthetic& set : synthetic_sets())
    if (set.name == config.data) return set.extent;
  std::vector<float> sizes = contiguous(points).to_vector<float>();
  std::erase_if(sizes, [](float v) { return !std::isfinite(v); });
  if (sizes.empty()) return 1;
  for (float& v : sizes) v = std::abs(v);
  const size_t most = sizes.size() * 99 / 100;
  std::nth_element(sizes.begin(), sizes.begin() + int64_t(most), sizes.end());
  return std::max(1.2 * double(sizes[most]), 1e-6);
}

/// The first two columns; a single column against its row's place in the sample.
Tensor two_columns(const Tensor& x) {
  if (x.size(1) >= 2) return contiguous(slice(x, 1, 0, 2));
  return concat({x, reshape(linspace(-1, 1, x.size(0), x.dtype()), {x.size(0), 1})}, 1);
}

}  // namespace

Tensor to_unit_pixels(const ModelConfig& config, const Tensor& x) {
  return config.levels > 1 ? clamp(x * (1.0 / (config.levels - 1)), 0.0, 1.0) : clamp(x, 0.0, 1.0);
}

void write_sample_picture(const std::filesystem::path& path, const ModelConfig& config, const Tensor& x) {
  if (config.image) {
    const int64_t shown = std::min<int64_t>(x.size(0), 400);
    const auto columns = int64_t(std::ceil(std::sqrt(double(shown))));
    const Tensor pixels = to_unit_pixels(config, slice(x, 0, 0, shown));
    write_png(path, image_grid(pixels, *config.image, (shown + columns - 1) / columns, columns, 2));
    return;
  }
  const Tensor points = two_columns(x);
  write_png(path, scatter(points, Window::square(extent_of(config, points)), std::span(&sample_ink, 1),
                          {.width = 640, .height = 640}));
}

void write_interpolation_picture(const std::filesystem::path& path, const ModelConfig& config, const Tensor& x) {
  const int64_t rows = x.size(0), steps = x.size(1);
  if (config.image) {
    const Tensor pixels = to_unit_pixels(config, reshape(x, {rows * steps, x.size(2)}));
    write_png(path, image_grid(pixels, *config.image, rows, steps, 2));
    return;
  }
  std::vector<Colour> colours;
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < steps; ++j) colours.push_back(category_colour(int(i)));
  const Tensor points = two_columns(reshape(x, {rows * steps, x.size(2)}));
  write_png(path, scatter(points, Window::square(extent_of(config, points)), colours,
                          {.width = 640, .height = 640, .radius = 3}));
}

}  // namespace pf
