#pragma once
// What several commands print: aligned tables for people, JSON lines for programs.

#include <string>
#include <vector>

#include "tensor/json.h"

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
/// A number for JSON: null where it is not finite.
Json json_number(double value);

}  // namespace pf::cli
