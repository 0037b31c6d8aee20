#include "nn/image/pictures.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "nn/image/canvas.h"

namespace pf {
namespace {

uint8_t byte(double x) { return x > 0 ? uint8_t(std::min(x, 1.) * 255 + 0.5) : 0; }  // NaN is black

}  // namespace

Image image_grid(const Tensor& x, const ImageShape& shape, int64_t rows, int64_t columns, int64_t enlarge) {
  check(x.rank() == 2 && x.size(1) == shape.size(), "image_grid: ", x.shape(), ": expected [n, ", shape.size(),
        "], images of ", shape);
  check(shape.channels == 1 || shape.channels == 3, "image_grid: images of ", shape, ": expected 1 or 3 channels");
  check(rows >= 1 && columns >= 1 && enlarge >= 1, "image_grid: ", rows, " rows, ", columns, " columns, enlarged ",
        enlarge, " times: expected 1 or more");
  const Tensor values = to_device(contiguous(cast(x, float32)), Device::cpu());
  const float* data = values.data<float>();
  const int64_t gap = std::max<int64_t>(1, enlarge), cell_width = shape.width * enlarge + gap,
                cell_height = shape.height * enlarge + gap;
  Image out(columns * cell_width + gap, rows * cell_height + gap, int(shape.channels), 255);
  for (int64_t i = 0; i < std::min(x.size(0), rows * columns); ++i) {
    const int64_t left = i % columns * cell_width + gap, top = i / columns * cell_height + gap;
    for (int64_t v = 0; v < shape.height * enlarge; ++v)
      for (int64_t u = 0; u < shape.width * enlarge; ++u)
        for (int64_t c = 0; c < shape.channels; ++c)
          out.at(left + u, top + v)[c] =
              byte(data[i * shape.size() + (v / enlarge * shape.width + u / enlarge) * shape.channels + c]);
  }
  return out;
}

Image scatter(const Tensor& points, const Window& window, std::span<const Colour> colours, const ScatterStyle& style) {
  check(points.rank() == 2 && points.size(1) == 2, "scatter: ", points.shape(), ": expected points [n, 2]");
  const int64_t n = points.size(0);
  check(colours.size() == 1 || int64_t(colours.size()) == n, "scatter: ", colours.size(), " colours for ", n,
        " points: expected 1 or ", n);
  const Tensor values = to_device(contiguous(cast(points, float64)), Device::cpu());
  const double* p = values.data<double>();
  Canvas canvas(style.width, style.height, style.background);
  for (int64_t i = 0; i < n; ++i) {
    const double x = (p[2 * i] - window.left) / (window.right - window.left) * double(style.width);
    const double y = (window.top - p[2 * i + 1]) / (window.top - window.bottom) * double(style.height);
    canvas.disc(x, y, style.radius, colours[colours.size() == 1 ? 0 : size_t(i)], style.alpha);
  }
  return canvas.image();
}

std::vector<Colour> noise_colours(const Tensor& z) {
  check(z.rank() == 2 && z.size(1) == 2, "noise_colours: ", z.shape(), ": expected points [n, 2]");
  const Tensor values = to_device(contiguous(cast(z, float64)), Device::cpu());
  std::vector<Colour> out;
  for (int64_t i = 0; i < z.size(0); ++i)
    out.push_back(noise_colour(values.data<double>()[2 * i], values.data<double>()[2 * i + 1]));
  return out;
}

Image heat_map(const Tensor& values, double lowest, double highest, int64_t enlarge) {
  check(values.rank() == 2 && values.numel() > 0, "heat_map: ", values.shape(), ": expected [height, width]");
  check(enlarge >= 1, "heat_map: enlarged ", enlarge, " times: expected 1 or more");
  const Tensor flat = to_device(contiguous(cast(values, float64)), Device::cpu());
  const double range = highest > lowest ? highest - lowest : 1;
  Image out(values.size(1) * enlarge, values.size(0) * enlarge, 3);
  for (int64_t v = 0; v < out.height; ++v)
    for (int64_t u = 0; u < out.width; ++u) {
      const Colour c =
          sequential_colour((flat.data<double>()[v / enlarge * values.size(1) + u / enlarge] - lowest) / range);
      uint8_t* pixel = out.at(u, v);
      pixel[0] = byte(c.r);
      pixel[1] = byte(c.g);
      pixel[2] = byte(c.b);
    }
  return out;
}

Image heat_map(const Tensor& values, int64_t enlarge) {
  const Tensor flat = to_device(contiguous(cast(values, float64)), Device::cpu());
  double lowest = std::numeric_limits<double>::infinity(), highest = -lowest;
  for (int64_t i = 0; i < flat.numel(); ++i) {
    const double x = flat.data<double>()[i];
    if (!std::isfinite(x)) continue;
    lowest = std::min(lowest, x);
    highest = std::max(highest, x);
  }
  return heat_map(values, lowest, highest, enlarge);
}

Tensor window_points(const Window& window, int64_t width, int64_t height) {
  check(width >= 1 && height >= 1, "window_points: ", width, " × ", height, ": expected 1 or more each");
  Tensor out = Tensor::empty({height * width, 2}, float64);
  double* to = out.mutable_data<double>();
  for (int64_t v = 0; v < height; ++v)
    for (int64_t u = 0; u < width; ++u) {
      *to++ = window.left + (double(u) + 0.5) / double(width) * (window.right - window.left);
      *to++ = window.top - (double(v) + 0.5) / double(height) * (window.top - window.bottom);
    }
  return to_device(out, default_device());
}

}  // namespace pf
