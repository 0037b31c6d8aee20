// The program on the device: what is trained there goes on on the CPU, and the other way.

#include <gtest/gtest.h>

#include <cstdlib>

#include "tensor/files.h"
#include "tensor/npy.h"
#include "tests/support/temporary.h"

#ifdef PF_PROGRAM

namespace pf {
namespace {

using testing::TemporaryFolder;

int run(const TemporaryFolder& folder, const std::string& words) {
  const std::string line = "'" PF_PROGRAM "' " + words + " >'" + (folder / "out") + "' 2>&1 </dev/null";
  const int status = std::system(line.c_str());
  const int code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  EXPECT_EQ(code, 0) << words << '\n' << read_file(folder / "out");
  return code;
}

TEST(ProgramOnDevice, TrainsSamplesScoresAndResumes) {
  TemporaryFolder f;
  const std::string train = "train flow --data moons --batch 32 --threads 1 --set hidden=16 --set layers=2";
  const std::string there = f / "there", here = f / "here";
  ASSERT_EQ(run(f, train + " --steps 30 --device cuda --out " + there), 0);
  ASSERT_EQ(run(f, train + " --steps 30 --out " + here), 0);
  const auto samples = [&](const std::string& model, const std::string& device) {
    const std::string file = f / "x.npy";
    EXPECT_EQ(run(f, "sample " + model + " -n 64 --seed 3 --device " + device + " --out " + file), 0);
    return read_npy(file).to_vector<float>();
  };
  const std::vector<float> expected = samples(here, "cpu");
  for (const auto& [model, device] : {std::pair{there, "cuda"}, {there, "cpu"}, {here, "cuda"}}) {
    const std::vector<float> found = samples(model, device);
    ASSERT_EQ(found.size(), expected.size());
    for (size_t i = 0; i < found.size(); ++i)
      ASSERT_NEAR(found[i], expected[i], 1e-4) << model << " on " << device << ", number " << i;
  }
  EXPECT_EQ(run(f, "score " + there + " --limit 50 --device cuda"), 0);
  EXPECT_EQ(run(f, "evaluate " + there + " --samples 100 --device cuda"), 0);
  EXPECT_EQ(run(f, "train --resume --steps 40 --out " + there), 0) << "from the device to the CPU";
  EXPECT_EQ(run(f, "train --resume --steps 40 --device cuda --out " + here), 0) << "from the CPU to the device";
}

}  // namespace
}  // namespace pf

#endif
