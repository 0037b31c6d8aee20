// How a reproduction is shown.

#include <cmath>
#include <cstdio>

#include "bench/published/published.h"
#include "tensor/json.h"

namespace pf::bench {
namespace {

Json number(double value) { return std::isfinite(value) ? Json(value) : Json(nullptr); }

/// "0.303 ± 0.043"
std::string text_of(const Spread& s) {
  if (std::isnan(s.mean)) return "";
  char text[64];
  if (std::isnan(s.deviation)) std::snprintf(text, sizeof text, "%.3f", s.mean);
  else std::snprintf(text, sizeof text, "%.3f ± %.3f", s.mean, s.deviation);
  return text;
}

/// To the right of `width` places; ± is two bytes and one place.
std::string column(const std::string& text, size_t width) {
  size_t places = 0;
  for (char c : text) places += (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  return std::string(width > places ? width - places : 0, ' ') + text;
}

}  // namespace

std::string to_json(const Reproduction& r) {
  Json line{{"row", r.row.name()},
            {"seeds", r.outcomes.size()},
            {"first_seed", r.protocol.first_seed},
            {"points", r.protocol.points},
            {"steps", r.protocol.training_steps()}};
  auto add = [&](const std::string& name, double Outcome::*of, const Spread* published) {
    const Spread found = r.spread(of);
    line[name] = number(found.mean);
    line[name + "_deviation"] = number(found.deviation);
    if (published) {
      line[name + "_published"] = number(published->mean);
      line[name + "_published_deviation"] = number(published->deviation);
    }
    for (const Outcome& o : r.outcomes) line[name + "_of_seeds"].push_back(number(o.*of));
  };
  add("w2", &Outcome::w2, &r.row.w2);
  line["w2_reached"] = r.w2_reached();
  add("npe", &Outcome::npe, &r.row.npe);
  line["npe_reached"] = r.npe_reached();
  add("floor", &Outcome::floor, nullptr);
  add("squared_w2", &Outcome::squared_w2, nullptr);
  add("energy", &Outcome::energy, nullptr);
  add("loss", &Outcome::loss, nullptr);
  add("seconds", &Outcome::seconds, nullptr);
  return line.dump();
}

std::string reproduction_header() {
  return column("row", 25) + column("W2", 16) + column("published", 17) + column("", 6) + column("floor", 8) +
         column("NPE", 16) + column("published", 17) + column("", 6) + column("seconds", 9);
}

std::string reproduction_line(const Reproduction& r) {
  char floor[32], seconds[32];
  std::snprintf(floor, sizeof floor, "%.3f", r.spread(&Outcome::floor).mean);
  std::snprintf(seconds, sizeof seconds, "%.0f", r.spread(&Outcome::seconds).mean);
  // A row without published figures has nothing to be compared with.
  auto verdict = [&](const Spread& published, bool reached) {
    return std::isnan(published.mean) ? "" : reached ? "yes" : "no";
  };
  return column(r.row.name(), 25) + column(text_of(r.spread(&Outcome::w2)), 16) + column(text_of(r.row.w2), 17) +
         column(verdict(r.row.w2, r.w2_reached()), 6) + column(floor, 8) +
         column(text_of(r.spread(&Outcome::npe)), 16) + column(text_of(r.row.npe), 17) +
         column(verdict(r.row.npe, r.npe_reached()), 6) + column(seconds, 9);
}

}  // namespace pf::bench
