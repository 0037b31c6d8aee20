// The program's densities, tempered samples and guided samples, as its user meets them.

#include <gtest/gtest.h>

#include <cmath>

#include "tensor/files.h"
#include "tensor/json.h"
#include "tensor/npy.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/reduce.h"
#include "tests/support/temporary.h"

#ifdef PF_PROGRAM

namespace pf {
namespace {

using testing::contains;
using testing::TemporaryFolder;

struct Ended {
  int code;
  std::string out, err;
};
Ended run_program(const TemporaryFolder& f, const std::string& words) {
  const std::string out = f / "stdout", err = f / "stderr";
  const int status = std::system(("'" PF_PROGRAM "' " + words + " >'" + out + "' 2>'" + err + "' </dev/null").c_str());
  return {WEXITSTATUS(status), read_file(out), read_file(err)};
}

TEST(Program, ScoresByTheKindOfDensityThatIsAskedFor) {
  TemporaryFolder f;
  const std::string gan = f / "gan";
  ASSERT_EQ(run_program(f, "train gan --data moons --steps 40 --threads 1 --set hidden=16 --out " + gan).code, 0);
  const Ended none = run_program(f, "score " + gan);
  EXPECT_EQ(none.code, 1);
  EXPECT_TRUE(
      contains(none.err, "compare samples instead (evaluate), or ask for another kind: --density injective or ais"));
  EXPECT_TRUE(contains(run_program(f, "score " + gan + " --density ode").err, "has only injective, ais"));
  const Ended image = run_program(f, "score " + gan + " --density injective --limit 20 --json");
  ASSERT_EQ(image.code, 0) << image.err;
  EXPECT_EQ(Json::parse(image.out).at("kind"), "injective");
  const Ended annealed =
      run_program(f, "score " + gan + " --density ais --limit 5 --chains 2 --distributions 20 --noise 0.2");
  ASSERT_EQ(annealed.code, 0) << annealed.err;
  EXPECT_TRUE(contains(annealed.out, "(ais: annealed importance sampling, 2 chains through 20 distributions"));
}

TEST(Program, SamplesAreTemperedAndGuided) {
  TemporaryFolder f;
  const std::string flow = f / "flow";
  ASSERT_EQ(
      run_program(f, "train flow --data moons --steps 40 --threads 1 --set hidden=16 --set layers=2 --out " + flow)
          .code,
      0);
  auto spread = [&](const std::string& words) {
    const Ended ended = run_program(f, "sample " + flow + " -n 2000 --out " + (f / "x.npy") + words);
    EXPECT_EQ(ended.code, 0) << ended.err;
    return sum(var(read_npy(f / "x.npy"), 0)).item();
  };
  const double plain = spread(""), cold = spread(" --temperature 0.3"), cut = spread(" --truncation 0.5");
  EXPECT_LT(cold, 0.4 * plain);
  EXPECT_LT(cut, 0.4 * plain);
  EXPECT_EQ(run_program(f, "sample " + flow + " --temperature 0 --out " + (f / "x.npy")).code, 2);

  const Ended guided = run_program(f, "guide " + flow + " --observe 1.2,? --noise 0.05 -n 200 --out " + (f / "y.npy"));
  ASSERT_EQ(guided.code, 0) << guided.err;
  EXPECT_TRUE(contains(guided.out, "observation 0: log-density "));
  const Tensor y = read_npy(f / "y.npy");
  EXPECT_EQ(y.shape(), (Shape{200, 2}));
  EXPECT_NEAR(mean(slice(y, 1, 0, 1)).item(), 1.2, 0.05);
  EXPECT_GT(var(slice(y, 1, 1, 2)).item(), 0.01);  // the other coordinate is free
  write_npy(f / "seen.npy", tensor({NAN, 0, -1, NAN}, {2, 2}));
  ASSERT_EQ(run_program(f, "guide " + flow + " --observe " + (f / "seen.npy") + " -n 10 --out " + (f / "y.npy")).code,
            0);
  EXPECT_EQ(read_npy(f / "y.npy").shape(), (Shape{20, 2}));
  const Ended wrong = run_program(f, "guide " + flow + " --observe 1,2,3 --out " + (f / "y.npy"));
  EXPECT_EQ(wrong.code, 2);
  EXPECT_TRUE(contains(wrong.err, "3 numbers for data of 2 columns"));
  EXPECT_TRUE(
      contains(run_program(f, "guide " + flow + " --observe 1,x --out " + (f / "y.npy")).err, "'x': expected numbers"));
}

TEST(Program, SamplesAreRefinedByACritic) {
  TemporaryFolder f;
  const std::string gan = f / "gan", coins = f / "coins";
  ASSERT_EQ(run_program(f, "train gan --data moons --steps 40 --threads 1 --set hidden=16 --out " + gan).code, 0);
  const std::string sample = "sample " + gan + " -n 300 --seed 5 --out " + (f / "x.npy");
  auto samples = [&](const std::string& words) {
    const Ended ended = run_program(f, sample + words);
    EXPECT_EQ(ended.code, 0) << ended.err;
    return read_npy(f / "x.npy").to_vector<float>();
  };
  const auto plain = samples("");
  EXPECT_EQ(samples(" --refine 0"), plain);
  const auto in_noise = samples(" --refine 5 --critic-steps 30"),
             in_data = samples(" --refine 5 --critic-steps 30 --refine-space data --divergence js --refine-noise 0.1");
  EXPECT_NE(in_noise, plain);
  EXPECT_NE(in_data, plain);
  EXPECT_TRUE(contains(run_program(f, sample + " --refine 5 --refine-space x").err, "expected noise or data"));
  EXPECT_TRUE(contains(run_program(f, sample + " --refine 5 --divergence jsd").err, "did you mean 'js'?"));
  ASSERT_EQ(
      run_program(f, "train autoregressive --data moons --steps 10 --threads 1 --set hidden=16 --out " + coins).code,
      0);
  const Ended none = run_program(f, "sample " + coins + " --set components=3 --out " + (f / "y.npy"));
  EXPECT_EQ(none.code, 2);
  EXPECT_TRUE(contains(none.err, "components is part of what was trained; after training one can set schedule"));
  EXPECT_EQ(run_program(f, "sample " + coins + " --set schedule=jacobi -n 10 --out " + (f / "y.npy")).code, 0);
}

TEST(Program, EvaluatesWithOtherSettingsOfTheSolver) {
  TemporaryFolder f;
  const std::string dir = f / "dm";
  ASSERT_EQ(
      run_program(f, "train diffusion --data moons --steps 20 --threads 1 --set hidden=16 --set depth=2 --out " + dir)
          .code,
      0);
  auto samples = [&](const std::string& words) {
    const Ended ended = run_program(f, "sample " + dir + " -n 50 --out " + (f / "x.npy") + words);
    EXPECT_EQ(ended.code, 0) << ended.err;
    return read_npy(f / "x.npy").to_vector<float>();
  };
  EXPECT_NE(samples(" --set solver=heun --set solver-steps=4"), samples(""));
  const Ended bound = run_program(f, "score " + dir + " --limit 10 --set solver=ancestral --set solver-steps=8 --json");
  ASSERT_EQ(bound.code, 0) << bound.err;
  EXPECT_EQ(Json::parse(bound.out).at("kind"), "bound");
  EXPECT_EQ(run_program(f, "evaluate " + dir + " --samples 200 --set solver=heun --set solver-steps=4").code, 0);
  EXPECT_TRUE(contains(run_program(f, "score " + dir + " --set hidden=8").err, "hidden is part of what was trained"));
}

TEST(Program, PullsByOptimisation) {
  TemporaryFolder f;
  const std::string dir = f / "vae";
  ASSERT_EQ(run_program(f, "train vae --data moons --steps 40 --threads 1 --set hidden=16 --out " + dir).code, 0);
  Rng rng(1);
  write_npy(f / "x.npy", rng.normal({20, 2}));
  const std::string pull = "pull " + dir + " --x " + (f / "x.npy") + " --out " + (f / "z.npy");
  const Ended encoder = run_program(f, pull), search = run_program(f, pull + " --optimise --steps 200");
  EXPECT_TRUE(contains(encoder.out, "by the encoder"));
  ASSERT_EQ(search.code, 0) << search.err;
  EXPECT_TRUE(contains(search.out, "20 points pulled to " + (f / "z.npy") + " by optimisation: T(z) is "));
  const Tensor free = read_npy(f / "z.npy");
  ASSERT_EQ(run_program(f, pull + " --optimise --steps 200 --prior-weight 10").code, 0);
  const Tensor drawn = read_npy(f / "z.npy");
  EXPECT_EQ(drawn.shape(), free.shape());
  EXPECT_LT(sum(var(drawn, 0)).item(), sum(var(free, 0)).item());
}

}  // namespace
}  // namespace pf

#endif
