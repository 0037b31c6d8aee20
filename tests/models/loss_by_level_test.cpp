#include "models/loss_by_level.h"

#include <gtest/gtest.h>

#include <map>

#include "models/family.h"
#include "models/train.h"
#include "nn/data/load.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/where.h"

namespace pf {
namespace {

TEST(LossByLevel, SaysWhereAConstantWouldDoBetter) {
  Rng rng(1);
  const int64_t n = 8000;
  const Tensor level = rng.uniform({n, 1}), target = rng.normal({n, 2}) * 0.5 + 3.0;
  // Knows the target to 0.1 up to level ½, and nothing beyond, where it says 0.
  const Tensor said = where(level < 0.5, target + rng.normal({n, 2}) * 0.1, zeros({n, 2}));
  const std::vector<VitalSign> signs = loss_by_level("noise", level, said, target);
  ASSERT_EQ(signs.size(), 4u);
  EXPECT_EQ(signs[0].name, "loss at noise 0 to 0.25");
  EXPECT_NEAR(signs[0].value, 0.02, 0.002);
  EXPECT_TRUE(signs[0].warning.empty() && signs[1].warning.empty());
  EXPECT_NEAR(signs[3].value, 2 * (9 + 0.25), 0.5);
  EXPECT_EQ(signs[2].warning, "worse than a constant at noise 0.5 to 0.75");
  EXPECT_EQ(signs[3].warning, "worse than a constant at noise 0.75 to 1");
  // As good as the constant is no warning: there may be nothing to know.
  for (const VitalSign& sign : loss_by_level("noise", level, zeros({n, 2}) + 3.0, target))
    EXPECT_TRUE(sign.warning.empty());
}

TEST(LossByLevel, ATrainedModelIsOkAndAnUntrainedOneIsNot) {
  const Dataset data = load_dataset("moons", {.train_rows = 3000, .test_rows = 100});
  for (auto [family, variant] : {std::pair{"diffusion", "variant=edm"}, {"flow-matching", "variant=independent"}}) {
    ModelConfig config = ModelConfig::make(family, data, 1);
    for (const char* s : {variant, "hidden=24", "depth=2"}) config.settings.set(s);
    Model model(config, data.train);
    EXPECT_NE(verdict_of(vital_signs(model, data)).find("worse than a constant at"), std::string::npos) << family;
    const TrainOptions options{.steps = 400, .batch = 128, .rate = 5e-3, .warmup = 10, .ema = 0.98};
    EXPECT_EQ(verdict_of(Trainer(model, data, options).run().vital_signs), "ok") << family;
  }
}

}  // namespace
}  // namespace pf
