#include "models/report/page_data.h"

#include <algorithm>
#include <cmath>

#include "tensor/ops/views.h"

namespace pf {
namespace {

struct Limits {
  int64_t noise, points, images, grid, frames;
};
/// First positions on the way are left out, then cells of the grids, points last.
Limits limits(int thinning) {
  auto halved = [](int64_t count, int times, int64_t least) { return std::max(least, count >> std::max(0, times)); };
  return {halved(4000, thinning - 2, 250), halved(4000, thinning - 1, 250), halved(64, thinning - 3, 16),
          halved(160, thinning - 1, 40), halved(23, thinning, 4) + 1};
}

Json number(double value, int digits = 4) {
  if (!std::isfinite(value)) return nullptr;
  value = round_to(value, digits);
  if (value == std::trunc(value) && std::abs(value) < 1e9) return int64_t(value);  // 3, not 3.0
  return value;
}

Json array(const std::vector<int64_t>& shape, const std::vector<double>& values) {
  Json out = Json::array();
  for (double value : values) out.push_back(number(value));
  return {{"shape", shape}, {"values", std::move(out)}};
}

/// Rows 0 … n-1 of [rows, columns], at most `most` of them: the first ones, since samples have no order.
Json first_rows(const Tensor& x, int64_t most) {
  if (!x.defined()) return nullptr;
  int64_t rows = std::min(x.size(0), most), columns = x.size(1);
  std::vector<double> values = numbers_of(x);
  values.resize(size_t(rows * columns));
  return array({rows, columns}, values);
}

/// The first of [n] numbers.
Json first_numbers(const Tensor& x, int64_t most) {
  return x.defined() ? first_rows(reshape(contiguous(x), {x.numel(), 1}), most) : Json(nullptr);
}

/// A [g, g] grid with at most `most` cells a side: means of square blocks of exp(log density), so that mass is kept.
Json grid(const Tensor& x, int64_t most) {
  if (!x.defined()) return nullptr;
  int64_t g = x.size(0), block = (g + most - 1) / most, side = g / block;
  std::vector<double> all = numbers_of(x), values;
  for (int64_t row = 0; row < side; ++row)
    for (int64_t column = 0; column < side; ++column) {
      if (block == 1) {
        values.push_back(all[size_t(row * g + column)]);
        continue;
      }
      double sum = 0;
      for (int64_t i = 0; i < block; ++i)
        for (int64_t j = 0; j < block; ++j) {
          double value = all[size_t((row * block + i) * g + column * block + j)];
          if (std::isfinite(value)) sum += std::exp(value);
        }
      values.push_back(std::log(sum / double(block * block)));
    }
  return array({side, side}, values);
}

/// At most `frames` of the positions on the way, first and last always, of the first `points` points.
Json frames(const Tensor& path, int64_t most, int64_t points) {
  if (!path.defined()) return nullptr;
  int64_t t = path.size(0), n = path.size(1), kept = std::min(t, most);
  points = std::min(points, n);
  std::vector<double> all = numbers_of(path), values;
  for (int64_t frame = 0; frame < kept; ++frame) {
    int64_t from = kept == 1 ? t - 1 : frame * (t - 1) / (kept - 1);
    auto begin = all.begin() + from * n * 2;
    values.insert(values.end(), begin, begin + points * 2);
  }
  return array({kept, points, 2}, values);
}

/// The same for the lines of a grid: all their points.
Json line_frames(const Tensor& lines, int64_t most) {
  if (!lines.defined()) return nullptr;
  const int64_t count = lines.size(1), points = lines.size(2);
  Json out = frames(reshape(contiguous(lines), {lines.size(0), count * points, 2}), most, count * points);
  out["shape"] = {out["shape"][0], count, points, 2};
  return out;
}

/// Images with pixels from 0 to 1 as bytes. Rank 3 is a table of images.
Json images(const Tensor& x, int64_t most) {
  if (!x.defined()) return nullptr;
  int64_t pixels = x.size(-1);
  std::vector<int64_t> shape = {x.rank() == 3 ? x.size(0) : 1, x.rank() == 3 ? x.size(1) : std::min(x.size(0), most),
                                pixels};
  std::vector<uint8_t> bytes;
  std::vector<double> all = numbers_of(x);
  all.resize(size_t(shape[0] * shape[1] * pixels));
  for (double value : all)
    bytes.push_back(uint8_t(std::lround(255 * std::clamp(std::isnan(value) ? 0 : value, 0.0, 1.0))));
  return {{"shape", shape}, {"bytes", base64(bytes)}};
}

/// The loss curve; where there are more than 600 points, means of equally many.
Json curve(const std::vector<std::pair<double, double>>& points, const std::string& name) {
  size_t most = 600, block = (points.size() + most - 1) / most;
  Json steps = Json::array(), values = Json::array();
  for (size_t from = 0; from < points.size(); from += block) {
    size_t to = std::min(points.size(), from + block);
    double sum = 0;
    for (size_t i = from; i < to; ++i) sum += points[i].second;
    steps.push_back(number(points[to - 1].first, 9));
    values.push_back(number(sum / double(to - from)));
  }
  return {{"name", name}, {"steps", steps}, {"values", values}};
}

void check_shape(const Tensor& x, int rank, const std::string& place, const char* expected) {
  if (!x.defined()) return;
  check(x.dtype() == float32 || x.dtype() == float64, "atlas: ", place, ": ", x.dtype(),
        ": expected float32 or float64");
  check(x.rank() == rank, "atlas: ", place, ": shape ", x.shape(), ": expected ", expected);
}

}  // namespace

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

std::vector<double> numbers_of(const Tensor& x) { return cast(contiguous(x), float64).to_vector<double>(); }

double round_to(double value, int digits) {
  if (value == 0 || !std::isfinite(value)) return value;
  const int places = digits - 1 - int(std::floor(std::log10(std::abs(value))));
  if (std::abs(places) > 22) return value;  // where powers of ten are no longer exact
  const double scale = std::pow(10.0, std::abs(places));
  return places >= 0 ? std::round(value * scale) / scale : std::round(value / scale) * scale;
}

std::string base64(const std::vector<uint8_t>& bytes) {
  static constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    size_t left = std::min<size_t>(3, bytes.size() - i);
    uint32_t word =
        uint32_t(bytes[i]) << 16 | (left > 1 ? uint32_t(bytes[i + 1]) << 8 : 0) | (left > 2 ? bytes[i + 2] : 0);
    for (size_t k = 0; k < 4; ++k) out += k <= left ? digits[word >> (18 - 6 * k) & 63] : '=';
  }
  return out;
}

void check_page(const AtlasPage& page) {
  int64_t width = page.shows_images() ? page.image_height * page.image_width : 2;
  auto check_points = [&](const Tensor& x, const std::string& place) {
    check_shape(x, 2, place, "[n, d]");
    check(!x.defined() || x.size(1) == width, "atlas: ", place, ": shape ", x.shape(), ": expected ", width,
          " columns");
  };
  auto check_grid = [&](const Tensor& x, const std::string& place) {
    check_shape(x, 2, place, "[g, g]");
    check(!x.defined() || (x.size(0) == x.size(1) && x.size(0) > 0), "atlas: ", place, ": shape ", x.shape(),
          ": expected a square grid");
  };
  check(page.range > 0, "atlas: range ", page.range, ": expected a positive half width");
  check_points(page.data, "data");
  check_grid(page.true_density, "true_density");
  for (const AtlasPanel& panel : page.panels) {
    std::string place = panel.title + ": ";
    check_shape(panel.base, 2, place + "base", "[n, 2]");
    check_shape(panel.pushed, 2, place + "pushed", "[n, 2]");
    for (const Tensor* x : {&panel.base, &panel.pushed})
      check(!x->defined() || x->size(1) == 2, "atlas: ", place, "shape ", x->shape(), ": expected [n, 2]");
    if (panel.pushed.defined())
      check(panel.base.defined() && panel.base.size(0) == panel.pushed.size(0), "atlas: ", place, "pushed has ",
            panel.pushed.size(0), " points: expected one for each of base");
    check_shape(panel.log_density, 1, place + "log_density", "[n]");
    if (panel.log_density.defined())
      check(panel.pushed.defined() && panel.pushed.size(0) == panel.log_density.size(0), "atlas: ", place,
            "log_density has ", panel.log_density.size(0), " numbers: expected one for each of pushed");
    check_points(panel.samples, place + "samples");
    check_shape(panel.path, 3, place + "path", "[t, n, 2]");
    if (panel.path.defined())
      check(panel.path.size(0) > 0 && panel.path.size(2) == 2 && panel.pushed.defined() &&
                panel.path.size(1) == panel.pushed.size(0),
            "atlas: ", place, "path: shape ", panel.path.shape(), ": expected [t, n, 2] with the n of pushed");
    check_shape(panel.lines, 4, place + "lines", "[t, 2 · l, k, 2]");
    check(!panel.lines.defined() || panel.lines.size(3) == 2, "atlas: ", place, "lines: shape ", panel.lines.shape(),
          ": expected [t, 2 · l, k, 2]");
    check_grid(panel.density, place + "density");
    check_points(panel.nearest, place + "nearest");
    if (panel.interpolation.defined() && panel.interpolation.rank() != 3)
      check_points(panel.interpolation, place + "interpolation");
    if (panel.interpolation.defined())
      check(panel.interpolation.size(-1) == width, "atlas: ", place, "interpolation: shape ",
            panel.interpolation.shape(), ": expected ", width, " pixels in the last axis");
    check_shape(panel.walks, 3, place + "walks", "[rows, k, pixels]");
    check(!panel.walks.defined() || panel.walks.size(2) == width, "atlas: ", place, "walks: shape ",
          panel.walks.shape(), ": expected ", width, " pixels in the last axis");
    check_points(panel.lattice, place + "lattice");
  }
}

Json page_data(const AtlasPage& page, int thinning) {
  Limits most = limits(thinning);
  auto samples = [&](const Tensor& x) {
    return page.shows_images() ? images(x, most.images) : first_rows(x, most.points);
  };
  Json panels = Json::array();
  const Tensor shared = page.panels.empty() ? Tensor() : page.panels[0].base;
  Json noise = first_rows(shared, most.noise);
  std::vector<std::string> slugs = panel_slugs(page);
  for (size_t i = 0; i < page.panels.size(); ++i) {
    const AtlasPanel& panel = page.panels[i];
    Json metrics = Json::array();
    for (const Metric& m : panel.metrics)
      metrics.push_back({{"name", m.name},
                         {"value", number(m.value, 9)},
                         {"error", number(m.error, 9)},
                         {"floor", number(m.floor, 9)},
                         {"kind", m.kind},
                         {"lowerIsBetter", m.lower_is_better},
                         {"unit", m.unit},
                         {"note", m.note}});
    Json base = first_rows(panel.base, most.noise);
    panels.push_back({{"id", slugs[i]},
                      {"family", panel.family},
                      {"variant", panel.variant},
                      {"title", panel.title},
                      {"densityKind", panel.density_kind},
                      {"verdict", panel.verdict},
                      {"base", base == noise ? Json(nullptr) : base},  // null: the page's noise
                      {"pushed", first_rows(panel.pushed, most.noise)},
                      {"logDensity", first_numbers(panel.log_density, most.noise)},
                      {"logDensityKind", panel.log_density_kind},
                      {"samples", samples(panel.samples)},
                      {"path", frames(panel.path, most.frames, most.noise)},
                      {"lines", line_frames(panel.lines, most.frames)},
                      {"density", grid(panel.density, most.grid)},
                      {"interpolation", images(panel.interpolation, 24)},
                      {"walks", images(panel.walks, 0)},
                      {"lattice", images(panel.lattice, 100)},
                      {"nearest", images(panel.nearest, std::min<int64_t>(32, most.images))},
                      {"loss", curve(panel.loss, panel.loss_name)},
                      {"metrics", metrics},
                      {"parameters", panel.parameters},
                      {"steps", panel.steps},
                      {"trainSeconds", number(panel.train_seconds)},
                      {"sampleMsPer1000", number(panel.sample_ms_per_1000)}});
  }
  return {{"format", 1},
          {"dataset", page.dataset},
          {"seed", page.seed},
          {"entropy", number(page.entropy, 9)},
          {"range", number(page.range, 9)},
          {"image", page.shows_images() ? Json{page.image_height, page.image_width} : Json(nullptr)},
          {"noise", noise},
          {"data", samples(page.data)},
          {"trueDensity", grid(page.true_density, most.grid)},
          {"densityRange", {number(density_top(page) - density_span), number(density_top(page))}},
          {"panels", panels}};
}

}  // namespace pf
