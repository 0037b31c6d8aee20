#include "models/report/metric_table.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <map>

namespace pf {
namespace {

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text[0] == '-' ? "−" + std::string(text + 1) : text;
}

int decimals_for(double error) { return std::clamp(1 - int(std::floor(std::log10(error))), 0, 6); }
std::string fixed_like(double value, double error) {
  return std::isfinite(value) ? fixed(value, decimals_for(error)) : "–";
}

bool in_nats(const Metric& metric) { return metric.unit == "nats"; }
bool is_binarised(const Metric& metric) { return metric.kind == "binarised"; }

/// What stands below a value: what it is, and its own floor where that is not the column's.
std::string kind_words(const Metric& metric) {
  if (!is_binarised(metric) || !std::isfinite(metric.floor)) return metric.kind;
  return metric.kind + ", floor " + significant(metric.floor, 3);
}

Json table_cell(const AtlasPage& page, size_t row, const std::string& name, bool best) {
  const Metric* metric = find_metric(page.panels[row], name);
  bool known = metric && std::isfinite(metric->value);
  return {{"text", known ? with_error(metric->value, metric->error) : "–"},
          {"sort", known ? Json(metric->value) : Json("")},
          {"bound", known && metric->kind == "bound"},
          {"bound_sign", known && metric->lower_is_better ? "≤" : "≥"},
          {"kind", metric ? kind_words(*metric) : ""},
          {"best", best},
          {"below", best || (metric && !metric->kind.empty())}};
}

}  // namespace

std::vector<std::string> metric_names(const AtlasPage& page) {
  std::vector<std::string> names;
  for (const AtlasPanel& panel : page.panels)
    for (const Metric& metric : panel.metrics)
      if (std::find(names.begin(), names.end(), metric.name) == names.end()) names.push_back(metric.name);
  return names;
}

const Metric* find_metric(const AtlasPanel& panel, const std::string& name) {
  for (const Metric& metric : panel.metrics)
    if (metric.name == name) return &metric;
  return nullptr;
}

std::optional<size_t> best_panel(const AtlasPage& page, const std::string& name) {
  std::optional<size_t> best;
  const bool all_binarised = std::all_of(page.panels.begin(), page.panels.end(), [&](const AtlasPanel& panel) {
    const Metric* metric = find_metric(panel, name);
    return !metric || is_binarised(*metric);
  });
  auto value_of = [&](size_t i) -> const Metric* {
    const Metric* metric = find_metric(page.panels[i], name);
    if (!metric || !std::isfinite(metric->value) || (is_binarised(*metric) && !all_binarised)) return nullptr;
    return metric;
  };
  // Nothing measured on samples is sure to the last digit: an error of 0 is one that nobody knows.
  auto known = [](double error) { return std::isfinite(error) && error > 0; };
  auto gain = [](const Metric& a, const Metric& b) {
    return a.lower_is_better ? b.value - a.value : a.value - b.value;
  };
  for (size_t i = 0; i < page.panels.size(); ++i)
    if (const Metric* metric = value_of(i); metric && (!best || gain(*metric, *value_of(*best)) > 0)) best = i;
  if (!best) return best;
  int others = 0;
  for (size_t i = 0; i < page.panels.size(); ++i) {
    const Metric *metric = value_of(i), *winner = value_of(*best);
    if (i == *best || !metric) continue;
    ++others;
    if (!known(winner->error) || !known(metric->error)) return std::nullopt;
    if (!(gain(*winner, *metric) > 2 * std::hypot(winner->error, metric->error))) return std::nullopt;
  }
  return others > 0 ? best : std::nullopt;
}

double metric_floor(const AtlasPage& page, const std::string& name) {
  for (const bool binarised : {false, true})
    for (const AtlasPanel& panel : page.panels)
      if (const Metric* metric = find_metric(panel, name);
          metric && std::isfinite(metric->floor) && is_binarised(*metric) == binarised)
        return metric->floor;
  for (const AtlasPanel& panel : page.panels)
    if (const Metric* metric = find_metric(panel, name); metric && metric->name == "NLL" && in_nats(*metric))
      return page.entropy;
  return std::numeric_limits<double>::quiet_NaN();
}

std::string with_error(double value, double error) {
  if (!std::isfinite(value)) return "–";
  if (!std::isfinite(error) || error <= 0) return significant(value);
  int decimals = decimals_for(error);
  return fixed(value, decimals) + " ± " + fixed(error, decimals);
}

std::string significant(double value, int digits) {
  if (!std::isfinite(value)) return "–";
  int decimals = value == 0 ? 0 : std::clamp(digits - 1 - int(std::floor(std::log10(std::abs(value)))), 0, 8);
  return fixed(value, decimals);
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return "–";
  if (seconds < 10) return fixed(seconds, 1) + " s";
  int64_t whole = std::llround(seconds);
  if (whole < 60) return std::to_string(whole) + " s";
  return std::to_string(whole / 60) + " min" + (whole % 60 ? " " + std::to_string(whole % 60) + " s" : "");
}

std::string grouped(int64_t count) {
  std::string digits = std::to_string(count), out;
  for (size_t i = 0; i < digits.size(); ++i) {
    if (i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-') out += "\u202f";  // narrow no-break space
    out += digits[i];
  }
  return out;
}

Json table_values(const AtlasPage& page) {
  Json columns = Json::array(), rows = Json::array(), floors = Json::array(), notes = Json::array();
  std::vector<std::string> names = metric_names(page), slugs = panel_slugs(page);
  std::vector<std::optional<size_t>> best;
  bool any_floor = false, any_bound = false, any_best = false;
  for (const std::string& name : names) {
    best.push_back(best_panel(page, name));
    any_best |= best.back().has_value();
    double floor = metric_floor(page, name);
    any_floor |= std::isfinite(floor);
    std::string unit;
    std::map<std::string, std::string> said;  // note → the families that it is about
    double error = std::numeric_limits<double>::infinity();
    bool lower = true, nats = false;
    for (const AtlasPanel& panel : page.panels)
      if (const Metric* metric = find_metric(panel, name)) {
        if (unit.empty()) unit = metric->unit;
        lower = metric->lower_is_better;
        nats |= in_nats(*metric);
        any_bound |= metric->kind == "bound" && std::isfinite(metric->value);
        if (!metric->note.empty()) said[metric->note] += (said[metric->note].empty() ? "" : ", ") + panel.title;
        if (std::isfinite(metric->error)) error = std::min(error, metric->error);
      }
    columns.push_back({{"name", name},
                       {"unit", unit},
                       {"arrow", lower ? "↓" : "↑"},
                       {"higher", !lower},
                       {"direction", lower ? "lower is better" : "higher is better"}});
    floors.push_back({{"text", std::isfinite(error) && error > 0 ? fixed_like(floor, error) : significant(floor)},
                      {"is_entropy", nats && floor == page.entropy}});
    for (const auto& [note, families] : said)
      notes.push_back({{"metric", name}, {"about", said.size() > 1 ? families : ""}, {"note", note}});
  }
  for (size_t i = 0; i < page.panels.size(); ++i) {
    const AtlasPanel& panel = page.panels[i];
    Json cells = Json::array();
    for (size_t c = 0; c < names.size(); ++c) cells.push_back(table_cell(page, i, names[c], best[c] == i));
    rows.push_back({{"row_title", panel.title},
                    {"row_slug", slugs[i]},
                    {"cells", cells},
                    {"row_parameters", grouped(panel.parameters)},
                    {"row_train", duration(panel.train_seconds)},
                    {"sort_parameters", panel.parameters},
                    {"sort_train", panel.train_seconds},
                    {"sort_sample", panel.sample_ms_per_1000},
                    {"row_sample", significant(panel.sample_ms_per_1000, 2)}});
  }
  return {{"columns", columns},     {"rows", rows},           {"floors", floors},     {"notes", notes},
          {"any_floor", any_floor}, {"any_bound", any_bound}, {"any_best", any_best}, {"any_metric", !names.empty()}};
}

}  // namespace pf
