#include "models/report/atlas_pictures.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <filesystem>

#include "models/report/lettering.h"
#include "models/report/metric_table.h"
#include "models/report/page_data.h"
#include "nn/image/png.h"
#include "tensor/files.h"

namespace pf {
namespace {

constexpr double cell = 340, gap = 34, margin = 40;  // pixels; a figure with its axes is a square of `cell`
constexpr Colour hex(uint32_t rgb) { return {float(rgb >> 16) / 255, float(rgb >> 8 & 255) / 255, float(rgb & 255) / 255}; }
constexpr Colour paper = hex(0xfbfaf6), white = hex(0xffffff), ink = hex(0x1d2126), soft = hex(0x5a626b), line = hex(0xd9d5cb),
                 real = hex(0x9aa1a9), model = hex(0xc2410c), accent = hex(0x0d6584);
const Lettering title = {15, 2.1, ink}, label = {10.5, 1.35, ink}, quiet = {10.5, 1.3, soft}, tick = {8.5, 1.1, soft};

struct Box {
  double left, top, right, bottom;
  double width() const { return right - left; }
  double height() const { return bottom - top; }
};

/// A plot: a box of the canvas and the ranges that it shows.
struct Plot {
  Box box;
  double x0, x1, y0, y1;
  double x(double v) const { return box.left + (v - x0) / (x1 - x0) * box.width(); }
  double y(double v) const { return box.bottom - (v - y0) / (y1 - y0) * box.height(); }
  bool shows(double vx, double vy) const { return vx >= x0 && vx <= x1 && vy >= y0 && vy <= y1; }
};

std::vector<double> ticks(double low, double high, int count) {
  double raw = (high - low) / count, power = std::pow(10, std::floor(std::log10(raw))), step = 10 * power;
  for (double m : {5.0, 2.5, 2.0, 1.0})
    if (m * power >= raw * 0.999) step = m * power;
  std::vector<double> out;
  for (double v = std::ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step) out.push_back(std::abs(v) < step / 1e6 ? 0 : v);
  return out;
}
std::string tick_text(double v) {
  if (std::abs(v) >= 1000) return tick_text(v / 1000) + "k";
  std::string text = significant(v, 4);
  if (text.find('.') != std::string::npos) {
    while (text.ends_with('0')) text.pop_back();
    if (text.ends_with('.')) text.pop_back();
  }
  return text;
}

void frame(Canvas& canvas, const Plot& plot, const std::string& x_name, const std::string& y_name) {
  const Box& b = plot.box;
  canvas.line(b.left, b.top, b.right, b.top, 1, line);
  canvas.line(b.left, b.bottom, b.right, b.bottom, 1, line);
  canvas.line(b.left, b.top, b.left, b.bottom, 1, line);
  canvas.line(b.right, b.top, b.right, b.bottom, 1, line);
  for (double v : ticks(plot.x0, plot.x1, 4)) {
    canvas.line(plot.x(v), b.bottom, plot.x(v), b.bottom + 4, 1, soft);
    write(canvas, plot.x(v), b.bottom + 17, tick_text(v), tick, Align::centre);
  }
  for (double v : ticks(plot.y0, plot.y1, 4)) {
    canvas.line(b.left - 4, plot.y(v), b.left, plot.y(v), 1, soft);
    write(canvas, b.left - 8, plot.y(v) + 4, tick_text(v), tick, Align::right);
  }
  write(canvas, (b.left + b.right) / 2, b.bottom + 31, x_name, tick, Align::centre);
  write(canvas, b.left, b.top - 7, y_name, tick);
}

Plot begin(Canvas& canvas, double x, double y, double x0, double x1, double y0, double y1) {
  Plot plot{{x + 40, y + 18, x + cell, y + cell - 22}, x0, x1, y0, y1};
  canvas.rectangle(plot.box.left, plot.box.top, plot.box.width(), plot.box.height(), white);
  return plot;
}
Plot plane(Canvas& canvas, double x, double y, double range) { return begin(canvas, x, y, -range, range, -range, range); }

/// As on the page: hue from the direction, lightness from the distance.
Colour noise_colour_on_white(double x, double y) {
  double share = 1 - std::exp(-(x * x + y * y) / 2);
  return from_oklch(0.42 + 0.30 * share, 0.05 + 0.11 * share, std::atan2(y, x) / (2 * 3.14159265358979));
}

Colour heat(double t) {
  constexpr std::array<Colour, 4> stops = {hex(0xffffff), hex(0xb9d8dc), hex(0x3f8fa6), hex(0x0b3350)};
  double at = std::isnan(t) ? 0 : 3 * std::clamp(t, 0.0, 0.99999);
  Colour a = stops[size_t(at)], b = stops[size_t(at) + 1];
  float part = float(at - std::floor(at));
  return {a.r + part * (b.r - a.r), a.g + part * (b.g - a.g), a.b + part * (b.b - a.b)};
}

/// The top of the common scale of log densities: the highest value that is not an outlier.
double density_top(const AtlasPage& page) {
  std::vector<double> all;
  auto gather = [&](const Tensor& grid) {
    if (grid.defined())
      for (double v : numbers_of(grid))
        if (std::isfinite(v)) all.push_back(v);
  };
  gather(page.true_density);
  for (const AtlasPanel& panel : page.panels) gather(panel.density);
  std::sort(all.begin(), all.end());
  return all.empty() ? 0 : all[size_t(0.998 * double(all.size() - 1))];
}

double noise_range(const Tensor& base) {
  double largest = 1;
  for (double v : numbers_of(base))
    if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
  return std::min(4.0, std::ceil(largest * 2) / 2);
}

void draw_coloured(Canvas& canvas, double x, double y, double range, const Tensor& points, const Tensor& start, const char* axis) {
  Plot plot = plane(canvas, x, y, range);
  std::vector<double> p = numbers_of(points), z = numbers_of(start);
  double radius = std::clamp(2 * std::sqrt(1500.0 / double(p.size() / 2 + 1)), 1.2, 2.4);
  for (size_t i = 0; i + 1 < p.size(); i += 2)
    if (plot.shows(p[i], p[i + 1])) canvas.disc(plot.x(p[i]), plot.y(p[i + 1]), radius, noise_colour_on_white(z[i], z[i + 1]));
  frame(canvas, plot, std::string(axis) + "₁", std::string(axis) + "₂");
}

void draw_samples(Canvas& canvas, double x, double y, const AtlasPage& page, const Tensor& samples) {
  Plot plot = plane(canvas, x, y, page.range);
  std::vector<double> data = page.data.defined() ? numbers_of(page.data) : std::vector<double>();
  std::vector<double> drawn = samples.defined() ? numbers_of(samples) : std::vector<double>();
  size_t most = 4000;
  if (!drawn.empty()) most = std::min(most, drawn.size());
  for (size_t i = 0; i + 1 < most; i += 2) {  // taking turns, so that neither covers the other
    if (i + 1 < data.size() && plot.shows(data[i], data[i + 1]))
      canvas.disc(plot.x(data[i]), plot.y(data[i + 1]), 1.6, samples.defined() ? real : soft, 0.8);
    if (i + 1 < drawn.size() && plot.shows(drawn[i], drawn[i + 1])) canvas.disc(plot.x(drawn[i]), plot.y(drawn[i + 1]), 1.6, model, 0.8);
  }
  frame(canvas, plot, "x₁", "x₂");
}

void draw_density(Canvas& canvas, double x, double y, const AtlasPage& page, const Tensor& grid, double top) {
  constexpr double span = 7;
  Plot plot = plane(canvas, x, y, page.range);
  int64_t g = grid.size(0);
  std::vector<double> values = numbers_of(grid);
  auto at = [&](double row, double column) {  // between cell centres, linearly in the colour's parameter
    auto t = [&](int64_t i, int64_t j) {
      double v = values[size_t(std::clamp<int64_t>(i, 0, g - 1) * g + std::clamp<int64_t>(j, 0, g - 1))];
      return std::isfinite(v) ? std::clamp(1 + (v - top) / span, 0.0, 1.0) : v > 0 ? 1.0 : 0.0;
    };
    int64_t i = int64_t(std::floor(row)), j = int64_t(std::floor(column));
    double u = row - double(i), v = column - double(j);
    return (1 - u) * ((1 - v) * t(i, j) + v * t(i, j + 1)) + u * ((1 - v) * t(i + 1, j) + v * t(i + 1, j + 1));
  };
  const Box& b = plot.box;
  for (double py = b.top; py < b.bottom; ++py)
    for (double px = b.left; px < b.right; ++px)
      canvas.rectangle(px, py, 1, 1, heat(at((b.bottom - py - 0.5) / b.height() * double(g) - 0.5, (px + 0.5 - b.left) / b.width() * double(g) - 0.5)));
  double key = b.right - 104, base = b.bottom - 28;
  canvas.rectangle(key - 10, base - 20, 106, 44, white, 0.86);
  for (int i = 0; i < 86; ++i) canvas.rectangle(key + i, base, 1, 7, heat(i / 85.0));
  write(canvas, key, base - 6, "log p, nats", tick);
  write(canvas, key, base + 19, tick_text(std::round(10 * (top - span)) / 10), tick);
  write(canvas, key + 86, base + 19, tick_text(std::round(10 * top) / 10), tick, Align::right);
  frame(canvas, plot, "x₁", "x₂");
}

void draw_loss(Canvas& canvas, double x, double y, const AtlasPanel& panel) {
  std::vector<double> known;
  for (size_t i = panel.loss.size() / 50; i < panel.loss.size(); ++i)
    if (std::isfinite(panel.loss[i].second)) known.push_back(panel.loss[i].second);
  if (known.empty()) return;
  std::sort(known.begin(), known.end());
  auto quantile = [&](double q) { return known[size_t(std::lround(q * double(known.size() - 1)))]; };
  double spread = std::max(quantile(0.97) - known.front(), 1e-6 * std::max(1.0, std::abs(known.front())));
  double low = std::max(known.front(), quantile(0.01) - 0.3 * spread), high = std::min(known.back(), quantile(0.97) + 0.25 * spread);
  Plot plot = begin(canvas, x, y, 0, std::max(panel.loss.back().first, 1e-9), low - 0.06 * spread, high + 0.06 * spread);
  auto clamped = [&](double v) { return std::clamp(plot.y(v), plot.box.top, plot.box.bottom); };
  auto curve = [&](auto&& value, double weight, double alpha) {
    for (size_t i = 1; i < panel.loss.size(); ++i) {
      double a = value(i - 1), b = value(i);
      if (!std::isfinite(a) || !std::isfinite(b) || (clamped(a) == clamped(b) && (a < plot.y0 || a > plot.y1))) continue;
      canvas.line(plot.x(panel.loss[i - 1].first), clamped(a), plot.x(panel.loss[i].first), clamped(b), weight, accent, alpha);
    }
  };
  auto raw = [&](size_t i) { return panel.loss[i].second; };
  size_t reach = std::max<size_t>(1, panel.loss.size() / 40);
  auto smooth = [&](size_t i) {
    double sum = 0, count = 0;
    for (size_t j = i - std::min(i, reach); j < std::min(panel.loss.size(), i + reach + 1); ++j)
      if (std::isfinite(panel.loss[j].second)) sum += panel.loss[j].second, ++count;
    return sum / count;
  };
  if (panel.loss.size() > 40) {
    curve(raw, 1, 0.3);
    curve(smooth, 2, 1);
  } else {
    curve(raw, 2, 1);
  }
  frame(canvas, plot, "step", panel.loss_name);
}

/// The height of a table of images that is `cell` wide; after every `group` rows there is a wider gap.
double table_height(const AtlasPage& page, size_t count, int64_t columns, int64_t group = 0) {
  double side = (cell - 2 * double(columns - 1)) / double(columns), tall = std::floor(side * double(page.image_height) / double(page.image_width));
  auto rows = (int64_t(count) + columns - 1) / columns;
  return double(rows) * (tall + 2) - 2 + (group && rows ? 6 * double((rows - 1) / group) : 0);
}

void draw_images(Canvas& canvas, double x, double y, const AtlasPage& page, const std::vector<const double*>& images, int64_t columns, int64_t group = 0) {
  double side = (cell - 2 * double(columns - 1)) / double(columns);
  double tall = std::floor(side * double(page.image_height) / double(page.image_width));
  for (size_t k = 0; k < images.size(); ++k) {
    if (!images[k]) continue;
    int64_t row = int64_t(k) / columns, column = int64_t(k) % columns;
    double left = std::floor(x + double(column) * (side + 2)), right = std::floor(x + double(column) * (side + 2) + side);
    double top = y + double(row) * (tall + 2) + (group ? 6 * double(row / group) : 0);
    for (double py = 0; py < tall; ++py)
      for (double px = left; px < right; ++px) {
        auto i = int64_t((py + 0.5) / tall * double(page.image_height)), j = int64_t((px + 0.5 - left) / (right - left) * double(page.image_width));
        double v = images[k][i * page.image_width + j];
        float grey = float(std::isnan(v) ? 0 : std::clamp(v, 0.0, 1.0));
        canvas.rectangle(px, top + py, 1, 1, {grey, grey, grey});
      }
  }
}
std::vector<const double*> rows_of(const std::vector<double>& values, int64_t pixels, size_t most) {
  std::vector<const double*> out;
  for (size_t i = 0; (i + 1) * size_t(pixels) <= values.size() && out.size() < most; ++i) out.push_back(values.data() + i * size_t(pixels));
  return out;
}
void draw_grid(Canvas& canvas, double x, double y, const AtlasPage& page, const Tensor& images, size_t most = 64, int64_t columns = 8) {
  std::vector<double> values = numbers_of(images);
  draw_images(canvas, x, y, page, rows_of(values, page.image_height * page.image_width, most), columns);
}
void draw_nearest(Canvas& canvas, double x, double y, const AtlasPage& page, const AtlasPanel& panel) {
  std::vector<double> samples = numbers_of(panel.samples), nearest = numbers_of(panel.nearest);
  int64_t pixels = page.image_height * page.image_width;
  auto above = rows_of(samples, pixels, pair_count(panel)), below = rows_of(nearest, pixels, pair_count(panel));
  std::vector<const double*> order;
  for (size_t from = 0; from < below.size(); from += 8)
    for (const auto& half : {above, below})
      for (size_t k = from; k < from + 8; ++k) order.push_back(k < below.size() ? half[k] : nullptr);
  draw_images(canvas, x, y, page, order, 8, 2);
}
int64_t interpolation_columns(const AtlasPanel& panel) { return panel.interpolation.size(panel.interpolation.rank() == 3 ? 1 : 0); }
size_t interpolation_count(const AtlasPanel& panel) {
  if (!panel.interpolation.defined()) return 0;
  return size_t(interpolation_columns(panel) * (panel.interpolation.rank() == 3 ? std::min<int64_t>(8, panel.interpolation.size(0)) : 1));
}
/// How many samples are shown with their nearest training image.
size_t pair_count(const AtlasPanel& panel) {
  if (!panel.nearest.defined() || !panel.samples.defined()) return 0;
  return size_t(std::min({panel.nearest.size(0), panel.samples.size(0), int64_t(32)}));
}
double pairs_height(const AtlasPage& page, size_t pairs) { return table_height(page, (pairs + 7) / 8 * 16, 8, 2); }

void caption(Canvas& canvas, const AtlasPage& page, double x, double y, const std::string& text) {
  write(canvas, page.shows_images() ? x : x + 40, y, text, quiet);
}

std::string density_caption(const AtlasPanel& panel) {
  if (panel.density_kind == "ode") return "density, by its ODE";
  if (panel.density_kind == "bound") return "density, a lower bound";
  return "density, " + panel.density_kind;
}

std::string likelihood_line(const AtlasPanel& panel) {
  for (const Metric& metric : panel.metrics)
    if (!metric.kind.empty() && std::isfinite(metric.value))
      return metric.name + (metric.kind == "bound" ? " ≤ " : " ") + with_error(metric.value, metric.error) +
             (metric.unit.empty() ? "" : " " + metric.unit) + " (" + metric.kind + ")";
  return "";
}

void heading(Canvas& canvas, double x, double y, const std::string& name, const std::string& below) {
  std::vector<std::string> lines = lines_of(name, cell - 20, title);
  double first = y + (lines.size() > 1 ? -8 : 14);
  for (size_t i = 0; i < lines.size(); ++i) write(canvas, x, first + 22 * double(i), lines[i], title);
  write(canvas, x, y + 37, below, quiet);
}

constexpr double head = 80;  // above the first row of the overview, below the margin

Canvas overview_canvas(const AtlasPage& page, double height) {
  const double columns = double(page.panels.size()) + 1;
  return Canvas(int64_t(2 * margin + columns * cell + (columns - 1) * gap), int64_t(margin + head + height + margin), paper);
}

Image overview_of_plane(const AtlasPage& page) {
  bool densities = page.true_density.defined();
  for (const AtlasPanel& panel : page.panels) densities |= panel.density.defined();
  const double row = cell + 56, top = margin + head, scale_top = density_top(page);
  Canvas canvas = overview_canvas(page, (2 + densities) * row - 20);

  double x = margin;
  heading(canvas, x + 40, margin + 14, page.dataset, std::isfinite(page.entropy) ? "entropy " + significant(page.entropy) + " nats" : "");
  const Tensor base = page.panels.empty() ? Tensor() : page.panels[0].base;
  if (base.defined()) {
    draw_coloured(canvas, x, top, noise_range(base), base, base, "z");
    caption(canvas, page, x, top + cell + 26, "base noise z");
  }
  draw_samples(canvas, x, top + row, page, Tensor());
  caption(canvas, page, x, top + row + cell + 26, "test data");
  if (page.true_density.defined()) {
    draw_density(canvas, x, top + 2 * row, page, page.true_density, scale_top);
    caption(canvas, page, x, top + 2 * row + cell + 26, "true density");
  }
  for (const AtlasPanel& panel : page.panels) {
    x += cell + gap;
    heading(canvas, x + 40, margin + 14, panel.title, likelihood_line(panel));
    if (panel.pushed.defined()) {
      draw_coloured(canvas, x, top, page.range, panel.pushed, panel.base, "x");
      caption(canvas, page, x, top + cell + 26, "the noise, pushed forward");
    }
    if (panel.samples.defined()) {
      draw_samples(canvas, x, top + row, page, panel.samples);
      caption(canvas, page, x, top + row + cell + 26, "samples over test data");
    }
    if (panel.density.defined()) {
      draw_density(canvas, x, top + 2 * row, page, panel.density, scale_top);
      caption(canvas, page, x, top + 2 * row + cell + 26, density_caption(panel));
    } else if (densities) {
      caption(canvas, page, x, top + 2 * row + cell / 2, "no density shown");
    }
  }
  return canvas.image();
}

Image overview_of_images(const AtlasPage& page) {
  const Tensor base = page.panels.empty() ? Tensor() : page.panels[0].base;
  double grid = table_height(page, 64, 8), between = 0, pairs = 0;
  for (const AtlasPanel& panel : page.panels) {
    if (size_t count = interpolation_count(panel)) between = std::max(between, table_height(page, count, interpolation_columns(panel)));
    if (size_t count = pair_count(panel)) pairs = std::max(pairs, pairs_height(page, count));
  }
  const double space = 56, top = margin + head, second = top + grid + space, third = second + (between > 0 ? between + space : 0);
  double bottom = third + (pairs > 0 ? pairs + space : 0) - 24;
  if (base.defined()) bottom = std::max(bottom, second + cell + 40);
  Canvas canvas = overview_canvas(page, bottom - top);

  double x = margin;
  heading(canvas, x, margin + 14, page.dataset, "");
  if (page.data.defined()) draw_grid(canvas, x, top, page, page.data);
  caption(canvas, page, x, top + grid + 22, "test images");
  if (base.defined()) {
    draw_coloured(canvas, x, second - 18, noise_range(base), base, base, "z");
    caption(canvas, page, x, second + cell + 10, "base noise, its first two coordinates");
  }
  for (const AtlasPanel& panel : page.panels) {
    x += cell + gap;
    heading(canvas, x, margin + 14, panel.title, likelihood_line(panel));
    if (panel.samples.defined()) {
      draw_grid(canvas, x, top, page, panel.samples);
      caption(canvas, page, x, top + grid + 22, "samples, from the same noise in every family");
    }
    if (size_t count = interpolation_count(panel)) {
      draw_grid(canvas, x, second, page, panel.interpolation, count, interpolation_columns(panel));
      caption(canvas, page, x, second + between + 22, "between two noise points");
    }
    if (pair_count(panel)) {
      draw_nearest(canvas, x, third, page, panel);
      caption(canvas, page, x, third + pairs + 22, "sample above its nearest training image");
    }
  }
  return canvas.image();
}

}  // namespace

Image overview_picture(const AtlasPage& page) { return page.shows_images() ? overview_of_images(page) : overview_of_plane(page); }

Image panel_picture(const AtlasPage& page, size_t index) {
  const AtlasPanel& panel = page.panels[index];
  const bool images = page.shows_images();
  double count = !panel.loss.empty() + panel.samples.defined();
  if (images) count += double(panel.interpolation.defined() + (pair_count(panel) > 0));
  else count += double(panel.pushed.defined() + panel.density.defined());
  const double wide = std::max(1.0, count) * (cell + gap) - gap, offset = images ? 0 : 40, top = margin + 84;
  const double height = images ? std::max(cell, table_height(page, 64, 8)) : cell;
  Canvas canvas(int64_t(2 * margin + wide), int64_t(top + height + 26 + margin), paper);
  write(canvas, margin + offset, margin + 10, lines_of(page.dataset + " · " + panel.title, wide, title, 1).at(0), title);
  std::vector<std::string> about = lines_of(panel.map, wide - offset, quiet, 2);
  for (size_t i = 0; i < about.size(); ++i) write(canvas, margin + offset, margin + 36 + 19 * double(i), about[i], quiet);
  double x = margin;
  auto next = [&](double bottom, const std::string& text) {
    caption(canvas, page, x, bottom, text);
    x += cell + gap;
  };
  if (images) {
    if (panel.samples.defined()) {
      draw_grid(canvas, x, top, page, panel.samples);
      next(top + table_height(page, size_t(std::min<int64_t>(64, panel.samples.size(0))), 8) + 22, "samples");
    }
    if (size_t shown = interpolation_count(panel)) {
      draw_grid(canvas, x, top, page, panel.interpolation, shown, interpolation_columns(panel));
      next(top + table_height(page, shown, interpolation_columns(panel)) + 22, "between two noise points");
    }
    if (size_t pairs = pair_count(panel)) {
      draw_nearest(canvas, x, top, page, panel);
      next(top + pairs_height(page, pairs) + 22, "sample above its nearest training image");
    }
  } else {
    if (panel.pushed.defined()) draw_coloured(canvas, x, top, page.range, panel.pushed, panel.base, "x"), next(top + cell + 26, "the noise, pushed forward");
    if (panel.samples.defined()) draw_samples(canvas, x, top, page, panel.samples), next(top + cell + 26, "samples over test data");
    if (panel.density.defined()) draw_density(canvas, x, top, page, panel.density, density_top(page)), next(top + cell + 26, density_caption(panel));
  }
  if (!panel.loss.empty()) {
    draw_loss(canvas, x, images ? top - 18 : top, panel);
    write(canvas, x + 40, top + cell + (images ? 8 : 26), "training", quiet);
  }
  return canvas.image();
}

Image loss_picture(const AtlasPage& page) {
  const double count = std::max(1.0, double(page.panels.size()));
  Canvas canvas(int64_t(2 * margin + count * cell + (count - 1) * gap), int64_t(margin + 60 + cell + margin), paper);
  for (size_t i = 0; i < page.panels.size(); ++i) {
    double x = margin + double(i) * (cell + gap);
    std::vector<std::string> lines = lines_of(page.panels[i].title, cell - 40, title, 2);
    for (size_t k = 0; k < lines.size(); ++k) write(canvas, x + 40, margin + 14 + 24 * double(k + (lines.size() < 2)), lines[k], title);
    if (!page.panels[i].loss.empty()) draw_loss(canvas, x, margin + 60, page.panels[i]);
  }
  return canvas.image();
}

void write_atlas(const AtlasPage& page, const std::string& folder) {
  std::string html = atlas_html(page);  // checks the page before anything is written
  std::filesystem::path out(folder);
  std::error_code error;
  std::filesystem::create_directories(out, error);
  check(!error, "atlas: ", folder, ": ", error.message(), ": expected a folder that can be made");
  std::vector<std::string> slugs = panel_slugs(page);
  write_png(out / "overview.png", overview_picture(page));
  for (size_t i = 0; i < slugs.size(); ++i) write_png(out / (slugs[i] + ".png"), panel_picture(page, i));
  write_png(out / "loss.png", loss_picture(page));
  write_file_atomically(out / "atlas.html", html);
}

}  // namespace pf
