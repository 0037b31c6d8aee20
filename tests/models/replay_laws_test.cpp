// Training with replayed steps is training: the same losses and the same parameters, bit for bit, in every variant of every
// family. Where steps cannot be replayed the reason is written down here, so that losing or winning one is noticed.

#include <map>

#include "tests/models/replayed_training.h"

namespace pf {
namespace {

using testing::all_variants;
using testing::Trained;
using testing::trained;
using testing::Variant;

/// Variants whose steps run as they are, with or without a condition, and why.
const std::map<std::string, std::string> not_replayed = {};

std::string without_condition(const std::string& name) {
  const std::string end = "_given";
  return name.ends_with(end) ? name.substr(0, name.size() - end.size()) : name;
}

class ReplayLaws : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(, ReplayLaws, ::testing::ValuesIn(all_variants()), testing::name_of_variant);

TEST_P(ReplayLaws, replayed_training_has_the_bits_of_the_other) {
  const Trained replayed = trained(GetParam(), true), plain = trained(GetParam(), false);
  RecordProperty("replay", replayed.replay);
  const auto reason = not_replayed.find(without_condition(GetParam().name));
  if (reason != not_replayed.end()) {
    EXPECT_EQ(replayed.replay, "steps are not replayed: " + reason->second);
  } else {
    EXPECT_TRUE(replayed.replay.starts_with("steps are replayed: ")) << replayed.replay;
    EXPECT_EQ(replayed.replay.find("not replayed"), std::string::npos) << replayed.replay;
  }
  EXPECT_EQ(replayed.losses, plain.losses);
  EXPECT_EQ(replayed.parameters, plain.parameters);
  EXPECT_EQ(plain.replay, "");
}

TEST(ReplayReasons, AreThoseOfVariants) {
  for (const auto& [name, reason] : not_replayed) {
    const std::vector<Variant> all = all_variants();
    EXPECT_TRUE(std::any_of(all.begin(), all.end(), [&](const Variant& v) { return v.name == name; })) << name;
  }
}

}  // namespace
}  // namespace pf
