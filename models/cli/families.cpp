#include <iostream>

#include "models/cli/command.h"
#include "models/cli/output.h"
#include "models/family.h"
#include "tensor/json.h"

namespace pf::cli {
namespace {

std::string choices_of(const Setting& setting) {
  if (setting.choices.empty()) return {};
  std::string all;
  for (const std::string& choice : setting.choices) all += (all.empty() ? "" : "|") + choice;
  return " [" + all + (setting.variants ? ", of a family also FAMILY:VARIANT]" : "]");
}

const char* yes_no(bool x) { return x ? "yes" : "–"; }

/// One row for each variant, as it is for two columns with the family's other defaults.
struct VariantTraits {
  std::string name;
  Traits traits;
  bool conditional = false;
};
std::vector<VariantTraits> traits_of(const Family& family) {
  std::vector<std::string> names{""};
  for (const Setting& s : family.settings)
    if (s.key == "variant") names = s.choices;
  std::vector<VariantTraits> out;
  for (const std::string& name : names) {
    Settings settings(family.name, family.settings);
    if (!name.empty()) settings.set("variant", name);
    const int levels = family.data_kind(settings) == DataKind::integers ? 4 : 0;
    Rng rng(0);
    const Built built = family.build(settings, {.width = 2, .levels = levels}, rng);
    out.push_back({name.empty() ? family.name : name, built.transform->traits(), family.conditional(settings)});
  }
  return out;
}

std::string steps_of(const Traits& traits) { return traits.steps > 0 ? std::to_string(traits.steps) : "adaptive"; }

void print_families() {
  for (const Family& family : families()) {
    std::cout << family.name << " – " << family.title << "\n  map      " << family.map << "\n  density  "
              << family.density << "\n";
    Table table({"  --set", "default", ""}, false);
    for (const Setting& s : family.settings)
      table.add({"  " + s.key, s.value, s.help + choices_of(s) + (s.sampling ? "; also after training" : "")});
    Table traits({"  variant", "inverse", "density", "evaluations", "condition"}, false);
    for (const VariantTraits& v : traits_of(family))
      traits.add({"  " + v.name, yes_no(v.traits.invertible), name_of(v.traits.density), steps_of(v.traits),
                  yes_no(v.conditional)});
    std::cout << traits.text() << '\n' << table.text() << '\n';
  }
}

void print_json() {
  for (const Family& family : families()) {
    Json json{{"family", family.name}, {"title", family.title}, {"map", family.map}, {"density", family.density}};
    for (const Setting& s : family.settings) {
      Json setting{{"key", s.key}, {"default", s.value}, {"help", s.help}};
      if (!s.choices.empty()) setting["choices"] = s.choices;
      if (s.sampling) setting["after_training"] = true;
      json["settings"].push_back(setting);
    }
    for (const VariantTraits& v : traits_of(family))
      json["variants"].push_back({{"variant", v.name},
                                  {"invertible", v.traits.invertible},
                                  {"density", name_of(v.traits.density)},
                                  {"steps", v.traits.steps},
                                  {"smooth", v.traits.smooth},
                                  {"conditional", v.conditional}});
    std::cout << json.dump() << '\n';
  }
}

}  // namespace

void add_families(Program& program) {
  Command command = program.add("families", "list the families: what each is, can do, and lets you set");
  auto json = std::make_shared<bool>(false);
  command.flag("--json", *json, "one JSON object a line");
  command.action([json] { *json ? print_json() : print_families(); });
}

}  // namespace pf::cli
