#include "models/report/atlas_pictures.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "models/report/image_tables.h"
#include "models/report/metric_table.h"
#include "models/report/page_data.h"
#include "nn/image/png.h"
#include "tensor/files.h"
#include "tensor/npy.h"

namespace pf {
namespace {

using namespace plots;

void caption(Canvas& canvas, const AtlasPage& page, double x, double y, const std::string& text) {
  write(canvas, page.shows_images() ? x : x + 40, y, text, quiet);
}

std::string density_caption(const AtlasPanel& panel) {
  if (panel.density_kind == "ode") return "density, by its ODE";
  if (panel.density_kind == "bound") return "density, lower bound";
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
  return Canvas(int64_t(2 * margin + columns * cell + (columns - 1) * gap), int64_t(margin + head + height + margin),
                paper);
}

Image overview_of_plane(const AtlasPage& page) {
  bool densities = page.true_density.defined();
  for (const AtlasPanel& panel : page.panels) densities |= panel.density.defined();
  const double row = cell + 56, top = margin + head, scale_top = density_top(page);
  Canvas canvas = overview_canvas(page, (2 + densities) * row - 20);

  double x = margin;
  heading(canvas, x + 40, margin + 14, page.dataset,
          std::isfinite(page.entropy) ? "entropy " + significant(page.entropy) + " nats" : "");
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
    draw_density_scale(canvas, x + cell, top + 2 * row + cell + 26, scale_top);
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
      draw_density_scale(canvas, x + cell, top + 2 * row + cell + 26, scale_top);
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
    if (size_t count = interpolation_count(panel))
      between = std::max(between, table_height(page, count, interpolation_columns(panel)));
    if (size_t count = pair_count(panel)) pairs = std::max(pairs, pairs_height(page, count));
  }
  const double space = 56, top = margin + head, second = top + grid + space,
               third = second + (between > 0 ? between + space : 0);
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

Image overview_picture(const AtlasPage& page) {
  return page.shows_images() ? overview_of_images(page) : overview_of_plane(page);
}

Image panel_picture(const AtlasPage& page, size_t index) {
  const AtlasPanel& panel = page.panels[index];
  const bool images = page.shows_images();
  double count = !panel.loss.empty() + panel.samples.defined();
  if (images) count += double(panel.interpolation.defined() + (pair_count(panel) > 0));
  else count += double(panel.pushed.defined() + panel.density.defined());
  const double wide = std::max(1.0, count) * (cell + gap) - gap, offset = images ? 0 : 40, top = margin + 84;
  const double height = images ? std::max(cell, table_height(page, 64, 8)) : cell;
  Canvas canvas(int64_t(2 * margin + wide), int64_t(top + height + 26 + margin), paper);
  write(canvas, margin + offset, margin + 10, lines_of(page.dataset + " · " + panel.title, wide, title, 1).at(0),
        title);
  std::vector<std::string> about = lines_of(panel.map, wide - offset, quiet, 2);
  for (size_t i = 0; i < about.size(); ++i)
    write(canvas, margin + offset, margin + 36 + 19 * double(i), about[i], quiet);
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
    if (panel.pushed.defined())
      draw_coloured(canvas, x, top, page.range, panel.pushed, panel.base, "x"),
          next(top + cell + 26, "the noise, pushed forward");
    if (panel.samples.defined())
      draw_samples(canvas, x, top, page, panel.samples), next(top + cell + 26, "samples over test data");
    if (panel.density.defined()) {
      draw_density(canvas, x, top, page, panel.density, density_top(page));
      draw_density_scale(canvas, x + cell, top + cell + 26, density_top(page));
      next(top + cell + 26, density_caption(panel));
    }
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
    for (size_t k = 0; k < lines.size(); ++k)
      write(canvas, x + 40, margin + 14 + 24 * double(k + (lines.size() < 2)), lines[k], title);
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
  for (size_t i = 0; i < slugs.size(); ++i) {
    const AtlasPanel& panel = page.panels[i];
    if (i == 0 && panel.base.defined()) write_npy(out / "noise.npy", contiguous(panel.base));
    const Tensor& x = page.shows_images() ? panel.samples : panel.pushed;
    if (x.defined()) write_npy(out / (slugs[i] + ".npy"), contiguous(x));
  }
  write_file_atomically(out / "atlas.html", html);
}

}  // namespace pf
