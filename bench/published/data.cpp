#include "bench/published/data.h"

#include <array>
#include <cmath>
#include <numbers>

namespace pf::bench {
namespace {

using std::numbers::pi;

/// f(k, u, noise, x) writes the point x, of two coordinates, from its number, a uniform number and two normal ones.
template <class F> Tensor points(int64_t n, Rng& rng, const F& f) {
  const Tensor uniform = rng.uniform({n, 2}, float64), normal = rng.normal({n, 2}, float64);
  Tensor out = Tensor::empty({n, 2}, float32);
  for (int64_t k = 0; k < n; ++k) {
    const std::array<double, 2> x = f(k, uniform.data<double>() + 2 * k, normal.data<double>() + 2 * k);
    out.mutable_data<float>()[2 * k] = float(x[0]);
    out.mutable_data<float>()[2 * k + 1] = float(x[1]);
  }
  return out;
}

Tensor normal(int64_t n, Rng& rng) { return rng.normal({n, 2}); }

Tensor gaussians_on_a_circle(double radius, double deviation, int64_t n, Rng& rng) {
  return points(n, rng, [&](int64_t k, const double*, const double* noise) {
    const double angle = double(k % 8) * pi / 4;
    return std::array{radius * std::cos(angle) + deviation * noise[0], radius * std::sin(angle) + deviation * noise[1]};
  });
}
Tensor eight_gaussians(int64_t n, Rng& rng) { return gaussians_on_a_circle(5, 1, n, rng); }
Tensor large_eight_gaussians(int64_t n, Rng& rng) { return gaussians_on_a_circle(12, 1.5, n, rng); }

/// scikit-learn's make_moons: half of the points on each arc, evenly.
Tensor plain_moons(double deviation, double scale, double shift, int64_t n, Rng& rng) {
  const int64_t outer = n / 2;
  return points(n, rng, [&](int64_t k, const double*, const double* noise) {
    const bool first = k < outer;
    const int64_t at = first ? k : k - outer, count = first ? outer : n - outer;
    const double angle = count > 1 ? pi * double(at) / double(count - 1) : 0;
    const double x = first ? std::cos(angle) : 1 - std::cos(angle);
    const double y = first ? std::sin(angle) : 0.5 - std::sin(angle);
    return std::array{(x + deviation * noise[0]) * scale + shift, (y + deviation * noise[1]) * scale + shift};
  });
}
Tensor moons(int64_t n, Rng& rng) { return plain_moons(0.05, 2, -1, n, rng); }

Tensor large_moons(int64_t n, Rng& rng) {
  // Over both coordinates the law has mean 3/8, and its second moment is the mean of 1 and 5/8 − 1/π, more 0.1².
  const double mean = 0.375, second = (1 + 0.625 - 1 / pi) / 2 + 0.01;
  const double scale = 7 / std::sqrt(second - mean * mean);
  return plain_moons(0.1, scale, -mean * scale, n, rng);
}

/// scikit-learn's make_s_curve, seen from the side.
Tensor s_curve(int64_t n, Rng& rng) {
  return points(n, rng, [](int64_t, const double* u, const double* noise) {
    const double t = 3 * pi * (u[0] - 0.5);
    return std::array{1.5 * (std::sin(t) + 0.05 * noise[0]),
                      1.5 * (std::copysign(1.0, t) * (std::cos(t) - 1) + 0.05 * noise[1])};
  });
}

}  // namespace

std::span<const Task> published_tasks() {
  static const std::array<Task, 4> tasks = {{
      {"8gaussians", false, normal, eight_gaussians},
      {"moons", false, normal, moons},
      {"scurve", false, normal, s_curve},
      {"moons-8gaussians", true, large_moons, large_eight_gaussians},
  }};
  return tasks;
}

}  // namespace pf::bench
