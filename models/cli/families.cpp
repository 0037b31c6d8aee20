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

void print_families() {
  for (const Family& family : families()) {
    std::cout << family.name << " – " << family.title << "\n  map      " << family.map << "\n  density  "
              << family.density << "\n";
    Table table({"  --set", "default", ""}, false);
    for (const Setting& s : family.settings)
      table.add({"  " + s.key, s.value, s.help + choices_of(s) + (s.sampling ? "; also after training" : "")});
    std::cout << table.text() << '\n';
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
