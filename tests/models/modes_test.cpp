// Mode coverage of adversarial networks: the published protocol at a small size, and what a training says of its modes.

#include "bench/published/modes.h"

#include "models/vital_signs.h"
#include "nn/data/synthetic.h"
#include "tensor/json.h"
#include "tests/support/temporary.h"

namespace pf::bench {
namespace {

using testing::contains;
using testing::error_of;

TEST(PublishedModes, EveryRowTrains) {
  ASSERT_EQ(modes_rows_of("modes").size(), modes_rows().size());
  for (const ModesRow& row : modes_rows()) {
    const ModesOutcome found = train_for_modes(row, 0, 2), again = train_for_modes(row, 0, 2);
    EXPECT_EQ(found.modes, row.data == "ring8" ? 8 : 25) << row.name;
    EXPECT_LT(found.quality, 50) << row.name;  // two steps cannot be enough
    EXPECT_EQ(found.quality, again.quality) << row.name;
  }
}

TEST(PublishedModes, RowsAreChosenByName) {
  ASSERT_EQ(modes_rows_of("modes/r3gan/grid25").size(), 1u);
  EXPECT_EQ(modes_rows_of("modes/r3gan/grid25")[0].data, "grid25");
  EXPECT_TRUE(contains(error_of([] { modes_rows_of("modes/r3gan/grid24"); }), "did you mean 'modes/r3gan/grid25'"));
}

TEST(PublishedModes, TablesSayWhatWasReached) {
  const ModesRow row = modes_rows_of("modes/r3gan/grid25")[0];
  std::vector<ModesOutcome> outcomes{{.captured = 25, .modes = 25, .quality = 92},
                                     {.captured = 24, .modes = 25, .quality = 90}};
  EXPECT_TRUE(contains(modes_line(row, outcomes), "24.50 ± 0.50 of 25   91.00 ± 1.00"));
  EXPECT_EQ(parse_json(to_json(row, outcomes))["reached"], true);
  outcomes[1].captured = 23;
  EXPECT_EQ(parse_json(to_json(row, outcomes))["reached"], false);
  EXPECT_EQ(parse_json(to_json(row, outcomes))["seeds"].size(), 2u);
}

TEST(VitalSigns, AConditionalGanTellsOfItsCriticAndItsModes) {
  Rng rng(1);
  const Points points = sample_points("8gaussians", 2000, rng);
  Dataset data{.name = "8gaussians",
               .train = points.x,
               .test = points.x,
               .train_labels = points.labels,
               .test_labels = points.labels};
  const Condition condition = Condition::make("labels", data);
  data = condition.apply(data);
  for (const char* variant : {"r3gan", "pacgan"}) {
    ModelConfig config = ModelConfig::make("gan", data, 1, condition);
    config.settings.set("variant", variant);
    Model model(config, data.train);
    const auto signs = Trainer(model, data, {.steps = 5, .batch = 64}).run().vital_signs;
    ASSERT_EQ(signs.size(), 2u) << variant;
    EXPECT_EQ(signs[0].name, "critic prefers data");
    EXPECT_EQ(signs[1].name, "modes found");
    EXPECT_TRUE(contains(verdict_of(signs), "of 8 modes")) << verdict_of(signs);
  }
}

}  // namespace
}  // namespace pf::bench
