#pragma once
// Settings: what a family lets its user choose, as keys with defaults, and what was chosen. `--set key=value` ends here.

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "tensor/error.h"

namespace pf {

/// One thing to choose. A number's limits and a word's choices are checked when it is set.
struct Setting {
  std::string key;
  std::string value;  // the default, until set
  std::string help;
  std::vector<std::string> choices = {};  // for words; empty: a number
  double low = -1e300, high = 1e300;      // for numbers
  bool integer = false;
  bool variants =
      false;  // a choice may be followed by ":" and a word that whoever reads the setting judges, as in flow:maf
  bool sampling = false;  // says how a trained model is evaluated, not what is trained: may be changed afterwards
};

/// Shorthand for the three sorts of setting.
Setting choice(std::string key, std::vector<std::string> choices, std::string help);  // the first is the default
Setting integer(std::string key, int64_t value, std::string help, int64_t low = 1, int64_t high = 1000000);
Setting number(std::string key, double value, std::string help, double low = 0, double high = 1e300);
/// The same choice, with variants (Setting::variants).
Setting with_variants(Setting setting);
/// The same setting, for the evaluation of a trained model (Setting::sampling).
Setting of_sampling(Setting setting);

class Settings {
 public:
  Settings() = default;
  Settings(std::string owner, std::vector<Setting> known) : owner_(std::move(owner)), list_(std::move(known)) {}

  /// Throws UsageError for an unknown key (offering the nearest) or a value that is no number, out of range or no choice.
  void set(const std::string& key, const std::string& value);
  /// "key=value"
  void set(const std::string& assignment);
  /// "key=value" of a model that is trained: throws UsageError, naming what can be set, where it is not a setting of sampling.
  void set_for_sampling(const std::string& assignment);

  int64_t integer(const std::string& key) const { return int64_t(number(key)); }
  double number(const std::string& key) const;
  const std::string& word(const std::string& key) const { return find(key).value; }
  bool is(const std::string& key, const std::string& value) const { return word(key) == value; }

  const std::vector<Setting>& list() const { return list_; }
  /// {"key": "value", …}
  nlohmann::ordered_json to_json() const;
  void set_all(const nlohmann::ordered_json& values);

 private:
  const Setting& find(const std::string& key) const;
  std::string owner_;  // named in errors
  std::vector<Setting> list_;
};

}  // namespace pf
