#include "models/report/plots.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "models/report/metric_table.h"
#include "models/report/page_data.h"

namespace pf::plots {
namespace {

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
  for (double v = std::ceil(low / step - 1e-9) * step; v <= high + 1e-9 * step; v += step)
    out.push_back(std::abs(v) < step / 1e6 ? 0 : v);
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
Plot plane(Canvas& canvas, double x, double y, double range) {
  return begin(canvas, x, y, -range, range, -range, range);
}

/// As on the page: hue from the direction, lightness from the distance.
Colour noise_colour_on_white(double x, double y) {
  double share = 1 - std::exp(-(x * x + y * y) / 2);
  return from_oklch(0.42 + 0.30 * share, 0.05 + 0.11 * share, std::atan2(y, x) / (2 * std::numbers::pi));
}

Colour heat(double t) {
  constexpr std::array<Colour, 4> stops = {hex(0xffffff), hex(0xb9d8dc), hex(0x3f8fa6), hex(0x0b3350)};
  double at = std::isnan(t) ? 0 : 3 * std::clamp(t, 0.0, 0.99999);
  Colour a = stops[size_t(at)], b = stops[size_t(at) + 1];
  float part = float(at - std::floor(at));
  return {a.r + part * (b.r - a.r), a.g + part * (b.g - a.g), a.b + part * (b.b - a.b)};
}

}  // namespace

void draw_density_scale(Canvas& canvas, double right, double baseline, double top) {
  const std::string low = significant(top - density_span, 2), high = significant(top, 2) + " nats";
  double x = right - width_of(high, tick);
  write(canvas, x, baseline, high, tick);
  x -= 66;
  for (int i = 0; i < 60; ++i) canvas.rectangle(x + i, baseline - 8, 1, 8, heat(i / 59.0));
  for (double y : {baseline - 8.5, baseline + 0.5}) canvas.line(x, y, x + 60, y, 1, line);
  write(canvas, x - 6, baseline, low, tick, Align::right);
}

double noise_range(const Tensor& base) {
  double largest = 1;
  for (double v : numbers_of(base))
    if (std::isfinite(v)) largest = std::max(largest, std::abs(v));
  return std::min(4.0, std::ceil(largest * 2) / 2);
}

void draw_coloured(Canvas& canvas, double x, double y, double range, const Tensor& points, const Tensor& start,
                   const char* axis) {
  Plot plot = plane(canvas, x, y, range);
  std::vector<double> p = numbers_of(points), z = numbers_of(start);
  double radius = std::clamp(2 * std::sqrt(1500.0 / double(p.size() / 2 + 1)), 1.2, 3.5);
  for (size_t i = 0; i + 1 < p.size(); i += 2)
    if (plot.shows(p[i], p[i + 1]))
      canvas.disc(plot.x(p[i]), plot.y(p[i + 1]), radius, noise_colour_on_white(z[i], z[i + 1]));
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
    if (i + 1 < drawn.size() && plot.shows(drawn[i], drawn[i + 1]))
      canvas.disc(plot.x(drawn[i]), plot.y(drawn[i + 1]), 1.6, model, 0.8);
  }
  frame(canvas, plot, "x₁", "x₂");
}

void draw_density(Canvas& canvas, double x, double y, const AtlasPage& page, const Tensor& grid, double top) {
  Plot plot = plane(canvas, x, y, page.range);
  int64_t g = grid.size(0);
  std::vector<double> values = numbers_of(grid);
  auto at = [&](double row, double column) {  // between cell centres, linearly in the colour's parameter
    auto t = [&](int64_t i, int64_t j) {
      double v = values[size_t(std::clamp<int64_t>(i, 0, g - 1) * g + std::clamp<int64_t>(j, 0, g - 1))];
      return std::isfinite(v) ? std::clamp(1 + (v - top) / density_span, 0.0, 1.0) : v > 0 ? 1.0 : 0.0;
    };
    int64_t i = int64_t(std::floor(row)), j = int64_t(std::floor(column));
    double u = row - double(i), v = column - double(j);
    return (1 - u) * ((1 - v) * t(i, j) + v * t(i, j + 1)) + u * ((1 - v) * t(i + 1, j) + v * t(i + 1, j + 1));
  };
  const Box& b = plot.box;
  for (double py = b.top; py < b.bottom; ++py)
    for (double px = b.left; px < b.right; ++px)
      canvas.rectangle(px, py, 1, 1,
                       heat(at((b.bottom - py - 0.5) / b.height() * double(g) - 0.5,
                               (px + 0.5 - b.left) / b.width() * double(g) - 0.5)));
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
  double low = std::max(known.front(), quantile(0.01) - 0.3 * spread),
         high = std::min(known.back(), quantile(0.97) + 0.25 * spread);
  Plot plot =
      begin(canvas, x, y, 0, std::max(panel.loss.back().first, 1e-9), low - 0.06 * spread, high + 0.06 * spread);
  auto clamped = [&](double v) { return std::clamp(plot.y(v), plot.box.top, plot.box.bottom); };
  auto curve = [&](auto&& value, double weight, double alpha) {
    for (size_t i = 1; i < panel.loss.size(); ++i) {
      double a = value(i - 1), b = value(i);
      if (!std::isfinite(a) || !std::isfinite(b) || (clamped(a) == clamped(b) && (a < plot.y0 || a > plot.y1)))
        continue;
      canvas.line(plot.x(panel.loss[i - 1].first), clamped(a), plot.x(panel.loss[i].first), clamped(b), weight, accent,
                  alpha);
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

}  // namespace pf::plots
