#pragma once
// CSV: a table of numbers as text.

#include <filesystem>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace pf {

struct Table {
  Tensor values;                     // float32 [rows, columns]
  std::vector<std::string> columns;  // from the header line; empty where there is none
};

/// Numbers separated by commas, semicolons or tabs (whichever the first line has), with or without a header line. Every
/// field is a finite number: errors name the row, as a spreadsheet counts it (the header is row 1), and the column.
Table read_csv(const std::filesystem::path& path);

}  // namespace pf
