#pragma once
// What several commands print: aligned tables for people, JSON lines for programs.

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

namespace pf::cli {

/// Columns as wide as their widest cell; all but the first right-aligned when `numbers` is set.
class Table {
 public:
  explicit Table(std::vector<std::string> header, bool numbers = true) : numbers_(numbers) { add(std::move(header)); }
  void add(std::vector<std::string> row) { rows_.push_back(std::move(row)); }
  std::string text() const;

 private:
  bool numbers_;
  std::vector<std::vector<std::string>> rows_;
};

/// "2.412 ± 0.003"; without the error where it is NaN.
std::string with_error(double value, double error);
/// Four significant digits.
std::string brief(double value);
/// 83.2 → "1 min 23 s"
std::string duration(double seconds);
/// What stands under a name in a line of JSON; a number that is not finite becomes null.
using JsonField = std::variant<std::nullptr_t, bool, int64_t, double, std::string>;
/// {"name": value, …}
std::string json_line(const std::vector<std::pair<const char*, JsonField>>& fields);

}  // namespace pf::cli
