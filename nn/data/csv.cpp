#include "nn/data/csv.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>

#include "tensor/files.h"

namespace pf {
namespace {

std::string_view trimmed(std::string_view text) {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t' || text.back() == '\r')) text.remove_suffix(1);
  return text;
}

std::string_view without_quotes(std::string_view text) {
  text = trimmed(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"') return text.substr(1, text.size() - 2);
  return text;
}

constexpr const char* empty_field = "is empty";
constexpr const char* not_a_number = "is not a number";
constexpr const char* not_finite = "is not finite: remove the row or fill the gap";
constexpr const char* beyond_range = "is beyond the range of float32";

/// The field's number, or what is wrong with it.
std::pair<double, const char*> number(std::string_view field) {
  field = trimmed(without_quotes(field));
  if (field.empty()) return {0, empty_field};
  if (field.front() == '+' && field.size() > 1 && field[1] != '-') field.remove_prefix(1);
  double value = 0;
  const auto [end, error] = std::from_chars(field.data(), field.data() + field.size(), value);
  if (end != field.data() + field.size() || error == std::errc::invalid_argument) return {0, not_a_number};
  if (error == std::errc::result_out_of_range) return {0, beyond_range};
  if (!std::isfinite(value)) return {0, not_finite};
  if (std::abs(value) > std::numeric_limits<float>::max()) return {0, beyond_range};
  return {value, nullptr};
}

/// Names, and no number among them.
bool is_header(const std::vector<std::string_view>& fields) {
  bool names = false;
  for (std::string_view field : fields) {
    const char* problem = number(field).second;
    if (problem != not_a_number && problem != empty_field) return false;
    names |= problem == not_a_number;
  }
  return names;
}

class Reader {
 public:
  Reader(std::string path, std::string_view text) : path_(std::move(path)), text_(text) {}

  Table read() {
    check(text_.find('\0') == std::string_view::npos, path_, ": is not a text file in UTF-8: it has zero bytes");
    if (text_.starts_with("\xEF\xBB\xBF")) text_.remove_prefix(3);
    while (text_.ends_with('\n') || text_.ends_with('\r')) text_.remove_suffix(1);
    check(!text_.empty(), path_, ": is empty");
    const std::string_view first = text_.substr(0, text_.find('\n'));
    for (char candidate : {',', ';', '\t'})
      if (first.find(candidate) != std::string_view::npos) delimiter_ = candidate;

    Table out;
    std::vector<float> values;
    size_t width = 0;
    int64_t row = 0, rows = 0;
    std::vector<std::string_view> fields;
    while (!text_.empty()) {
      split_line(++row, fields);
      if (row == 1) {
        width = fields.size();
        if (is_header(fields)) {
          for (std::string_view field : fields) out.columns.emplace_back(trimmed(without_quotes(field)));
          continue;
        }
      }
      check(fields.size() == width, path_, ": row ", row, " has ", fields.size(),
            fields.size() == 1 ? " field" : " fields", ", expected ", width, " as in row 1");
      for (size_t column = 0; column < width; ++column) {
        const auto [value, problem] = number(fields[column]);
        if (problem) bad_field(row, column, fields[column], problem, out.columns);
        values.push_back(float(value));
      }
      ++rows;
    }
    check(rows > 0, path_, ": has a header but no rows");
    out.values = from_span(std::span<const float>(values), {rows, int64_t(width)});
    return out;
  }

 private:
  /// Takes the next line off the text.
  void split_line(int64_t row, std::vector<std::string_view>& fields) {
    const size_t end = std::min(text_.find('\n'), text_.size());
    const std::string_view line = text_.substr(0, end);
    text_.remove_prefix(std::min(end + 1, text_.size()));
    fields.clear();
    size_t start = 0;
    bool quoted = false;
    for (size_t i = 0; i <= line.size(); ++i) {
      if (i < line.size() && line[i] == '"') quoted = !quoted;
      if (i == line.size() || (line[i] == delimiter_ && !quoted)) {
        fields.push_back(line.substr(start, i - start));
        start = i + 1;
      }
    }
    check(!quoted, path_, ": row ", row, ": a quotation mark is not closed");
  }

  [[noreturn]] void bad_field(int64_t row, size_t column, std::string_view field, std::string_view problem,
                              const std::vector<std::string>& names) const {
    const std::string_view text = trimmed(field);
    std::string shown;
    for (char c : text.substr(0, 40)) shown += static_cast<unsigned char>(c) < 32 || c == 127 ? '?' : c;
    const bool decimal_comma = delimiter_ == ';' && text.find(',') != std::string_view::npos;
    fail(path_, ": row ", row, ", column ", column + 1, column < names.size() ? " (" + names[column] + ")" : "", ": ",
         text.empty() ? "" : "'" + shown + "' ", problem, decimal_comma ? "; write decimals with a point" : "");
  }

  std::string path_;
  std::string_view text_;
  char delimiter_ = ',';
};

}  // namespace

Table read_csv(const std::filesystem::path& path) {
  const std::string text = read_file(path);
  return Reader(path.string(), text).read();
}

}  // namespace pf
