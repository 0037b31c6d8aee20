// Log-densities of the 2-D sets.
#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include "nn/data/synthetic.h"
#include "tensor/parallel.h"

namespace pf {
namespace {

using std::numbers::pi;
constexpr double infinity = std::numeric_limits<double>::infinity();

/// log Σ exp, one term at a time.
class LogSum {
 public:
  void add(double log_term) {
    if (log_term <= high_) {
      if (log_term > high_ - 745) sum_ += std::exp(log_term - high_);
    } else {
      sum_ = sum_ * std::exp(high_ - log_term) + 1;
      high_ = log_term;
    }
  }
  double value() const { return sum_ > 0 ? high_ + std::log(sum_) : -infinity; }

 private:
  double high_ = -infinity, sum_ = 0;
};

double log_normal(double squared_distance, double sigma) {
  return -squared_distance / (2 * sigma * sigma) - std::log(2 * pi * sigma * sigma);
}

double mixture(const Modes& modes, double x, double y) {
  LogSum sum;
  for (const auto& [cx, cy] : modes.centres)
    sum.add(log_normal((x - cx) * (x - cx) + (y - cy) * (y - cy), modes.sigma));
  return sum.value() - std::log(double(modes.centres.size()));
}

/// log I₀(x) − x: the modified Bessel function without its growth.
double log_scaled_bessel(double x) {
  if (x < 60) return std::log(std::cyl_bessel_i(0., x)) - x;
  const double t = 1 / (8 * x);
  return -0.5 * std::log(2 * pi * x) + std::log1p(t * (1 + t * (4.5 + t * (37.5 + t * 459.375))));
}

/// Circles around the origin, equally likely, blurred: the angle integrates to a Bessel function.
double blurred_circles(std::initializer_list<double> radii, double sigma, double x, double y) {
  const double distance = std::hypot(x, y);
  LogSum sum;
  for (double radius : radii)
    sum.add(log_normal((distance - radius) * (distance - radius), sigma) +
            log_scaled_bessel(distance * radius / (sigma * sigma)));
  return sum.value() - std::log(double(radii.size()));
}

/// The arms only turn points, by an angle that depends on where they are: |x| stays, and for one arm the angle ψ of the
/// image is h(φ) = φ + ¼ exp(r cos φ), so p(x) = Σ over arms and over the φ with h(φ) = ψ − arm of p(r, φ) / |h′(φ)|.
double pinwheel(double x, double y) {
  const double r = std::hypot(x, y) / 2, psi = std::atan2(y, x);
  const auto turned = [r](double phi) { return phi + 0.25 * std::exp(r * std::cos(phi)); };
  const auto wrapped = [](double angle) { return angle - 2 * pi * std::round(angle / (2 * pi)); };
  constexpr int cells = 256;
  const auto edge = [](int i) { return -pi + 2 * pi * i / cells; };
  std::array<double, cells + 1> h;
  for (int i = 0; i <= cells; ++i) h[size_t(i)] = turned(edge(i));
  LogSum sum;
  for (int arm = 0; arm < 5; ++arm) {
    const double target = psi - 2 * pi * arm / 5;
    double at_low = wrapped(h[0] - target);
    for (int i = 0; i < cells; ++i) {
      const double at_high = wrapped(h[size_t(i) + 1] - target);
      if ((at_low < 0) != (at_high < 0) && std::abs(at_high - at_low) < pi) {
        double a = edge(i), b = edge(i + 1);
        for (int step = 0; step < 45; ++step) {
          const double middle = (a + b) / 2;
          ((wrapped(turned(middle) - target) < 0) == (at_low < 0) ? a : b) = middle;
        }
        const double radial = r * std::cos(a) - 1, tangential = r * std::sin(a);
        const double slope = std::abs(1 - 0.25 * tangential * std::exp(r * std::cos(a)));
        sum.add(-0.5 * (radial * radial / 0.09 + tangential * tangential / 0.01) - std::log(std::max(slope, 1e-12)));
      }
      at_low = at_high;
    }
  }
  // The constant of the Gaussian, 5 arms, and the final stretch by 2 in both directions.
  return sum.value() - std::log(2 * pi * 0.3 * 0.1) - std::log(5.) - 2 * std::log(2.);
}

double checkerboard(double x, double y) {
  if (!(x >= -4 && x < 4 && y >= -4 && y < 4)) return -infinity;
  const int column = int(std::floor(x / 2)), row = int(std::floor(y / 2));
  return (column + row) % 2 == 0 ? -std::log(32.) : -infinity;
}

/// log of ½ (erf(b) − erf(a)), a < b, also far from 0.
double log_erf_between(double a, double b) {
  if (a + b < 0) return log_erf_between(-b, -a);
  if (a < 0) return std::log(0.5 * (std::erf(b) - std::erf(a)));
  const auto log_erfc = [](double z) {
    if (z < 25) return std::log(std::erfc(z));
    return -z * z - std::log(z * std::sqrt(pi)) + std::log1p(-0.5 / (z * z));
  };
  const double near = log_erfc(a);
  return near + std::log1p(-std::exp(log_erfc(b) - near)) - std::log(2.);
}

/// A curve with a density along it, spread over squares of side 2 · half and blurred by a Gaussian; the integral along the
/// curve is Simpson's rule.
class BlurredCurve {
 public:
  BlurredCurve(double sigma, double half) : sigma_(sigma), half_(half) {}

  /// Adds a piece: (x, y, density) = piece(t) for t from `first` to `last`; the density is that of t. Intervals are to be
  /// shorter than about σ/2 on the plane: the rule is then exact to all digits away from the ends.
  template <class Piece> void add(double first, double last, int intervals, Piece&& piece) {
    const double step = (last - first) / intervals;
    for (int i = 0; i <= intervals; ++i) {
      const auto [px, py, density] = piece(first + i * step);
      const double weight = (i == 0 || i == intervals ? 1 : i % 2 ? 4 : 2) * step / 3 * density;
      if (weight <= 0) continue;
      x_.push_back(px);
      y_.push_back(py);
      log_weight_.push_back(std::log(weight));
    }
  }

  double log_density(double px, double py) const {
    // Only nodes whose term can matter beside the nearest one's are looked at closely.
    thread_local std::vector<double> distance;
    distance.resize(x_.size());
    double least = infinity;
    for (size_t i = 0; i < x_.size(); ++i) {
      const double dx = std::max(0., std::abs(px - x_[i]) - half_), dy = std::max(0., std::abs(py - y_[i]) - half_);
      distance[i] = dx * dx + dy * dy;
      least = std::min(least, distance[i]);
    }
    const double limit = least + 56 * sigma_ * sigma_, falloff = -0.5 / (sigma_ * sigma_);
    LogSum sum;
    for (size_t i = 0; i < x_.size(); ++i) {
      if (distance[i] > limit) continue;
      sum.add(log_weight_[i] + (half_ == 0 ? distance[i] * falloff : box(px - x_[i]) + box(py - y_[i])));
    }
    return sum.value() - (half_ == 0 ? std::log(2 * pi * sigma_ * sigma_) : 2 * std::log(2 * half_));
  }

 private:
  double box(double d) const {
    const double scale = 1 / (sigma_ * std::numbers::sqrt2);
    return log_erf_between((d - half_) * scale, (d + half_) * scale);
  }

  double sigma_, half_;
  std::vector<double> x_, y_, log_weight_;
};

struct CurvePoint {
  double x, y, density;
};

BlurredCurve make_moons() {
  BlurredCurve out(0.2, 0);
  out.add(0, pi, 256, [](double a) { return CurvePoint{2 * std::cos(a) - 1, 2 * std::sin(a) - 0.2, 0.5 / pi}; });
  out.add(0, pi, 256, [](double a) {
    return CurvePoint{2 * (1 - std::cos(a)) - 1, 2 * (0.5 - std::sin(a)) - 0.2, 0.5 / pi};
  });
  return out;
}

BlurredCurve make_swissroll() {
  BlurredCurve out(0.2, 0);
  out.add(1.5 * pi, 4.5 * pi, 512, [](double t) {
    return CurvePoint{t * std::cos(t) / 5, t * std::sin(t) / 5, 1 / (3 * pi)};
  });
  return out;
}

BlurredCurve make_two_spirals() {
  BlurredCurve out(0.1, 1. / 12);  // squares of side 1/6, with a corner on the curve
  for (int sign : {1, -1})
    out.add(0, 3 * pi, 600, [sign](double n) {  // n = 3π √u, so its density is 2 n / (3π)²
      return CurvePoint{sign * (-n * std::cos(n) / 3 + 1. / 12), sign * (n * std::sin(n) / 3 + 1. / 12),
                        n / (9 * pi * pi)};
    });
  return out;
}

double log_density(const Synthetic& set, double x, double y) {
  if (std::isnan(x) || std::isnan(y)) return std::numeric_limits<double>::quiet_NaN();
  if (std::isinf(x) || std::isinf(y)) return -infinity;
  if (set.modes) return mixture(*set.modes, x, y);
  if (set.name == "circles") return blurred_circles({3, 1.5}, 0.24, x, y);
  if (set.name == "rings") return blurred_circles({3, 2.25, 1.5, 0.75}, 0.08, x, y);
  if (set.name == "pinwheel") return pinwheel(x, y);
  if (set.name == "checkerboard") return checkerboard(x, y);
  static const BlurredCurve moons = make_moons(), swissroll = make_swissroll(), two_spirals = make_two_spirals();
  return (set.name == "moons" ? moons : set.name == "swissroll" ? swissroll : two_spirals).log_density(x, y);
}

}  // namespace

Tensor log_density_2d(std::string_view name, const Tensor& x) {
  const Synthetic& set = synthetic_set(name);
  check(x.rank() == 2 && x.size(1) == 2, "log_density_2d: ", x.shape(), ": expected points [n, 2]");
  const Tensor points = to_device(contiguous(cast(x, float64)), Device::cpu());
  Tensor out = Tensor::empty({x.size(0)}, float64);
  double* result = out.mutable_data<double>();
  const double* p = points.data<double>();
  constexpr int64_t chunk = 256;
  const int64_t n = x.size(0);
  parallel_for((n + chunk - 1) / chunk, [&](int64_t c) {
    for (int64_t i = c * chunk; i < std::min(n, (c + 1) * chunk); ++i)
      result[i] = log_density(set, p[2 * i], p[2 * i + 1]);
  });
  return to_device(out, x.device());
}

}  // namespace pf
