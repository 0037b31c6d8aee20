#pragma once
// The plots of an atlas's pictures: coloured noise, samples over data, heat maps and training curves, with their axes.
// They look like those of the page.

#include "models/report/atlas_page.h"
#include "models/report/lettering.h"

namespace pf::plots {

constexpr double cell = 340, gap = 34, margin = 40;  // pixels; a plot with its axes is a square of `cell`
constexpr Colour hex(uint32_t rgb) {
  return {float(rgb >> 16) / 255, float(rgb >> 8 & 255) / 255, float(rgb & 255) / 255};
}
constexpr Colour paper = hex(0xfbfaf6), white = hex(0xffffff), ink = hex(0x1d2126), soft = hex(0x5a626b),
                 line = hex(0xd9d5cb), real = hex(0x9aa1a9), model = hex(0xc2410c), accent = hex(0x0d6584);
inline const Lettering title = {15, 2.1, ink}, quiet = {10.5, 1.3, soft}, tick = {8.5, 1.1, soft};

// Each is drawn with the upper left corner of its square at (x, y).

/// Points [n, 2], point i in the colour of noise point start[i]: hue from its direction, lightness from its distance.
/// `axis` names the coordinates.
void draw_coloured(Canvas& canvas, double x, double y, double range, const Tensor& points, const Tensor& start,
                   const char* axis);
/// Samples and test points, either of which may be missing.
void draw_samples(Canvas& canvas, double x, double y, const AtlasPage& page, const Tensor& samples);
/// A log density, on a scale that ends at `top`.
void draw_density(Canvas& canvas, double x, double y, const AtlasPage& page, const Tensor& grid, double top);
void draw_loss(Canvas& canvas, double x, double y, const AtlasPanel& panel);

/// The half width of a square that shows the noise.
double noise_range(const Tensor& base);
/// The scale of the heat maps, its right end at (right, baseline).
void draw_density_scale(Canvas& canvas, double right, double baseline, double top);

}  // namespace pf::plots
