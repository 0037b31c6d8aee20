#pragma once
// The atlas: one page that shows what every family does with the same base noise on the same data.

#include <cstdint>
#include <limits>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "models/metrics/metric.h"
#include "tensor/tensor.h"

namespace pf {

/// What one family did. Tensors may be float32 or float64, on the CPU; those not defined are left out.
struct AtlasPanel {
  std::string family, variant, title;
  std::string map;           // one sentence: from which base to x, and how
  std::string density_kind;  // "exact", "ode", "bound", "none"
  std::string verdict;       // "ok", or what is wrong in a few words
  Tensor base;               // [n, 2] the shared noise, its first two coordinates; the same in every panel
  Tensor pushed;             // [n, 2] where the map sends them: row i comes from row i of `base`
  Tensor log_density;        // [n] log p where each of `pushed` is
  std::string
      log_density_kind;  // of these: that of the family, or "injective" of a map that has none; "" where not known
  Tensor samples;        // [m, d] further samples; for images pixels from 0 to 1, [m, height · width]
  Tensor path;           // [t, n, 2] positions on the way, from the base at 0 to `pushed` at t - 1
  Tensor lines;          // [t, 2 · l, k, 2] the same for a square grid of the base: l upright lines, l level ones
  Tensor density;        // [g, g] log density at the centres of g × g cells; row = y from -range up, column = x
  Tensor interpolation;  // [rows, k, pixels], or [k, pixels] for one row
  Tensor walks;          // [rows, k, pixels]: images on ways between two noise points, for the slider
  Tensor lattice;        // [g · g, pixels]: images of a square grid between four noise points
  Tensor nearest;        // [m', pixels] the nearest training image of each of the first m' samples
  std::vector<std::pair<double, double>> loss;  // step, value
  std::string loss_name;                        // the axis: "negative log-likelihood, nats"
  std::vector<Metric> metrics;
  double train_seconds = 0, sample_ms_per_1000 = 0;
  int64_t parameters = 0, steps = 0;
};

struct AtlasPage {
  std::string dataset, description, command;
  double entropy = std::numeric_limits<double>::quiet_NaN();  // of the data, nats; NaN if unknown
  int64_t seed = 0;
  Tensor data;                                // [m, d] test points, or images as in AtlasPanel::samples
  Tensor true_density;                        // [g, g] as AtlasPanel::density
  double range = 4;                           // half width of the square shown, 2-D
  int64_t image_height = 0, image_width = 0;  // 0 for 2-D
  std::vector<AtlasPanel> panels;
  double total_seconds = 0;

  bool shows_images() const { return image_height > 0; }
};

/// The page as one file: style, script and data inside, nothing fetched. Below 3 MB: where the data are more than fit,
/// paths, grids and samples are thinned evenly.
std::string atlas_html(const AtlasPage& page);

/// Writes atlas.html and its pictures: overview.png (everything side by side), one PNG per family, loss.png; and what the points
/// of the page are, noise.npy and one NPY per family, row i of which comes from row i of the noise (images: pixels from 0 to 1).
/// Each file is replaced as a whole; the folder is made where it is missing.
void write_atlas(const AtlasPage& page, const std::string& folder);

/// The name of each family's picture without its ending, in the order of the panels: letters, digits and dashes, no two
/// the same. Also the anchors of the page.
std::vector<std::string> panel_slugs(const AtlasPage& page);

}  // namespace pf
