#pragma once
// "did you mean …?": the nearest of the known names to a name that is not known.

#include <algorithm>
#include <cctype>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace pf {

/// Insertions, deletions, replacements and swaps of neighbours that turn a into b (optimal string alignment).
inline int edit_distance(std::string_view a, std::string_view b) {
  std::vector<int> before, above(b.size() + 1), row(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) above[j] = int(j);
  for (size_t i = 1; i <= a.size(); ++i) {
    row[0] = int(i);
    for (size_t j = 1; j <= b.size(); ++j) {
      row[j] = std::min({above[j] + 1, row[j - 1] + 1, above[j - 1] + (a[i - 1] != b[j - 1])});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) row[j] = std::min(row[j], before[j - 2] + 1);
    }
    before = above;
    above = row;
  }
  return above[b.size()];
}

/// The nearest candidate, capitals ignored; empty where none is near. The beginning of a name counts as near to it.
inline std::string nearest(std::string_view word, std::span<const std::string> candidates) {
  const auto lower = [](std::string_view text) {
    std::string out(text.substr(0, 64));
    for (char& c : out) c = char(std::tolower(static_cast<unsigned char>(c)));
    return out;
  };
  const std::string wanted = lower(word);
  std::string best;
  int best_distance = std::max(1, int(wanted.size()) / 3) + 1;
  for (const std::string& candidate : candidates) {
    const std::string name = lower(candidate);
    int distance = edit_distance(wanted, name);
    if (wanted.size() >= 3 && (name.starts_with(wanted) || wanted.starts_with(name))) distance = std::min(distance, 1);
    if (distance < best_distance) {
      best_distance = distance;
      best = candidate;
    }
  }
  return best;
}

/// "; did you mean 'moons'?", or nothing where no candidate is near: the end of an error sentence.
inline std::string did_you_mean(std::string_view word, std::span<const std::string> candidates) {
  const std::string name = nearest(word, candidates);
  return name.empty() ? "" : "; did you mean '" + name + "'?";
}

}  // namespace pf
