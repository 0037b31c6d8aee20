#include "models/settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>
#include "tensor/json.h"
#include "tensor/suggest.h"

namespace pf {
namespace {

std::string plain(double value) {
  char text[32];
  const auto end = std::to_chars(text, text + sizeof text, value);
  return std::string(text, end.ptr);
}

double parse_number(const std::string& what, const std::string& text) {
  double value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !std::isfinite(value))
    throw UsageError(join(what, "=", text, ": expected a number"));
  return value;
}

}  // namespace

Setting choice(std::string key, std::vector<std::string> choices, std::string help) {
  std::string first = choices.front();
  return {.key = std::move(key), .value = std::move(first), .help = std::move(help), .choices = std::move(choices)};
}
Setting integer(std::string key, int64_t value, std::string help, int64_t low, int64_t high) {
  return {.key = std::move(key),
          .value = std::to_string(value),
          .help = std::move(help),
          .low = double(low),
          .high = double(high),
          .integer = true};
}
Setting number(std::string key, double value, std::string help, double low, double high) {
  return {.key = std::move(key), .value = plain(value), .help = std::move(help), .low = low, .high = high};
}

Setting with_variants(Setting setting) {
  setting.variants = true;
  return setting;
}
Setting of_sampling(Setting setting) {
  setting.sampling = true;
  return setting;
}

const Setting& Settings::find(const std::string& key) const {
  for (const Setting& setting : list_)
    if (setting.key == key) return setting;
  std::vector<std::string> keys;
  for (const Setting& setting : list_) keys.push_back(setting.key);
  std::string all;
  for (const std::string& k : keys) all += (all.empty() ? "" : ", ") + k;
  throw UsageError(join(owner_, ": no setting '", key, "'", did_you_mean(key, keys),
                        all.empty() ? "; there are none" : " of " + all));
}

void Settings::set(const std::string& key, const std::string& value) {
  auto& setting = const_cast<Setting&>(find(key));
  const std::string what = owner_ + ": " + key;
  if (!setting.choices.empty()) {
    const size_t colon = setting.variants ? value.find(':') : std::string::npos;
    const std::string chosen = value.substr(0, colon);
    if (std::find(setting.choices.begin(), setting.choices.end(), chosen) == setting.choices.end()) {
      std::string all;
      for (const std::string& c : setting.choices) all += (all.empty() ? "" : ", ") + c;
      throw UsageError(join(what, "=", value, ": expected one of ", all));
    }
  } else {
    const double parsed = parse_number(what, value);
    if (parsed < setting.low || parsed > setting.high)
      throw UsageError(join(what, "=", value, ": expected ",
                            setting.high < 1e300 ? join(plain(setting.low), " to ", plain(setting.high))
                                                 : join("at least ", plain(setting.low))));
    if (setting.integer && parsed != std::floor(parsed))
      throw UsageError(join(what, "=", value, ": expected a whole number"));
  }
  setting.value = value;
}

void Settings::set(const std::string& assignment) {
  const size_t at = assignment.find('=');
  if (at == std::string::npos || at == 0)
    throw UsageError(join("--set ", assignment, ": expected key=value, for example --set hidden=128"));
  set(assignment.substr(0, at), assignment.substr(at + 1));
}

void Settings::set_for_sampling(const std::string& assignment) {
  const std::string key = assignment.substr(0, assignment.find('='));
  bool known = false, free = false;
  std::string all;
  for (const Setting& setting : list_) {
    if (setting.key == key) known = true, free = setting.sampling;
    if (setting.sampling) all += (all.empty() ? "" : ", ") + setting.key;
  }
  if (known && !free)
    throw UsageError(join(
        owner_, ": ", key, " is part of what was trained",
        all.empty() ? "; nothing of this family can be changed afterwards" : "; after training one can set " + all));
  set(assignment);
}

double Settings::number(const std::string& key) const { return parse_number(owner_ + ": " + key, find(key).value); }

Json Settings::to_json() const {
  Json out = Json::object();
  for (const Setting& setting : list_) out[setting.key] = setting.value;
  return out;
}

void Settings::set_all(const Json& values) {
  check(values.is_object(), owner_, ": settings must be an object of keys and values");
  for (const auto& [key, value] : values.items()) {
    check(value.is_string(), owner_, ": setting `", key, "` must be text");
    set(key, value.get<std::string>());
  }
}

}  // namespace pf
