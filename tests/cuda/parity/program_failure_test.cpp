// The program on a device that fails: one line, exit code 1, and the last snapshot is whole.

#include <gtest/gtest.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <iostream>

#include "nn/checkpoint.h"
#include "tensor/files.h"
#include "tensor/json.h"
#include "tests/cuda/parity/emulator.h"
#include "tests/support/temporary.h"

#ifdef PF_PROGRAM

namespace pf {
namespace {

using testing::contains;

struct Outcome {
  int code;
  std::string out, err;
  /// The line of the error.
  std::string last() const {
    const size_t at = err.rfind("pushforward: ");
    return at == std::string::npos ? "" : err.substr(at);
  }
};

class FailuresOfProgram : public ::testing::Test {
 protected:
  void SetUp() override {
    if (!testing::emulator()) GTEST_SKIP() << "the library is not the emulated one: nothing makes it fail";
  }
  Outcome run(const std::string& words, const std::string& environment = "") {
    const std::string out = folder / "stdout", err = folder / "stderr";
    const std::string line =
        "env " + environment + " '" PF_PROGRAM "' " + words + " >'" + out + "' 2>'" + err + "' </dev/null";
    const int status = std::system(line.c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out), read_file(err)};
  }
  void expect_error(const Outcome& outcome, const std::string& part) {
    EXPECT_EQ(outcome.code, 1) << outcome.err;
    const std::string line = outcome.last();
    EXPECT_TRUE(contains(line, part));
    EXPECT_EQ(std::count(line.begin(), line.end(), '\n'), 1) << outcome.err;
  }
  void expect_fine(const Outcome& outcome) { EXPECT_EQ(outcome.code, 0) << outcome.err; }
  std::string train(const std::string& more, const std::string& device = "cuda") {
    return "train flow-matching --set variant=independent --set hidden=16 --data moons --batch 32 --threads 1 " + more +
           " --device " + device + " --out " + dir;
  }
  /// A run of so many steps that can be gone on with.
  void begin(int steps) {
    std::filesystem::remove_all(dir);
    ASSERT_EQ(run(train("--steps " + std::to_string(steps))).code, 0);
  }
  void expect_whole(int step) {
    EXPECT_EQ(load_snapshot(dir + "/snapshot.safetensors").meta.at("step"), step);
    expect_fine(run("sample " + dir + " -n 16 --out " + (folder / "x.npy")));
  }
  std::string resume(int steps) {
    return "train --resume --threads 1 --device cuda --steps " + std::to_string(steps) + " --out " + dir;
  }

  testing::TemporaryFolder folder;
  const std::string dir = folder / "run";
};

TEST_F(FailuresOfProgram, AKernelFails) {
  begin(4);
  for (const char* mode : {"", " --eager"}) {
    const Outcome outcome = run(resume(40) + mode, "PF_EMULATOR_FAIL=kernel:600:700");
    expect_error(outcome, "pushforward: train: step ");
    EXPECT_TRUE(contains(outcome.last(), "(cudaErrorIllegalAddress); found after "));
    EXPECT_TRUE(
        contains(outcome.last(), "(PF_CUDA_WAIT=1 waits after each and names it exactly); the snapshot of step 4 in " +
                                     dir + " is whole, and --resume goes on from it\n"));
  }
  const Outcome named = run(resume(40), "PF_CUDA_WAIT=1 PF_EMULATOR_FAIL=kernel:600:700");
  expect_error(named, " failed on the GPU: ");
  EXPECT_FALSE(contains(named.last(), "found after"));
  EXPECT_TRUE(contains(named.last(), ": the kernel for ["));
  expect_whole(4);
  std::filesystem::remove_all(dir);
  expect_error(run(train("--steps 40"), "PF_EMULATOR_FAIL=kernel:600:700"),
               "; no snapshot had been saved in " + dir + " by then");
}

TEST_F(FailuresOfProgram, WaitingAfterEachOperationChangesNothing) {
  const auto snapshot = [&](const std::string& environment) {
    std::filesystem::remove_all(dir);
    const Outcome outcome = run(train("--steps 6"), environment);
    expect_fine(outcome);
    EXPECT_EQ(contains(outcome.err, "steps are not replayed: PF_CUDA_WAIT=1 waits after each operation"),
              environment == "PF_CUDA_WAIT=1")
        << outcome.err;
    return load_snapshot(dir + "/snapshot.safetensors").meta.at("losses").dump();
  };
  EXPECT_EQ(snapshot("PF_CUDA_WAIT=1"), snapshot("PF_CUDA_WAIT=0"));
}

// With any amount of memory it ends in a sentence, or trains.
TEST_F(FailuresOfProgram, OutOfMemory) {
  std::filesystem::remove_all(dir);
  ASSERT_EQ(run("train flow-matching --set variant=independent --set hidden=64 --data moons --batch 4000 --threads 1 "
                "--device cuda "
                "--steps 3 --out " +
                dir)
                .code,
            0);
  int in_a_step = 0, without_recording = 0, before = 0;
  bool fits = false;
  for (int mebibytes = 5; mebibytes < 200 && !fits; ++mebibytes) {
    const int step = load_snapshot(dir + "/snapshot.safetensors").meta.at("step").get<int>();
    const Outcome outcome = run(resume(step + 4), "PF_EMULATOR_DEVICE_MEMORY=" + std::to_string(mebibytes));
    without_recording += contains(outcome.err, "steps are not replayed: there is no room for a recording: ");
    fits = outcome.code == 0 && contains(outcome.err, "steps are replayed");
    if (outcome.code == 0) continue;
    expect_error(outcome, "memory");
    if (contains(outcome.last(), "train: step ")) {
      ++in_a_step;
      EXPECT_TRUE(contains(outcome.last(), "out of "));
      EXPECT_TRUE(contains(outcome.last(), join("the snapshot of step ", step, " in ", dir, " is whole")));
      expect_whole(step);
    } else {
      ++before;
    }
  }
  std::cout << before << " amounts of memory too small for the model and the data, " << in_a_step << " for a step, "
            << without_recording << " for its recording\n";
  EXPECT_TRUE(fits);
  EXPECT_GT(in_a_step, 0);
  EXPECT_GT(without_recording, 0);
}

TEST_F(FailuresOfProgram, TheLossIsNotFinite) {
  const std::string diverging = "--lr 1e30 --steps 200";
  const Outcome outcome = run(train(diverging));
  expect_error(outcome, "train: between steps 1 and 20: ");
  EXPECT_TRUE(contains(outcome.last(), "; no snapshot had been saved in " + dir +
                                           " by then; a smaller --lr may help; --device cpu looks at "
                                           "every step and names the first operation"));
  EXPECT_TRUE(contains(outcome.last(), ": linear: made ")) << "the operation, which still fails";
}

TEST_F(FailuresOfProgram, NoDriverAndNoDevice) {
  const std::string out = " --out " + (folder / "none");
  const std::string words = "train flow --data moons --device cuda" + out;
  expect_error(run(words, "PF_EMULATOR_FAIL=cudaGetDeviceCount:1:35"),
               "pushforward: cuda: no CUDA device here (CUDA driver version is insufficient for CUDA runtime version");
  expect_error(run(words, "PF_EMULATOR_DEVICES=0"), "pushforward: cuda: no CUDA device here (");
  const Outcome doctor = run("doctor", "PF_EMULATOR_DEVICES=0");
  expect_fine(doctor);
  EXPECT_TRUE(contains(doctor.out, "ok    GPU: none used: no CUDA device here ("));
  EXPECT_FALSE(std::filesystem::exists(folder / "none")) << "nothing is made before there is a device";
}

TEST_F(FailuresOfProgram, DevicesAreCounted) {
  const std::string words = "train flow --data moons --device cuda:7 --out " + (folder / "none");
  expect_error(run(words, "PF_EMULATOR_DEVICES=1"), "device cuda:7: this machine has 1 CUDA device, cuda:0");
  expect_error(run(words, "PF_EMULATOR_DEVICES=2"), "device cuda:7: this machine has 2 CUDA devices, cuda:0 to cuda:1");
  const auto losses = [&](const std::string& device) {
    std::filesystem::remove_all(dir);
    expect_fine(run(train("--steps 4", device), "PF_EMULATOR_DEVICES=2"));
    return load_snapshot(dir + "/snapshot.safetensors").meta.at("losses").dump();
  };
  EXPECT_EQ(losses("cuda:1"), losses("cuda:0"));
}

TEST_F(FailuresOfProgram, DoctorTriesEachDevice) {
  const Outcome two = run("doctor", "PF_EMULATOR_DEVICES=2");
  expect_fine(two);
  EXPECT_TRUE(contains(two.out, "ok    GPU: cuda:0 emulated device 0, compute capability 8.6, "));
  EXPECT_TRUE(contains(two.out, "; cuda:1 emulated device 1, "));
  const auto expect_fail = [&](const std::string& failure, const std::string& part) {
    const Outcome outcome = run("doctor", "PF_EMULATOR_FAIL=" + failure);
    EXPECT_EQ(outcome.code, 1);
    EXPECT_TRUE(contains(outcome.out, "FAIL  GPU: cuda:0 "));
    EXPECT_TRUE(contains(outcome.out, part));
    EXPECT_TRUE(contains(outcome.out, "fashion-mnist: ")) << "the rest is examined";
    EXPECT_TRUE(contains(outcome.err, "the lines marked FAIL say what"));
  };
  expect_fail("cudaGetDeviceProperties:1:999", "cuda: asking what the device is: ");
  expect_fail("cudaStreamCreateWithFlags:1:2", "cuda: making a stream: ");
  expect_fail("cudaLaunchKernelEx:1:209",
              "has no code for this GPU: build it anew with CUDAARCHS set to its architecture");
  expect_fail("kernel:1:700", "cuda: waiting for the device: ");
}

// A library that is there but cannot be loaded is not "no library".
TEST_F(FailuresOfProgram, ALibraryThatDoesNotLoad) {
  testing::write_bytes(folder / "broken.so", "no library at all");
  const Outcome outcome = run("doctor", "PF_CUDA_LIBRARY='" + (folder / "broken.so") + "'");
  EXPECT_TRUE(
      contains(outcome.out, "GPU: none used: the CUDA library cannot be loaded: " + (folder / "broken.so") + ": "));
  EXPECT_FALSE(contains(outcome.out, "this build has no CUDA library"));
}

}  // namespace
}  // namespace pf

#endif
