#include "models/diffusion/schedule.h"

#include <cmath>
#include <numbers>

#include "tensor/ops/exponential.h"
#include "tensor/ops/special.h"
#include "tensor/ops/trigonometric.h"

namespace pf {
namespace {

// Karras et al. 2022, table 1. Their data have deviation ½; here everything is in units of it.
constexpr double edm_data_deviation = 0.5, edm_smallest = 0.002 / edm_data_deviation,
                 edm_largest = 80 / edm_data_deviation, edm_rho = 7, edm_log_mean = -1.2, edm_log_deviation = 1.2;

// Song et al. 2021, appendix C. At time 0 there would be no noise at all, and its logarithm no number.
constexpr double linear_beta_start = 0.1, linear_beta_end = 20, linear_first_time = 1e-4;
constexpr double sub_first_time = 1e-3;  // its noise grows with t, not with √t

// Nichol & Dhariwal 2021, eq. 17, between the times at which σ is 0.006 and α is 0.008.
constexpr double cosine_offset = 0.008, cosine_first_time = 1e-3, cosine_last_time = 0.995;

// Song et al. 2021, appendix C.
constexpr double ve_smallest = 0.01, ve_largest = 50;

// Of a number, or of all elements of a tensor.
using std::cos, std::expm1, std::log;

template <class T> T from_log_alpha(const T& log_alpha) { return 0.5 * log(expm1(-2.0 * log_alpha)); }

template <class T> T linear_log_alpha(const T& t) {
  return -0.25 * t * t * (linear_beta_end - linear_beta_start) - 0.5 * t * linear_beta_start;
}

template <class T> T cosine_angle(const T& t) {
  return std::numbers::pi / 2 * (t + cosine_offset) / (1 + cosine_offset);
}

template <class T> T log_ratio_at(NoiseScheduleKind kind, const T& t) {
  switch (kind) {
    case NoiseScheduleKind::edm:
      break;  // its times are the sampler's alone
    case NoiseScheduleKind::vp_linear:
      return from_log_alpha(linear_log_alpha(T(linear_first_time + t * (1 - linear_first_time))));
    case NoiseScheduleKind::sub_vp: {
      const T log_alpha = linear_log_alpha(T(sub_first_time + t * (1 - sub_first_time)));
      return log(-expm1(2.0 * log_alpha)) - log_alpha;
    }
    case NoiseScheduleKind::vp_cosine: {
      const T s = cosine_first_time + t * (cosine_last_time - cosine_first_time);
      return from_log_alpha(T(log(cos(cosine_angle(s)) / std::cos(cosine_angle(0.0)))));
    }
    case NoiseScheduleKind::ve:
      return std::log(ve_smallest) + t * std::log(ve_largest / ve_smallest);
  }
  fail("noise schedule: ", int(kind), ": there is no such kind");
}

}  // namespace

NoiseLevel NoiseLevel::at(double log_ratio) {
  const double ratio = std::exp(log_ratio), alpha = 1 / std::sqrt(1 + ratio * ratio);
  return {alpha, ratio * alpha};
}

double NoiseSchedule::log_ratio(double t) const {
  if (kind_ != NoiseScheduleKind::edm) return log_ratio_at(kind_, t);
  const double low = std::pow(edm_smallest, 1 / edm_rho), high = std::pow(edm_largest, 1 / edm_rho);
  return edm_rho * std::log(low + t * (high - low));
}

std::vector<double> NoiseSchedule::grid(int64_t steps) const {
  check(steps >= 1, "noise schedule: ", steps, " steps: expected at least 1");
  std::vector<double> out;
  for (int64_t i = 0; i <= steps; ++i) out.push_back(log_ratio(1 - double(i) / double(steps)));
  return out;
}

Tensor NoiseSchedule::training_log_ratio(const Tensor& quantile) const {
  if (kind_ == NoiseScheduleKind::edm)
    return ndtri(quantile) * edm_log_deviation + (edm_log_mean - std::log(edm_data_deviation));
  // On a GPU nothing waits for it.
  if (quantile.device().is_cuda()) return cast(log_ratio_at(kind_, cast(quantile, float64)), quantile.dtype());
  const auto each = [*this](const Tensor& quantiles) {
    std::vector<double> out = cast(quantiles, float64).to_vector<double>();
    for (double& t : out) t = log_ratio(t);
    return cast(tensor(out, quantiles.shape(), float64), quantiles.dtype());
  };
  return detail::replayable_on_host(each, quantile);
}

std::string NoiseSchedule::describe() const {
  constexpr const char* names[] = {"edm", "vp-linear", "sub-vp", "vp-cosine", "ve"};
  return names[int(kind_)];
}

}  // namespace pf
