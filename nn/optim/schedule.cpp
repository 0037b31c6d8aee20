#include "nn/optim/schedule.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <numbers>

#include "tensor/error.h"
#include "tensor/suggest.h"

namespace pf {
namespace {
const std::array<std::string, 4> names = {"constant", "cosine", "linear", "step"};
}

std::string to_string(ScheduleKind kind) { return names[size_t(kind)]; }

ScheduleKind parse_schedule(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  check(found != names.end(), "schedule: unknown name '", name, "': expected constant, cosine, linear or step",
        did_you_mean(name, names));
  return ScheduleKind(found - names.begin());
}

double Schedule::operator()(int64_t step) const {
  check(step >= 0, "schedule: step ", step, ": expected 0 or more");
  if (step < warmup) return rate * double(step + 1) / double(warmup);
  switch (kind) {
    case ScheduleKind::constant:
      return rate;
    case ScheduleKind::step:
      check(every > 0, "schedule: every ", every, " steps: expected 1 or more");
      return rate * std::pow(factor, double((step - warmup) / every));
    case ScheduleKind::cosine:
    case ScheduleKind::linear:
      break;
  }
  check(total > warmup, "schedule: ", total, " steps in all and ", warmup, " of warm-up: expected more in all");
  const double done = std::min(1.0, double(step - warmup) / double(total - warmup));
  const double left = kind == ScheduleKind::linear ? 1 - done : (1 + std::cos(std::numbers::pi * done)) / 2;
  return final_rate + (rate - final_rate) * left;
}

}  // namespace pf
