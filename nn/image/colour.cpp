#include "nn/image/colour.h"

#include <algorithm>
#include <cmath>
#include <numbers>

namespace pf {
namespace {

struct Linear {
  double r, g, b;
};

Linear linear_rgb(double lightness, double chroma, double hue) {
  const double a = chroma * std::cos(2 * std::numbers::pi * hue), b = chroma * std::sin(2 * std::numbers::pi * hue);
  const auto cube = [](double x) { return x * x * x; };
  const double l = cube(lightness + 0.3963377774 * a + 0.2158037573 * b);
  const double m = cube(lightness - 0.1055613458 * a - 0.0638541728 * b);
  const double s = cube(lightness - 0.0894841775 * a - 1.2914855480 * b);
  return {4.0767416621 * l - 3.3077115913 * m + 0.2309699292 * s,
          -1.2684380046 * l + 2.6097574011 * m - 0.3413193965 * s,
          -0.0041960863 * l - 0.7034186147 * m + 1.7076147010 * s};
}

bool shown(const Linear& c) {
  const auto inside = [](double x) { return x >= -1e-4 && x <= 1 + 1e-4; };
  return inside(c.r) && inside(c.g) && inside(c.b);
}

float displayed(double x) {
  x = std::clamp(x, 0., 1.);
  return float(x <= 0.0031308 ? 12.92 * x : 1.055 * std::pow(x, 1 / 2.4) - 0.055);
}

}  // namespace

Colour from_oklch(double lightness, double chroma, double hue) {
  Linear c = linear_rgb(lightness, chroma, hue);
  if (!shown(c)) {
    double low = 0, high = chroma;
    for (int step = 0; step < 12; ++step) {
      const double middle = (low + high) / 2;
      (shown(linear_rgb(lightness, middle, hue)) ? low : high) = middle;
    }
    c = linear_rgb(lightness, low, hue);
  }
  return {displayed(c.r), displayed(c.g), displayed(c.b)};
}

Colour sequential_colour(double t) {
  t = t > 0 ? std::min(t, 1.) : 0;                                                 // NaN too becomes 0
  return from_oklch(0.20 + 0.72 * t, 0.085 + 0.075 * t * t * t, 0.86 - 0.56 * t);  // within what a screen shows
}

Colour noise_colour(double x, double y) {
  const double radius = std::hypot(x, y);
  if (!std::isfinite(radius)) return {0.5f, 0.5f, 0.5f};
  const double nearer = 1 - std::exp(-radius * radius / 2);
  return from_oklch(0.70 - 0.08 * nearer, 0.02 + 0.16 * nearer, std::atan2(y, x) / (2 * std::numbers::pi));
}

Colour category_colour(int k) {
  return from_oklch(k % 3 == 0 ? 0.62 : k % 3 == 1 ? 0.72 : 0.52, 0.15, 0.72 + 0.381966 * k);
}

}  // namespace pf
