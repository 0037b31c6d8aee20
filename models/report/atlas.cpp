#include "models/report/atlas.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <filesystem>

#include "models/injective_density.h"
#include "models/interpolation.h"
#include "models/metrics/evaluate.h"
#include "models/report/pictures.h"
#include "models/squared_distances.h"
#include "nn/data/load.h"
#include "nn/data/synthetic.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/join.h"
#include "tensor/ops/special.h"

namespace pf {
namespace {

using Clock = std::chrono::steady_clock;
double seconds_since(Clock::time_point start) { return std::chrono::duration<double>(Clock::now() - start).count(); }

constexpr int64_t noise_points = 1200;  // pushed through every family and drawn in every panel
constexpr int64_t cells = 96;           // of a density map, a side
constexpr int64_t lines = 9;            // of the base plane's grid, a direction
constexpr int64_t line_points = 41;
constexpr double lines_reach = 2.4;  // standard deviations
constexpr int64_t shown_images = 64;
constexpr int64_t nearest_images = 16;
constexpr int64_t walks = 3, walk_steps = 25;  // for the slider
constexpr int64_t lattice_side = 7;

/// The centres of cells × cells squares over (−range, range)²: row = y from below, column = x.
Tensor plane_grid(double range) {
  Tensor grid = Tensor::empty({cells * cells, 2});
  float* p = grid.mutable_data<float>();
  auto centre = [&](int64_t i) { return float(range * ((2.0 * double(i) + 1) / double(cells) - 1)); };
  for (int64_t y = 0; y < cells; ++y)
    for (int64_t x = 0; x < cells; ++x) {
      *p++ = centre(x);
      *p++ = centre(y);
    }
  return to_device(grid, default_device());
}

/// The lines of a square grid over the base plane, each `line_points` points from end to end: upright ones first.
Tensor plane_lines() {
  Tensor out = Tensor::empty({2 * lines * line_points, 2});
  float* p = out.mutable_data<float>();
  auto even = [](int64_t i, int64_t count) { return float(lines_reach * (2 * double(i) / double(count - 1) - 1)); };
  for (const bool upright : {true, false})
    for (int64_t line = 0; line < lines; ++line)
      for (int64_t i = 0; i < line_points; ++i, p += 2) {
        p[upright ? 0 : 1] = even(line, lines);
        p[upright ? 1 : 0] = even(i, line_points);
      }
  return to_device(out, default_device());
}

/// For each row the nearest row of `among`, in pieces so that memory stays bounded.
Tensor nearest_rows(const Tensor& rows, const Tensor& among) {
  constexpr int64_t piece = 4000;
  std::vector<double> best(size_t(rows.size(0)), INFINITY);
  Tensor out = copy(to_device(rows, Device::cpu()));
  float* to = out.mutable_data<float>();
  const int64_t d = rows.size(1);
  for (int64_t at = 0; at < among.size(0); at += piece) {
    const Tensor part = contiguous(slice(among, 0, at, std::min(among.size(0), at + piece)));
    const Tensor distances = to_device(squared_distances(rows, part), Device::cpu());
    const Tensor here = to_device(part, Device::cpu());
    for (int64_t i = 0; i < rows.size(0); ++i) {
      const double* row = distances.data<double>() + i * part.size(0);
      const double* least = std::min_element(row, row + part.size(0));
      if (*least >= best[size_t(i)]) continue;
      best[size_t(i)] = *least;
      std::copy_n(here.data<float>() + (least - row) * d, d, to + i * d);
    }
  }
  return to_device(out, rows.device());
}

/// The family's own positions on the way from the shared noise to x, [t, n, 2]: first `plane` itself, last `pushed`. The
/// family works on normalised data; its scale turns into that of the data evenly along the way, not in one leap at the end.
Tensor way(const Model& model, const Tensor& z, const Tensor& plane, const Tensor& pushed) {
  std::vector<Tensor> frames = model.inner().path(z);
  if (frames.size() == 1) frames.insert(frames.begin(), plane);
  frames.front() = plane;  // of a base of any kind and width
  // Some families first turn their base into normal noise, which is where the page starts.
  if (frames.size() > 2 && max(abs(frames[1] - plane)).item() < 1e-3) frames.erase(frames.begin() + 1);
  frames.back() = pushed;
  for (size_t i = 1; i + 1 < frames.size(); ++i) {
    const double share = double(i) / double(frames.size() - 1);
    frames[i] = frames[i] * (1 - share) + model.denormalise(frames[i]) * share;
  }
  return stack(frames, 0);
}

/// Points of a base whose first two coordinates are given as in shared_noise and whose others are at their medians.
Tensor noise_at(const Distribution& base, const Tensor& plane) {
  const Tensor first = ndtr(plane);
  if (base.width() <= 2) return base.from_uniform(contiguous(slice(first, 1, 0, base.width())));
  return base.from_uniform(concat(std::vector{first, full({plane.size(0), base.width() - 2}, 0.5, plane.dtype())}, 1));
}

/// log p at the points themselves: by the family's own density, or per unit of area of the image where the map has none.
void fill_point_densities(AtlasPanel& panel, const Model& model, const Tensor& z, Rng rng) {
  const Transform& map = model.transform();
  const Traits traits = map.traits();
  if (traits.density != DensityKind::none) {
    panel.log_density = model.log_density(panel.pushed, rng).value;
    panel.log_density_kind = name_of(traits.density);
  } else if (traits.smooth && map.base().width() <= map.width()) {
    try {
      panel.log_density = injective_log_density(map, z);
      panel.log_density_kind = name_of(DensityKind::injective);
    } catch (const Error&) {}  // a map that is flat somewhere has none
  }
}

void fill_plane(AtlasPanel& panel, const Model& model, const Tensor& plane, double range, Rng rng) {
  const Tensor z = shared_noise(model.transform().base(), plane, rng);
  panel.base = plane;
  panel.pushed = model.push(z);
  panel.path = way(model, z, plane, panel.pushed);
  const Tensor flat = plane_lines(), on_lines = noise_at(model.transform().base(), flat);
  const Tensor moved = way(model, on_lines, flat, model.push(on_lines));
  panel.lines = reshape(moved, {moved.size(0), 2 * lines, line_points, 2});
  fill_point_densities(panel, model, z, rng.child(2));
  panel.samples = model.sample(2000, rng);
  if (model.transform().traits().density != DensityKind::none) {
    Rng estimate = rng.child(1);
    panel.density = reshape(model.log_density(plane_grid(range), estimate).value, {cells, cells});
  }
}

void fill_images(AtlasPanel& panel, const Model& model, const Tensor& plane, const Dataset& data, Rng rng) {
  const Distribution& base = model.transform().base();
  const Tensor z = shared_noise(base, slice(plane, 0, 0, shown_images), rng);
  const Tensor samples = model.push(z);
  panel.base = slice(plane, 0, 0, shown_images);
  panel.samples = to_unit_pixels(model.config(), samples);
  panel.nearest =
      to_unit_pixels(model.config(), nearest_rows(contiguous(slice(samples, 0, 0, nearest_images)), data.train));
  // k ways between noise points in so many steps, as [k, steps, pixels].
  const auto between = [&](int64_t k, int64_t steps) {
    const Tensor ways = interpolate(base, slice(z, 0, 0, k), slice(z, 0, k, 2 * k), steps);
    const Tensor x = model.push(reshape(ways, {steps * k, base.width()}));
    return to_unit_pixels(model.config(), permute(reshape(x, {steps, k, model.config().width}), {1, 0, 2}));
  };
  panel.interpolation = between(4, 9);
  panel.walks = between(walks, walk_steps);
  // Rows lead from the way between the first two noise points to the way between the next two.
  const auto edge = [&](int64_t from) {
    const Tensor way = interpolate(base, slice(z, 0, from, from + 1), slice(z, 0, from + 1, from + 2), lattice_side);
    return reshape(way, {lattice_side, base.width()});
  };
  const Tensor square = contiguous(permute(interpolate(base, edge(0), edge(2), lattice_side), {1, 0, 2}));
  panel.lattice =
      to_unit_pixels(model.config(), model.push(reshape(square, {lattice_side * lattice_side, base.width()})));
}

/// The variant, and a likelihood other than the family's usual one.
std::string variant_words(const ModelConfig& config) {
  std::string out;
  for (const Setting& s : config.settings.list()) {
    if (s.key == "variant") out = s.value + (out.empty() ? "" : ", " + out);
    if (s.key != "likelihood") continue;
    for (const Setting& usual : family(config.family).settings)
      if (usual.key == s.key && usual.value != s.value) out += (out.empty() ? "" : ", ") + s.value;
  }
  return out;
}

}  // namespace

Tensor shared_noise(const Distribution& base, const Tensor& plane, const Rng& rng) {
  const int64_t width = base.width();
  Rng rest = rng.child(7);
  const Tensor first = ndtr(plane);
  const Tensor u = width <= 2 ? slice(first, 1, 0, width)
                              : concat(std::vector{first, rest.uniform({plane.size(0), width - 2}, plane.dtype())}, 1);
  return base.from_uniform(contiguous(u));
}

bool make_atlas(const AtlasOptions& options, const AtlasReport& report, const std::function<bool()>& stop) {
  namespace fs = std::filesystem;
  const auto start = Clock::now();
  auto say = [&](const std::string& family, const std::string& doing) {
    if (report) report(family, doing, nullptr);
  };
  const Dataset data = load_dataset(options.data, {.seed = options.seed});
  check(data.dim() == 2 || data.image, "atlas: ", data.name, " has ", data.dim(), " columns: expected two, or images");
  const Rng rng = Rng(options.seed).child(100);
  const Tensor plane = rng.child(1).normal({noise_points, 2});

  AtlasPage page;
  page.dataset = data.name;
  page.command = options.command;
  page.seed = int64_t(options.seed);
  if (data.entropy) page.entropy = *data.entropy;
  page.description =
      join(data.train.size(0), " training and ", data.test.size(0), " test rows of ", data.dim(), " numbers");
  if (data.image) {
    page.image_height = data.image->height;
    page.image_width = data.image->width;
  } else {
    page.data = slice(data.test, 0, 0, std::min<int64_t>(2000, data.test.size(0)));
    double largest = 0;
    for (float v : contiguous(page.data).to_vector<float>()) largest = std::max(largest, std::abs(double(v)));
    page.range = std::ceil(largest * 1.1 * 2) / 2;
    for (const Synthetic& set : synthetic_sets())
      if (set.name == data.name) {
        page.range = set.extent;
        page.description = set.description;
        page.true_density = reshape(log_density_2d(set.name, plane_grid(page.range)), {cells, cells});
      }
  }

  std::vector<std::string> names = options.families;
  if (names.empty())
    for (const Family& f : families()) names.push_back(f.name);
  for (const std::string& name : names) {
    const Family& kind = family(name);
    const ModelConfig config = ModelConfig::make(name, data, options.seed);
    TrainOptions training = default_options(config, data, options.effort);
    training.save_every = std::max<int64_t>(training.steps / 4, 1);
    training.picture_every = training.steps;
    Model model(config, data.train);
    if (data.image && !page.data.defined()) page.data = to_unit_pixels(config, slice(data.test, 0, 0, shown_images));
    const std::string folder = options.folder.empty() ? "" : (fs::path(options.folder) / name).string();
    say(name, "training");
    Trainer trainer(model, data, training, folder);
    const TrainResult trained = trainer.run(
        [&](const TrainProgress& p) {
          if (report) report(name, "training", &p);
        },
        stop);
    if (trained.interrupted) return false;

    say(name, "measuring");
    AtlasPanel panel;
    panel.family = name;
    panel.variant = variant_words(config);
    panel.title = kind.title;
    panel.map = kind.map;
    panel.density_kind = name_of(model.transform().traits().density);
    panel.loss = trained.loss;
    panel.loss_name = model.objective().name();
    panel.train_seconds = trained.seconds;
    panel.parameters = model.parameters();
    panel.steps = trained.step;
    Rng sampling = rng.child(5), measuring = rng.child(6);
    const auto before = Clock::now();
    const int64_t timed = data.image ? 100 : 1000;
    model.sample(timed, sampling);
    panel.sample_ms_per_1000 = seconds_since(before) * 1e6 / double(timed);
    EvaluateOptions evaluation;
    if (data.image) evaluation.samples = 1000;
    else evaluation.density_rows = 2000;  // the same rows for all, so that their likelihoods can be compared
    panel.metrics = evaluate(model, data, measuring, evaluation);
    panel.verdict = verdict_of(trained.vital_signs);
    say(name, "drawing");
    if (data.image) fill_images(panel, model, plane, data, rng);
    else fill_plane(panel, model, plane, page.range, rng);
    page.panels.push_back(std::move(panel));
    if (stop && stop()) return false;
  }
  page.total_seconds = seconds_since(start);
  write_atlas(page, options.folder);
  return true;
}

}  // namespace pf
