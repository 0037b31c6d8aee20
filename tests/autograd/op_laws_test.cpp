// Every operation of the catalogue, by name: first and second order and forward mode against differences in double
// precision, on contiguous, strided, broadcast, 0-d and empty inputs; and nothing left out without a reason on record.

#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iostream>
#include <regex>
#include <set>

#include "autograd/op_check.h"

namespace pf {
namespace {

/// The operation's name, with a number where several entries share it.
std::string test_name(const testing::TestParamInfo<size_t>& info) {
  const std::vector<OpEntry>& all = op_catalogue();
  const std::string& name = all[info.param].name;
  int64_t before = 0;
  for (size_t i = 0; i < info.param; ++i) before += all[i].name == name;
  return before ? join(name, "_", before + 1) : name;
}

class OpLaws : public testing::TestWithParam<size_t> {
 protected:
  const OpEntry& entry() const { return op_catalogue()[GetParam()]; }
};

TEST_P(OpLaws, derivatives) {
  if (!entry().differentiable()) {
    EXPECT_TRUE(entry().skipped.contains("derivatives")) << entry().name;
    Rng rng(1);
    const Variable y = entry().apply(std::vector{tracked(draw(entry().samples[0], rng)[0])});
    EXPECT_FALSE(y.tracked()) << entry().name << " has no derivative and must give a constant";
    return;
  }
  int64_t sets = 0, first = 0, second = 0, forward = 0;
  double worst = 0, single = 0;
  std::set<std::string> layouts;
  for (const OpCheck& check : check_op(entry())) {
    EXPECT_TRUE(check.ok()) << entry().name << ", " << to_string(check);
    ++sets;
    first += check.gradients.first_order;
    second += check.gradients.second_order;
    forward += check.gradients.forward_mode;
    worst = std::max(worst, check.gradients.worst_error);
    single = std::max(single, check.float32_error);
    layouts.insert(check.inputs.substr(check.inputs.find(", ") + 2));
  }
  for (const char* layout : {"contiguous", "transposed", "every second", "backwards", "repeated"})
    EXPECT_TRUE(layouts.contains(layout) || entry().skipped.contains(layout))
        << entry().name << ": no input was " << layout << ", and no reason is on record";
  std::cout << entry().name << ": " << sets << " sets of inputs, " << first << " comparisons of first order, " << second
            << " of second, " << forward << " of forward mode; largest error " << worst << ", in float32 " << single
            << '\n';
  RecordProperty("comparisons", int(first + second + forward));
}

INSTANTIATE_TEST_SUITE_P(Catalogue, OpLaws, testing::Range<size_t>(0, op_catalogue().size()), test_name);

TEST(OpCatalogue, has_0d_and_empty_samples_or_reasons) {
  for (const OpEntry& entry : op_catalogue()) {
    if (!entry.differentiable()) continue;
    std::set<std::string> labels;
    for (const OpSample& sample : entry.samples) labels.insert(sample.label);
    for (const char* wanted : {"0-d", "empty"})
      EXPECT_TRUE(labels.contains(wanted) || entry.skipped.contains(wanted))
          << entry.name << ": no " << wanted << " sample, and no reason is on record";
    if (entry.kind == "pointwise") {
      EXPECT_TRUE(labels.contains("broadcast") || entry.skipped.contains("broadcast")) << entry.name;
    }
    EXPECT_FALSE(entry.description.empty()) << entry.name;
    for (const auto& [what, reason] : entry.skipped) EXPECT_FALSE(reason.empty()) << entry.name << ", " << what;
  }
}

// The headers are the truth: whatever has a name there has a line in the catalogue.
TEST(OpCatalogue, knows_every_operation_in_the_headers) {
  std::set<std::string> known;
  for (const OpEntry& entry : op_catalogue()) known.insert(entry.op);
  const std::regex start(R"((?:^|> )struct (\w+))"), name(R"(static constexpr auto name\b)");
  int found = 0;
  for (const auto& file : std::filesystem::directory_iterator(PF_SOURCE_DIR "/tensor/ops")) {
    if (file.path().extension() != ".h") continue;
    std::ifstream text(file.path());
    std::string current;
    for (std::string line; std::getline(text, line);) {
      std::smatch match;
      if (std::regex_search(line, match, start)) current = match[1];
      if (!std::regex_search(line, name) || line.starts_with("//")) continue;
      ++found;
      EXPECT_TRUE(known.contains(current)) << file.path().filename() << ": " << current << " is not in the catalogue";
    }
  }
  EXPECT_GT(found, 60);
}

TEST(OpCatalogue, names_of_one_struct_differ_or_its_parameters_do) {
  std::set<std::string> seen;
  for (const OpEntry& entry : op_catalogue())
    EXPECT_TRUE(seen.insert(entry.name + "|" + entry.description).second) << entry.name;
}

}  // namespace
}  // namespace pf
