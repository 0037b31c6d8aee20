#include "nn/image/canvas.h"

#include <algorithm>
#include <cmath>

#include "nn/image/font.h"

namespace pf {

Canvas::Canvas(int64_t width, int64_t height, Colour background) : width_(width), height_(height) {
  check(width >= 1 && height >= 1 && width <= 32768 && height <= 32768, "canvas: ", width, " × ", height,
        " pixels: expected 1 to 32768 each");
  pixels_.assign(size_t(width * height), background);
}

void Canvas::blend(int64_t x, int64_t y, Colour colour, float alpha) {
  Colour& p = pixels_[size_t(y * width_ + x)];
  p.r += alpha * (colour.r - p.r);
  p.g += alpha * (colour.g - p.g);
  p.b += alpha * (colour.b - p.b);
}

// Visits the pixels of a box; coverage(x, y) at a pixel's centre says how much of it is inside, 0 … 1.
template <class Coverage>
void Canvas::paint(double x0, double y0, double x1, double y1, Colour colour, double alpha, Coverage&& coverage) {
  if (!(std::isfinite(x0) && std::isfinite(x1) && std::isfinite(y0) && std::isfinite(y1))) return;
  const auto clip = [](double v, int64_t size) { return int64_t(std::clamp(std::floor(v), 0., double(size))); };
  const int64_t left = clip(x0, width_), right = clip(x1 + 1, width_), top = clip(y0, height_),
                bottom = clip(y1 + 1, height_);
  for (int64_t y = top; y < bottom; ++y)
    for (int64_t x = left; x < right; ++x) {
      const double inside = std::clamp(coverage(double(x) + 0.5, double(y) + 0.5), 0., 1.);
      if (inside > 0) blend(x, y, colour, float(inside * alpha));
    }
}

void Canvas::disc(double x, double y, double radius, Colour colour, double alpha) {
  // A disc smaller than a pixel is a fainter one of half a pixel.
  const double faint = std::min(1., radius * radius / 0.25);
  radius = std::max(radius, 0.5);
  paint(x - radius - 1, y - radius - 1, x + radius + 1, y + radius + 1, colour, alpha * faint,
        [=](double px, double py) { return radius + 0.5 - std::hypot(px - x, py - y); });
}

void Canvas::line(double x0, double y0, double x1, double y1, double thickness, Colour colour, double alpha) {
  const double half = std::max(thickness, 1.) / 2, faint = std::min(1., thickness);
  const double dx = x1 - x0, dy = y1 - y0, squared = dx * dx + dy * dy;
  // Row by row, so that a long slanted line does not visit its whole box.
  const double top = std::max(0., std::floor(std::min(y0, y1) - half - 1)),
               bottom = std::min(double(height_), std::max(y0, y1) + half + 1);
  if (!std::isfinite(squared)) return;
  for (double row = top; row < bottom; ++row) {
    double first = std::min(x0, x1), last = std::max(x0, x1);
    if (dy != 0) {
      const auto at = [&](double y) { return x0 + dx * std::clamp((y - y0) / dy, 0., 1.); };
      const double a = at(row - half - 1), b = at(row + half + 2);
      first = std::min(a, b);
      last = std::max(a, b);
    }
    paint(first - half - 1, row, last + half + 1, row, colour, alpha * faint, [=](double px, double py) {
      const double t = squared > 0 ? std::clamp(((px - x0) * dx + (py - y0) * dy) / squared, 0., 1.) : 0;
      return half + 0.5 - std::hypot(px - x0 - t * dx, py - y0 - t * dy);
    });
  }
}

void Canvas::rectangle(double x, double y, double width, double height, Colour colour, double alpha) {
  paint(x, y, x + width, y + height, colour, alpha, [=](double px, double py) {
    const auto overlap = [](double p, double low, double high) {
      return std::clamp(std::min(p + 0.5, high) - std::max(p - 0.5, low), 0., 1.);
    };
    return overlap(px, x, x + width) * overlap(py, y, y + height);
  });
}

void Canvas::text(double x, double y, std::string_view text, Colour colour, int scale) {
  for (char c : text) {
    const auto glyph = glyph_of(c);
    for (int row = 0; row < 7; ++row)
      for (int column = 0; column < 5; ++column)
        if (glyph[size_t(row)] >> (4 - column) & 1)
          rectangle(x + column * scale, y + row * scale, scale, scale, colour);
    x += 6 * scale;
  }
}

void Canvas::draw(const Image& image, int64_t x, int64_t y) {
  for (int64_t row = std::max<int64_t>(0, -y); row < std::min(image.height, height_ - y); ++row)
    for (int64_t column = std::max<int64_t>(0, -x); column < std::min(image.width, width_ - x); ++column) {
      const uint8_t* p = image.at(column, row);
      const int second = image.channels == 3 ? 1 : 0, third = image.channels == 3 ? 2 : 0;
      pixels_[size_t((y + row) * width_ + x + column)] = {float(p[0]) / 255, float(p[second]) / 255,
                                                          float(p[third]) / 255};
    }
}

Image Canvas::image() const {
  Image out(width_, height_, 3);
  const auto byte = [](float v) { return uint8_t(std::clamp(v, 0.f, 1.f) * 255 + 0.5f); };
  for (size_t i = 0; i < pixels_.size(); ++i) {
    out.pixels[3 * i] = byte(pixels_[i].r);
    out.pixels[3 * i + 1] = byte(pixels_[i].g);
    out.pixels[3 * i + 2] = byte(pixels_[i].b);
  }
  return out;
}

}  // namespace pf
