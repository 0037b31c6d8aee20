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

}  // namespace
}  // namespace pf

#endif
