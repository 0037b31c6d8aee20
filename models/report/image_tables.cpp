#include "models/report/image_tables.h"

#include <algorithm>
#include <cmath>

#include "models/report/page_data.h"

namespace pf::plots {
namespace {

void draw_images(Canvas& canvas, double x, double y, const AtlasPage& page, const std::vector<const double*>& images,
                 int64_t columns, int64_t group = 0) {
  double side = (cell - 2 * double(columns - 1)) / double(columns);
  double tall = std::floor(side * double(page.image_height) / double(page.image_width));
  for (size_t k = 0; k < images.size(); ++k) {
    if (!images[k]) continue;
    int64_t row = int64_t(k) / columns, column = int64_t(k) % columns;
    double left = std::floor(x + double(column) * (side + 2)),
           right = std::floor(x + double(column) * (side + 2) + side);
    double top = y + double(row) * (tall + 2) + (group ? 6 * double(row / group) : 0);
    for (double py = 0; py < tall; ++py)
      for (double px = left; px < right; ++px) {
        auto i = int64_t((py + 0.5) / tall * double(page.image_height)),
             j = int64_t((px + 0.5 - left) / (right - left) * double(page.image_width));
        double v = images[k][i * page.image_width + j];
        float grey = float(std::isnan(v) ? 0 : std::clamp(v, 0.0, 1.0));
        canvas.rectangle(px, top + py, 1, 1, {grey, grey, grey});
      }
  }
}
std::vector<const double*> rows_of(const std::vector<double>& values, int64_t pixels, size_t most) {
  std::vector<const double*> out;
  for (size_t i = 0; (i + 1) * size_t(pixels) <= values.size() && out.size() < most; ++i)
    out.push_back(values.data() + i * size_t(pixels));
  return out;
}

}  // namespace

double table_height(const AtlasPage& page, size_t count, int64_t columns, int64_t group) {
  double side = (cell - 2 * double(columns - 1)) / double(columns),
         tall = std::floor(side * double(page.image_height) / double(page.image_width));
  auto rows = (int64_t(count) + columns - 1) / columns;
  return double(rows) * (tall + 2) - 2 + (group && rows ? 6 * double((rows - 1) / group) : 0);
}

int64_t interpolation_columns(const AtlasPanel& panel) {
  return panel.interpolation.size(panel.interpolation.rank() == 3 ? 1 : 0);
}
size_t interpolation_count(const AtlasPanel& panel) {
  if (!panel.interpolation.defined()) return 0;
  return size_t(interpolation_columns(panel) *
                (panel.interpolation.rank() == 3 ? std::min<int64_t>(8, panel.interpolation.size(0)) : 1));
}
size_t pair_count(const AtlasPanel& panel) {
  if (!panel.nearest.defined() || !panel.samples.defined()) return 0;
  return size_t(std::min({panel.nearest.size(0), panel.samples.size(0), int64_t(32)}));
}

void draw_grid(Canvas& canvas, double x, double y, const AtlasPage& page, const Tensor& images, size_t most,
               int64_t columns) {
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
double pairs_height(const AtlasPage& page, size_t pairs) { return table_height(page, (pairs + 7) / 8 * 16, 8, 2); }

}  // namespace pf::plots
