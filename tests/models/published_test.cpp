// The published 2-D tables: data at their scales, and the whole protocol at a small size.

#include "bench/published/published.h"

#include <cmath>

#include "models/metrics/exact_w2.h"
#include "tensor/json.h"
#include "tensor/ops/reduce.h"
#include "tests/support/temporary.h"

namespace pf::bench {
namespace {

using testing::contains;
using testing::error_of;

const Task& task(const std::string& name) {
  for (const Task& t : published_tasks())
    if (t.name == name) return t;
  throw Error("no task " + name);
}

struct Known {
  std::string task;
  double mean[2], variance[2];  // of the end
  double squared_w2;            // between start and end, as 10,000 points show it; the tolerance is for 1000
  double tolerance;
};

TEST(PublishedData, HaveTheKnownMomentsAndDistances) {
  const double pi = std::acos(-1.0), scurve = 1.5 * 1.5;
  // Moons: means 1/2 and 1/4, second moments 1 and 5/8 − 1/π, noise 0.05²; then x ↦ 2x − 1.
  // S-curve: sin t over three half turns, and ±(cos t − 1), whose square has mean 3/2 + 4/(3π).
  const Known known[] = {
      {"8gaussians", {0, 0}, {13.5, 13.5}, 14.95, 0.7},
      {"moons", {0, -0.5}, {4 * (1 - 0.25 + 0.0025), 4 * (0.625 - 1 / pi - 0.0625 + 0.0025)}, 1.265, 0.12},
      {"scurve", {0, 0}, {scurve * (0.5 + 0.0025), scurve * (1.5 + 4 / (3 * pi) + 0.0025)}, 1.64, 0.3},
      {"moons-8gaussians", {0, 0}, {72 + 2.25, 72 + 2.25}, 30.1, 2.5},
  };
  for (const Known& k : known) {
    Rng rng(1);
    const Tensor end = task(k.task).end(100000, rng);
    for (int64_t c = 0; c < 2; ++c) {
      const Tensor column = slice(end, 1, c, c + 1);
      EXPECT_NEAR(mean(column).item(), k.mean[c], 0.02 * std::sqrt(k.variance[c])) << k.task << c;
      EXPECT_NEAR(var(column).item(), k.variance[c], 0.015 * k.variance[c]) << k.task << c;
    }
    const Tensor from = task(k.task).start(1000, rng), to = task(k.task).end(1000, rng);
    const double w2 = exact_w2(from, to).value;
    EXPECT_NEAR(w2 * w2, k.squared_w2, k.tolerance) << k.task;
  }
  Rng rng(2);
  const Tensor moons = task("moons-8gaussians").start(100000, rng);  // 7 over both coordinates
  EXPECT_NEAR(mean(moons).item(), 0, 0.03);
  EXPECT_NEAR(std::sqrt(var(moons).item()), 7, 0.03);
}

TEST(Published, RowsByName) {
  EXPECT_EQ(rows_of("all").size(), 16u);
  EXPECT_EQ(rows_of("i-cfm,ot-cfm/moons").size(), 5u);
  EXPECT_EQ(rows_of("scurve").size(), 4u);
  EXPECT_EQ(rows_of("ot-cfm/8gaussians")[0].w2.mean, 0.303);
  EXPECT_TRUE(contains(error_of([] { rows_of("ot-cfm/mons"); }), "row 'ot-cfm/mons': there is none of this name"));
}

TEST(Published, SpreadIsThatOfTrainings) {
  const Spread s = spread_of({1, 2, 4});
  EXPECT_NEAR(s.mean, 7.0 / 3, 1e-12);
  EXPECT_NEAR(s.deviation, std::sqrt(7.0 / 3), 1e-12);
  EXPECT_TRUE(std::isnan(spread_of({1}).deviation));
}

TEST(Published, TheProtocolAtASmallSize) {
  const Protocol small{.points = 256, .steps = 150, .batch = 64, .euler_steps = 20};
  for (const std::string name :
       {"i-cfm/8gaussians", "ot-cfm/8gaussians", "rf/moons", "sb-cfm/moons", "ot-cfm/moons-8gaussians"}) {
    const PublishedRow row = rows_of(name)[0];
    const Protocol protocol =
        row.method == "sb-cfm" ? Protocol{.points = 256, .steps = 2, .batch = 64, .euler_steps = 20} : small;
    const Outcome o = reproduce(row, protocol, 3);
    for (double value : {o.w2, o.npe, o.floor, o.energy, o.squared_w2, o.loss})
      EXPECT_TRUE(std::isfinite(value)) << name;
    EXPECT_GT(o.floor, 0);
    EXPECT_NEAR(o.npe, std::abs(o.energy - o.squared_w2) / o.squared_w2, 1e-9);
    // Training has brought the start nearer to the end.
    if (protocol.steps > 100) { EXPECT_LT(o.w2, 0.5 * std::sqrt(o.squared_w2)) << name; }
  }
  // Straight pairs make what is left to learn small: 10.8 for pairs by chance, whatever is learned.
  const Outcome chance = reproduce(rows_of("i-cfm/8gaussians")[0], small, 3),
                optimal = reproduce(rows_of("ot-cfm/8gaussians")[0], small, 3);
  EXPECT_GT(chance.loss, 9);
  EXPECT_LT(optimal.loss, 3);
  EXPECT_EQ(chance.squared_w2, optimal.squared_w2);  // one seed, one data
  EXPECT_EQ(reproduce(rows_of("ot-cfm/8gaussians")[0], small, 3).w2, optimal.w2);
  EXPECT_TRUE(contains(error_of([&] { reproduce(rows_of("moons")[0], Protocol{.points = 100}, 0); }),
                       "100 points and batches of 512: expected at least one batch of points"));
}

TEST(Published, TablesSayWhatWasReached) {
  Reproduction r{rows_of("ot-cfm/8gaussians")[0], {.seeds = 2, .points = 1000, .steps = 10}, {}};
  r.outcomes = {{.w2 = 0.34, .npe = 0.05, .floor = 0.2, .seconds = 3},
                {.w2 = 0.35, .npe = 0.07, .floor = 0.2, .seconds = 4}};
  EXPECT_TRUE(r.w2_reached());    // 0.345 ≤ 0.303 + 0.043
  EXPECT_FALSE(r.npe_reached());  // 0.060 > 0.031 + 0.027
  EXPECT_EQ(reproduction_line(r),
            "        ot-cfm/8gaussians   0.345 ± 0.007    0.303 ± 0.043   yes   0.200   0.060 ± 0.014    0.031 ± 0.027"
            "    no        4");
  const Json line = parse_json(to_json(r));
  EXPECT_EQ(line["row"], "ot-cfm/8gaussians");
  EXPECT_EQ(line["w2_of_seeds"].size(), 2u);
  EXPECT_NEAR(line["w2"].get<double>(), 0.345, 1e-12);
  EXPECT_EQ(line["npe_reached"], false);
  r.outcomes.resize(1);
  EXPECT_TRUE(parse_json(to_json(r))["w2_deviation"].is_null());
}

}  // namespace
}  // namespace pf::bench
