#pragma once
// The table of the atlas: one column per metric, one row per family, the floor below, and who is best where that is sure.

#include <optional>
#include <string>

#include "models/report/atlas_page.h"
#include "tensor/json.h"

namespace pf {

/// The names of all metrics, in the order in which they first appear.
std::vector<std::string> metric_names(const AtlasPage& page);

/// A panel's metric of that name, or null.
const Metric* find_metric(const AtlasPanel& panel, const std::string& name);

/// The panel that is best in a metric: only where its distance to every other is more than two standard errors of the
/// difference, so never where an error is unknown or 0. A bound counts at its value. Figures of binarised data take no part
/// unless all are.
std::optional<size_t> best_panel(const AtlasPage& page, const std::string& metric);

/// What real data get against real data; for a likelihood without its own floor the entropy. NaN if unknown.
double metric_floor(const AtlasPage& page, const std::string& metric);

/// "2.431 ± 0.012": as many digits as the error has meaning, four where there is none; "–" for NaN.
std::string with_error(double value, double error);
/// Rounded to a number of significant digits, without exponent where that is readable.
std::string significant(double value, int digits = 4);
/// "0.8 s", "42 s", "3 min 5 s".
std::string duration(double seconds);
/// 12 345 with thin spaces.
std::string grouped(int64_t count);

/// Columns, rows, floors and notes as values for the template.
Json table_values(const AtlasPage& page);

}  // namespace pf
