#include "nn/data/synthetic.h"

#include <cmath>
#include <numbers>

#include "tensor/suggest.h"

namespace pf {
namespace {

using std::numbers::pi;

Modes ring(int count, double radius, double sigma) {
  Modes out{{}, sigma};
  for (int k = 0; k < count; ++k)
    out.centres.push_back({radius * std::cos(2 * pi * k / count), radius * std::sin(2 * pi * k / count)});
  return out;
}

Modes grid(int side, double spacing, double sigma) {
  Modes out{{}, sigma};
  for (int i = 0; i < side; ++i)
    for (int j = 0; j < side; ++j)
      out.centres.push_back({spacing * (i - (side - 1) / 2.), spacing * (j - (side - 1) / 2.)});
  return out;
}

// Entropies: closed forms for ring8, grid25 (their modes do not touch) and checkerboard; quadrature of the densities of
// log_density_2d for the others.
const std::vector<Synthetic>& all() {
  static const std::vector<Synthetic> sets = {
      {"8gaussians", "8 Gaussians of σ 0.354 on a circle of radius 2.83", 2.831880, 8, ring(8, 4 / 1.414, 0.5 / 1.414),
       4.4},
      {"moons", "two interleaved half circles of radius 2 with noise of σ 0.2", 2.393879, 2, {}, 4.2},
      {"circles", "circles of radius 3 and 1.5 with noise of σ 0.24", 3.268136, 2, {}, 4.2},
      {"rings", "four circles of radius 3, 2.25, 1.5 and 0.75 with noise of σ 0.08", 2.623183, 4, {}, 3.6},
      {"swissroll", "a spiral with noise of σ 0.2", 2.669646, 1, {}, 3.8},
      {"2spirals", "two spirals, one the other turned by half a circle", 2.645451, 2, {}, 4.2},
      {"pinwheel", "five bent arms", 2.317788, 5, {}, 4.6},
      {"checkerboard", "8 of the 16 squares of a board on [-4, 4]²: a density with jumps", 3.465736, 8, {}, 4.2},
      {"ring8", "8 Gaussians of σ 0.01 on the unit circle: for mode coverage", -4.293022, 8, ring(8, 1, 0.01), 1.3},
      {"grid25", "25 Gaussians of σ 0.05 on a grid of spacing 2: for mode coverage", 0.065288, 25, grid(5, 2, 0.05),
       4.6},
  };
  return sets;
}

struct Point {
  double x, y;
};

// One point from the random numbers of its row: u uniform, g normal, part uniform in 0 … classes - 1.
struct Draw {
  const double* u;
  const double* g;
  int part;
};

Point mixture(const Modes& modes, const Draw& d) {
  const auto& c = modes.centres[size_t(d.part)];
  return {c[0] + modes.sigma * d.g[0], c[1] + modes.sigma * d.g[1]};
}

Point moons(const Draw& d) {
  const double a = pi * d.u[0];
  const double x = d.part == 0 ? std::cos(a) : 1 - std::cos(a);
  const double y = d.part == 0 ? std::sin(a) : 0.5 - std::sin(a);
  return {2 * (x + 0.1 * d.g[0]) - 1, 2 * (y + 0.1 * d.g[1]) - 0.2};
}

Point circles(const Draw& d) {
  const double radius = d.part == 0 ? 1 : 0.5, a = 2 * pi * d.u[0];
  return {3 * (radius * std::cos(a) + 0.08 * d.g[0]), 3 * (radius * std::sin(a) + 0.08 * d.g[1])};
}

Point rings(const Draw& d) {
  const double radius = 3 - 0.75 * d.part, a = 2 * pi * d.u[0];
  return {radius * std::cos(a) + 0.08 * d.g[0], radius * std::sin(a) + 0.08 * d.g[1]};
}

Point swissroll(const Draw& d) {
  const double t = 1.5 * pi * (1 + 2 * d.u[0]);
  return {(t * std::cos(t) + d.g[0]) / 5, (t * std::sin(t) + d.g[1]) / 5};
}

Point two_spirals(const Draw& d) {
  const double n = 3 * pi * std::sqrt(d.u[0]), sign = d.part == 0 ? 1 : -1;
  return {sign * (-n * std::cos(n) + 0.5 * d.u[1]) / 3 + 0.1 * d.g[0],
          sign * (n * std::sin(n) + 0.5 * d.u[2]) / 3 + 0.1 * d.g[1]};
}

Point pinwheel(const Draw& d) {
  const double radial = 1 + 0.3 * d.g[0], tangential = 0.1 * d.g[1];
  const double angle = 2 * pi * d.part / 5 + 0.25 * std::exp(radial);
  return {2 * (radial * std::cos(angle) - tangential * std::sin(angle)),
          2 * (radial * std::sin(angle) + tangential * std::cos(angle))};
}

// Squares in columns 0 … 3 from the left; two squares each, one higher in every second column. Rounding to float32 must
// not move a point out of its square.
Point checkerboard(const Draw& d) {
  const int column = d.part / 2, shift = column % 2 - 2 * (d.part % 2);
  const auto within = [](double low, double u) {
    const double x = 2 * (low + u);
    return float(x) < float(2 * (low + 1)) ? x : double(std::nextafter(float(2 * (low + 1)), -INFINITY));
  };
  return {within(column - 2, d.u[0]), within(shift, d.u[1])};
}

Point point(const Synthetic& set, const Draw& d) {
  if (set.modes) return mixture(*set.modes, d);
  if (set.name == "moons") return moons(d);
  if (set.name == "circles") return circles(d);
  if (set.name == "rings") return rings(d);
  if (set.name == "swissroll") return swissroll(d);
  if (set.name == "2spirals") return two_spirals(d);
  if (set.name == "pinwheel") return pinwheel(d);
  return checkerboard(d);
}

}  // namespace

std::span<const Synthetic> synthetic_sets() { return all(); }

const Synthetic& synthetic_set(std::string_view name) {
  std::vector<std::string> names;
  for (const Synthetic& set : all()) {
    if (set.name == name) return set;
    names.push_back(set.name);
  }
  fail("unknown 2-D set '", name, "'", did_you_mean(name, names));
}

Points sample_points(std::string_view name, int64_t n, Rng& rng) {
  const Synthetic& set = synthetic_set(name);
  check(n >= 0, "sample: ", n, " points of ", name, ": expected 0 or more");
  const Device device = default_device();
  const UseDevice here(Device::cpu());
  const Tensor part = rng.integers(set.classes, {n});
  const Tensor u = rng.uniform({n, 3}, float64), g = rng.normal({n, 2}, float64);
  Points out{Tensor::empty({n, 2}), part};
  float* x = out.x.mutable_data<float>();
  for (int64_t i = 0; i < n; ++i) {
    const Point p = point(set, {u.data<double>() + 3 * i, g.data<double>() + 2 * i, int(part.data<int64_t>()[i])});
    x[2 * i] = float(p.x);
    x[2 * i + 1] = float(p.y);
  }
  out = {to_device(out.x, device), to_device(out.labels, device)};
  return out;
}

Tensor sample_2d(std::string_view name, int64_t n, Rng& rng) { return sample_points(name, n, rng).x; }

}  // namespace pf
