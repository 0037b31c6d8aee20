#pragma once
// Safetensors: named arrays and a few strings in one file, with a JSON header and no code in it.

#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "tensor/tensor.h"

namespace pf {

/// Tensors by name, in order, and what else a file says about itself.
struct NamedTensors {
  std::vector<std::pair<std::string, Tensor>> tensors;
  std::map<std::string, std::string> metadata;

  void add(std::string name, Tensor x) { tensors.emplace_back(std::move(name), std::move(x)); }
  /// Null where there is none of that name.
  const Tensor* find(std::string_view name) const;
  /// An error that offers the nearest name where there is none.
  const Tensor& at(std::string_view name) const;
};

/// Reads float32, float64, int64 and bool tensors, in the order of the header; every length in the file is checked
/// against the others and against the size of the file before memory is asked for.
NamedTensors read_safetensors(const std::filesystem::path& path);

/// Writes atomically: readers see the old file or the new one.
void write_safetensors(const std::filesystem::path& path, const NamedTensors& content);

}  // namespace pf
