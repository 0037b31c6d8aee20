#pragma once
// Learning rates over time. Plain data, so that a configuration can hold one.

#include <cstdint>
#include <string>
#include <string_view>

namespace pf {

enum class ScheduleKind { constant, cosine, linear, step };
std::string to_string(ScheduleKind kind);
/// An unknown name is an error that offers the nearest one.
ScheduleKind parse_schedule(std::string_view name);

/// schedule(i) is the rate of step i = 0, 1, ….
struct Schedule {
  ScheduleKind kind = ScheduleKind::constant;
  double rate = 1e-3;     // the highest
  int64_t warmup = 0;     // steps that rise linearly to it; the first step already moves
  int64_t total = 0;      // cosine, linear: the step at which the end is reached
  double final_rate = 0;  // cosine, linear: the rate from there on
  int64_t every = 1000;   // step: after so many steps …
  double factor = 0.1;    // … multiply by this

  double operator()(int64_t step) const;
};

}  // namespace pf
