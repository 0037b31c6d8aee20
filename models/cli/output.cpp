#include "models/cli/output.h"

#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tensor/error.h"
#include "tensor/json.h"

namespace pf::cli {
namespace {

/// Characters, not bytes, of UTF-8 text.
size_t columns(const std::string& text) {
  size_t count = 0;
  for (unsigned char c : text) count += (c & 0xC0) != 0x80;
  return count;
}

std::string format(const char* pattern, double value) {
  char text[48];
  std::snprintf(text, sizeof text, pattern, value);
  return text;
}

}  // namespace

std::string Table::text() const {
  std::vector<size_t> widths;
  for (const auto& row : rows_)
    for (size_t i = 0; i < row.size(); ++i) {
      if (i >= widths.size()) widths.push_back(0);
      widths[i] = std::max(widths[i], columns(row[i]));
    }
  std::string out;
  for (const auto& row : rows_) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) {
      const std::string pad(widths[i] - columns(row[i]), ' ');
      if (i) line += "  ";
      line += numbers_ && i ? pad + row[i] : row[i] + pad;
    }
    line.erase(line.find_last_not_of(' ') + 1);
    out += line + '\n';
  }
  return out;
}

std::string brief(double value) {
  if (std::isnan(value)) return "–";
  const double size = std::abs(value);
  if (size != 0 && (size < 1e-3 || size >= 1e6)) return format("%.3e", value);
  return format(size >= 1000  ? "%.0f"
                : size >= 100 ? "%.1f"
                : size >= 10  ? "%.2f"
                : size >= 1   ? "%.3f"
                              : "%.4f",
                value);
}

std::string with_error(double value, double error) {
  return std::isnan(error) ? brief(value) : brief(value) + " ± " + brief(error);
}

std::string duration(double seconds) {
  if (!std::isfinite(seconds)) return "–";
  if (seconds < 10) return format("%.1f s", seconds);
  if (seconds < 100) return format("%.0f s", seconds);
  const auto whole = int64_t(std::lround(seconds));
  if (whole < 3600) return join(whole / 60, " min ", whole % 60, " s");
  return join(whole / 3600, " h ", whole % 3600 / 60, " min");
}

std::string json_line(const std::vector<std::pair<const char*, JsonField>>& fields) {
  Json line = Json::object();
  for (const auto& [name, field] : fields)
    std::visit([&, name = name](const auto& value) { line[name] = value; }, field);
  return line.dump();
}

}  // namespace pf::cli
