// The program as its user meets it: what it prints and writes, its exit codes, and what is left after a kill.

#include <fcntl.h>
#include <gtest/gtest.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <fstream>
#include <sstream>
#include <thread>

#include "models/train.h"
#include "nn/checkpoint.h"
#include "tensor/files.h"
#include "tensor/json.h"
#include "tensor/npy.h"
#include "tests/support/temporary.h"

#ifdef PF_PROGRAM

namespace pf {
namespace {

using testing::contains;
using testing::TemporaryFolder;
namespace fs = std::filesystem;

struct Outcome {
  int code;
  std::string out, err;
};

/// Runs the program with a shell's words; `before` goes in front of it (a limit, an environment).
Outcome run(const TemporaryFolder& folder, const std::string& words, const std::string& before = "") {
  const std::string out = folder / "stdout", err = folder / "stderr";
  const std::string line = before + " '" PF_PROGRAM "' " + words + " >'" + out + "' 2>'" + err + "' </dev/null";
  const int status = std::system(line.c_str());
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out), read_file(err)};
}

/// The outcome is an error of one line that contains `part`.
void expect_error(const Outcome& outcome, int code, const std::string& part) {
  EXPECT_EQ(outcome.code, code) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, part));
  const std::string last = outcome.err.substr(
      outcome.err.rfind("pushforward: ") == std::string::npos ? 0 : outcome.err.rfind("pushforward: "));
  EXPECT_EQ(std::count(last.begin(), last.end(), '\n'), 1) << outcome.err;
}

std::string small(const std::string& family) {
  return "train " + family + " --data moons --steps 40 --threads 1 --set hidden=16" +
         (family == "flow" ? " --set layers=2" : "");
}

TEST(Program, OutputThatCannotBeWrittenIsAnError) {
  TemporaryFolder f;
  const int status = std::system(("'" PF_PROGRAM "' ops >/dev/full 2>'" + (f / "err") + "'").c_str());
  EXPECT_EQ(WEXITSTATUS(status), 1);
  EXPECT_TRUE(contains(read_file(f / "err"), "standard output cannot be written"));
}

// OpenBLAS asks for memory for ever, in a thread of its own too: the program must not.
TEST(Program, LittleMemoryIsAnErrorAndNoHang) {
  for (const char* kilobytes : {"80000", "120000", "200000", "300000"}) {
    TemporaryFolder f;
    const Outcome o = run(f, "train vae --data moons --steps 3 --threads 1 --out " + (f / "r"),
                          std::string("ulimit -v ") + kilobytes + "; timeout 60 ");
    if (o.code != 0) expect_error(o, 1, "out of memory");
  }
}

TEST(Program, UsageErrors) {
  TemporaryFolder f;
  expect_error(run(f, "trian flow"), 2, "command 'trian': there is none of this name; did you mean 'train'?");
  expect_error(run(f, "train flw --data moons --out " + (f / "r")), 2,
               "family 'flw': there is none of this name; did you mean 'flow'?");
  expect_error(run(f, "train flow --data moon --out " + (f / "r")), 2, "did you mean 'moons'?");
  expect_error(run(f, "train flow --out " + (f / "r")), 2, "--data is missing");
  expect_error(run(f, "train flow --data moons --set hiden=3 --out " + (f / "r")), 2, "did you mean 'hidden'?");
  expect_error(run(f, "train flow --data moons --set hidden=x --out " + (f / "r")), 2, "hidden=x: expected a number");
  expect_error(run(f, "train flow --data moons --set variant=nice --out " + (f / "r")), 2,
               "expected one of spline, realnvp");
  expect_error(run(f, "train flow --data moons --steps 0 --out " + (f / "r")), 2, "--steps");
  expect_error(run(f, "train flow --data moons --batch 1000000 --out " + (f / "r")), 2, "100000 rows");
  expect_error(run(f, "train flow --data moons --resume --out " + (f / "r")), 2, "leave --resume out");
  expect_error(run(f, "sample"), 2, "DIR is required");
  expect_error(run(f, "gradcheck softplu"), 2, "did you mean 'softplus'?");
  expect_error(run(f, "train flow --data moons --out ''"), 2, "--out is empty");
  EXPECT_FALSE(fs::exists(f / "r")) << "nothing is made before the arguments are right";
  testing::write_bytes(f / "full/x", "");
  fs::create_directories(f / "full");
  testing::write_bytes(f / "full/x", "x");
  expect_error(run(f, small("flow") + " --out " + (f / "full")), 2, "the folder is not empty");
}

TEST(Program, Devices) {
  TemporaryFolder f;
  const std::string missing = "env PF_CUDA_LIBRARY='" + (f / "none.so") + "'", folder = " --out " + (f / "r");
  expect_error(run(f, small("flow") + " --device cuda" + folder, missing), 1, "this build has no CUDA library");
  expect_error(run(f, small("flow") + " --device gpu" + folder), 2, "device 'gpu': expected cpu, cuda or cuda:N");
  EXPECT_FALSE(fs::exists(f / "r")) << "nothing is made before there is a device";
  const Outcome doctor = run(f, "doctor", missing);
  EXPECT_EQ(doctor.code, 0);
  EXPECT_TRUE(contains(doctor.out, "GPU: none used: this build has no CUDA library"));
}

TEST(Program, Conditions) {
  TemporaryFolder f;
  const std::string labelled = f / "labelled", columns = f / "columns", out = " --out " + (f / "x.npy");
  ASSERT_EQ(run(f, small("flow") + " --condition labels --out " + labelled).code, 0);
  EXPECT_EQ(run(f, "sample " + labelled + " -n 7 --label 1" + out).code, 0);
  EXPECT_EQ(read_npy(f / "x.npy").shape(), (Shape{7, 2}));
  EXPECT_EQ(run(f, "sample " + labelled + " -n 7" + out).code, 0) << "the classes in turn";
  EXPECT_EQ(run(f, "score " + labelled + " --limit 100").code, 0);
  EXPECT_EQ(run(f, "evaluate " + labelled + " --samples 100").code, 0);
  EXPECT_EQ(run(f, "pull " + labelled + " --label 0 --x " + (f / "x.npy") + " --out " + (f / "z.npy")).code, 0);
  expect_error(run(f, "sample " + labelled + " --label 2" + out), 2, "--label 2: the model knows the labels 0 to 1");
  expect_error(run(f, "sample " + labelled + " --given 2" + out), 2, "conditional on labels; use --label");
  expect_error(run(f, "push " + labelled + " --z " + (f / "z.npy") + out), 2, "choose a class with --label 0 to 1");
  expect_error(run(f, "train flow --resume --condition columns=1 --out " + labelled), 2,
               "was made with --condition labels; a run is continued with its own");

  ASSERT_EQ(run(f, small("flow-matching") + " --condition columns=1 --out " + columns).code, 0);
  EXPECT_EQ(run(f, "sample " + columns + " -n 7 --given -0.5" + out).code, 0);
  EXPECT_EQ(read_npy(f / "x.npy").shape(), (Shape{7, 1}));
  EXPECT_EQ(run(f, "train --resume --steps 50 --out " + columns).code, 0);
  expect_error(run(f, "sample " + columns + out), 2, "give its 1 number with --given");
  expect_error(run(f, "sample " + columns + " --given 1,2" + out), 2, "--given 1,2: 2 numbers: expected 1");
  expect_error(run(f, "sample " + columns + " --given 1,x" + out), 2, "expected numbers with commas between them");
  expect_error(run(f, small("flow") + " --condition labels=3 --out " + (f / "r")), 2, "expected labels, or columns=K");
  expect_error(run(f, small("flow") + " --condition columns=2 --out " + (f / "r")), 2, "2 columns: expected 1 to 1");
}

TEST(Program, StagesKeepTheirPlaces) {
  TemporaryFolder f;
  const std::string settings = " --steps 20 --threads 1 --set hidden=8 --set variant=rectified --set pair-steps=4";
  ASSERT_EQ(run(f, "train flow-matching --data moons" + settings + " --out " + (f / "r")).code, 0);
  expect_error(run(f, "train --resume --steps 40 --out " + (f / "r")), 2,
               "trains in 2 stages of 20 steps in all; it is continued with these");
}

TEST(Program, Precision) {
  TemporaryFolder f;
  expect_error(run(f, small("flow") + " --precision fp16 --out " + (f / "r")), 2,
               "precision 'fp16': expected float32 or bf16");
  const Outcome trained = run(f, small("flow") + " --precision bf16 --out " + (f / "r"));
  ASSERT_EQ(trained.code, 0);
  EXPECT_TRUE(contains(trained.err, "networks compute on bfloat16, which is slower than float32 on the CPU"));
  expect_error(run(f, "train --resume --precision float32 --out " + (f / "r")), 2, "was made with another --precision");
  EXPECT_EQ(run(f, "train --resume --steps 50 --out " + (f / "r")).code, 0);
  EXPECT_EQ(run(f, "score " + (f / "r") + " --limit 100").code, 0);
}

TEST(Program, GuidanceNeedsNumbers) {
  TemporaryFolder f;
  ASSERT_EQ(run(f, small("flow") + " --out " + (f / "r")).code, 0);
  const std::string guide = "guide " + (f / "r") + " --out " + (f / "x.npy") + " --observe ";
  expect_error(run(f, guide + "'inf,?'"), 2, "expected numbers with commas between them and ?");
  expect_error(run(f, guide + "'1'"), 2, "1 numbers for data of 2 columns");
  EXPECT_FALSE(fs::exists(f / "x.npy"));
}

TEST(Program, BadFiles) {
  TemporaryFolder f;
  const std::string out = " --out " + (f / "r");
  expect_error(run(f, "train flow --data npy:" + (f / "missing.npy") + out), 1, "missing.npy");
  testing::write_bytes(f / "bad.npy", "not a numpy file at all");
  expect_error(run(f, "train flow --data npy:" + (f / "bad.npy") + out), 1, "bad.npy");
  testing::write_bytes(f / "bad.csv", "a,b\n1,2\n3,oops\n");
  expect_error(run(f, "train flow --data csv:" + (f / "bad.csv") + out), 1, "oops");
  testing::write_bytes(f / "nan.csv", "a,b\n1,2\nnan,3\n");
  expect_error(run(f, "train flow --data csv:" + (f / "nan.csv") + out), 1, "row");
  std::string constant = "a,b\n";
  for (int i = 0; i < 50; ++i) constant += std::to_string(i) + ",7\n";
  testing::write_bytes(f / "constant.csv", constant);
  expect_error(run(f, "train flow --batch 8 --data csv:" + (f / "constant.csv") + out), 1, "column 1 is constant");
  expect_error(run(f, "score " + (f / "nowhere")), 1, "there is no such folder");
  EXPECT_FALSE(fs::exists(f / "r"));
}

/// What a training proposes can be done.
void expect_next_steps_work(const TemporaryFolder& f, const std::string& said) {
  const size_t from = said.find("; next: ");
  ASSERT_NE(from, std::string::npos) << said;
  std::istringstream steps(said.substr(from + 8));
  int count = 0;
  for (std::string step; std::getline(steps, step, ','); ++count) {
    const size_t at = step.find("pushforward ");
    ASSERT_NE(at, std::string::npos) << step;
    std::string words = step.substr(at + 12);
    words.erase(words.find_last_not_of('\n') + 1);
    if (words.starts_with("score")) words += " --limit 50";
    if (words.starts_with("evaluate")) words += " --samples 50";
    const Outcome outcome = run(f, words, "cd '" + f.path().string() + "' &&");
    EXPECT_EQ(outcome.code, 0) << words << ": " << outcome.err;
  }
  EXPECT_EQ(count, 2) << said;
}

TEST(Program, TheNextStepsOfMapsWithoutADensityWork) {
  TemporaryFolder f;
  for (const char* words : {"flow-matching --set variant=mean-flow --data moons",
                            "flow --data moons --condition columns=1 --set variant=spline-ar"}) {
    const Outcome trained = run(f, std::string("train ") + words + " --steps 10 --threads 1 --set hidden=16 --out " +
                                       (f / ("run" + std::to_string(std::string(words).size()))));
    ASSERT_EQ(trained.code, 0) << trained.err;
    expect_next_steps_work(f, trained.out);
  }
}

TEST(Program, ACouplingOnOneColumnSaysWhatToDo) {
  TemporaryFolder f;
  std::string column = "x\n";
  for (int i = 0; i < 400; ++i) column += std::to_string((i * 7919) % 1000 / 100.0) + "\n";
  testing::write_bytes(f / "one.csv", column);
  const std::string words = "train flow --data csv:" + (f / "one.csv") + " --steps 5 --batch 32 --threads 1 --out ";
  expect_error(run(f, words + (f / "a")), 1, "a coupling needs at least 2; set variant=spline-ar");
  const Outcome done = run(f, words + (f / "b") + " --set variant=spline-ar");
  EXPECT_EQ(done.code, 0) << done.err;
}

TEST(Program, FamiliesSayWhatTheyCanDo) {
  TemporaryFolder f;
  const Outcome families = run(f, "families --json"), text = run(f, "families");
  ASSERT_EQ(families.code, 0);
  EXPECT_TRUE(contains(text.out, "variant") && contains(text.out, "inverse") && contains(text.out, "condition"));
  std::istringstream lines(families.out);
  for (std::string line; std::getline(lines, line);) {
    const Json family = Json::parse(line);
    ASSERT_GE(family.at("variants").size(), 1u) << family.at("family");
    for (const Json& v : family.at("variants")) {
      if (family.at("family") == "flow") { EXPECT_TRUE(v.at("invertible")) << v; }
      if (v.at("variant") == "mean-flow") { EXPECT_EQ(v.at("density"), "none"); }
      if (v.at("variant") == "cnf") { EXPECT_EQ(v.at("density"), "ode"); }
    }
  }
}

TEST(Program, EveryCommandWorksOnEveryFamily) {
  TemporaryFolder f;
  const Outcome families = run(f, "families --json");
  ASSERT_EQ(families.code, 0);
  std::istringstream lines(families.out);
  int count = 0;
  for (std::string line; std::getline(lines, line); ++count) {
    const std::string name = Json::parse(line).at("family");
    SCOPED_TRACE(name);
    const std::string dir = f / name;
    const Outcome trained = run(f, small(name) + " --out " + dir);
    ASSERT_EQ(trained.code, 0) << trained.err;
    expect_next_steps_work(f, trained.out);
    for (const char* file : {"config.json", "snapshot.safetensors", "metrics.jsonl", "samples/step-0000040.png"})
      EXPECT_TRUE(fs::exists(dir + "/" + file)) << file;
    EXPECT_EQ(run(f, "sample " + dir + " -n 17 --out " + (f / "x.npy")).code, 0);
    EXPECT_EQ(read_npy(f / "x.npy").shape(), (Shape{17, 2}));
    EXPECT_EQ(run(f, "sample " + dir + " --out " + (f / "x.png")).code, 0);
    EXPECT_TRUE(read_file(f / "x.png").starts_with("\x89PNG"));
    const Outcome pulled = run(f, "pull " + dir + " --x " + (f / "x.npy") + " --out " + (f / "z.npy"));
    ASSERT_EQ(pulled.code, 0);
    const bool encodes = name == "vae" || name == "autoencoder";
    EXPECT_EQ(contains(pulled.out, " by the encoder: " + name + " with these settings has no exact inverse"), encodes);
    EXPECT_EQ(contains(pulled.out, " by optimisation: gan with these settings"), name == "gan");
    ASSERT_EQ(run(f, "push " + dir + " --z " + (f / "z.npy") + " --out " + (f / "y.npy")).code, 0);
    const Tensor x = read_npy(f / "x.npy"), y = read_npy(f / "y.npy");
    const Traits traits = load_model(dir).transform().traits();
    for (int64_t i = 0; traits.reconstructs && i < 17; ++i)
      for (int64_t j = 0; j < 2; ++j) EXPECT_NEAR(x.at({i, j}), y.at({i, j}), 1e-2);
    const Outcome score = run(f, "score " + dir + " --limit 300 --json --out " + (f / "nll.npy"));
    if (traits.density == DensityKind::none) {
      expect_error(score, 1, "has no density; compare samples instead (evaluate)");
    } else {
      ASSERT_EQ(score.code, 0) << score.err;
      EXPECT_TRUE(Json::parse(score.out).at("nll").is_number());
      EXPECT_EQ(read_npy(f / "nll.npy").shape(), Shape{300});
    }
    const Outcome evaluation = run(f, "evaluate " + dir + " --samples 300 --json");
    EXPECT_EQ(evaluation.code, 0) << evaluation.err;
    EXPECT_TRUE(contains(evaluation.out, "sliced W2"));
    EXPECT_EQ(run(f, "interpolate " + dir + " --rows 3 --steps 5 --out " + (f / "way.npy")).code, 0);
    EXPECT_EQ(read_npy(f / "way.npy").shape(), (Shape{3, 5, 2}));
    // Errors that need a model.
    write_npy(f / "wide.npy", zeros({4, 9}));
    expect_error(run(f, "push " + dir + " --z " + (f / "wide.npy") + " --out " + (f / "no.npy")), 1,
                 "[4, 9]: expected [n, ");
    expect_error(run(f, "sample " + dir + " --out " + (f / "x.gif")), 2, "ends in .npy or .png");
    expect_error(run(f, "train " + name + " --resume --set hidden=17 --out " + dir), 2, "another hidden");
    EXPECT_FALSE(fs::exists(f / "no.npy"));
  }
  EXPECT_GE(count, 3);
}

TEST(Program, DamagedRunsAreErrors) {
  TemporaryFolder f;
  const std::string dir = f / "run";
  ASSERT_EQ(run(f, small("flow") + " --out " + dir).code, 0);
  const std::string snapshot = read_file(dir + "/snapshot.safetensors"), config = read_file(dir + "/config.json");
  testing::write_bytes(dir + "/snapshot.safetensors", snapshot.substr(0, snapshot.size() / 2));
  expect_error(run(f, "score " + dir), 1, "snapshot.safetensors");
  testing::write_bytes(dir + "/snapshot.safetensors", snapshot);
  Snapshot wrong = load_snapshot(dir + "/snapshot.safetensors");
  for (auto& [name, tensor] : wrong.tensors.tensors)
    if (name.starts_with("ema.") && tensor.dtype() == float32) tensor = full(tensor.shape(), NAN);
  save_snapshot(dir + "/snapshot.safetensors", wrong);
  expect_error(run(f, "sample " + dir + " -n 3 --out " + (f / "x.npy")), 1, "has numbers that are not finite");
  testing::write_bytes(dir + "/snapshot.safetensors", snapshot);
  testing::write_bytes(dir + "/config.json", config.substr(0, config.size() / 2));
  expect_error(run(f, "score " + dir), 1, "not JSON");
  Json other = Json::parse(config);
  other["settings"]["layers"] = "5";
  testing::write_bytes(dir + "/config.json", other.dump());
  expect_error(run(f, "score " + dir), 1, "does not fit config.json");
  other = Json::parse(config);
  other["family"] = "flow-matching";
  testing::write_bytes(dir + "/config.json", other.dump());
  EXPECT_NE(run(f, "score " + dir).code, 0);
}

TEST(Program, DivergenceIsNamedAndTheSnapshotStays) {
  TemporaryFolder f;
  const std::string dir = f / "run";
  const Outcome outcome =
      run(f, "train flow-matching --data moons --set variant=independent --steps 3000 --lr 1e30 --out " + dir);
  expect_error(outcome, 1, "train: step ");
  EXPECT_TRUE(contains(outcome.err, "a smaller --lr may help"));
}

TEST(Program, AFullDiskLeavesNothingHalf) {
  TemporaryFolder f;
  const std::string dir = f / "run";
  ASSERT_EQ(run(f, small("flow") + " --out " + dir).code, 0);
  const Outcome outcome = run(f, "sample " + dir + " -n 100000 --out " + (f / "big.npy"), "trap '' XFSZ; ulimit -f 8;");
  EXPECT_EQ(outcome.code, 1) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "big.npy"));
  EXPECT_FALSE(fs::exists(f / "big.npy"));
  const Outcome memory = run(f, "train flow --data moons --set hidden=1000000 --out " + (f / "huge"));
  expect_error(memory, 1, "out of memory");
}

/// Starts the program and returns its process.
pid_t start(const TemporaryFolder& f, const std::string& words) {
  const pid_t child = fork();
  if (child == 0) {
    const std::string line = "exec '" PF_PROGRAM "' " + words + " >/dev/null 2>>'" + (f / "log") + "' </dev/null";
    execl("/bin/sh", "sh", "-c", line.c_str(), nullptr);
    _exit(127);
  }
  return child;
}

std::vector<std::pair<std::string, std::vector<float>>> weights(const std::string& dir) {
  std::vector<std::pair<std::string, std::vector<float>>> out;
  const Snapshot snapshot = load_snapshot(dir + "/snapshot.safetensors");
  EXPECT_EQ(snapshot.meta.at("step"), 1500);
  for (const char* part : {"model", "ema"})
    for (const auto& [name, tensor] : snapshot.get(part).tensors)
      out.emplace_back(name, cast(tensor, float32).to_vector<float>());
  return out;
}

class Killed : public ::testing::TestWithParam<const char*> {};
INSTANTIATE_TEST_SUITE_P(Families, Killed, ::testing::Values("vae", "flow", "flow-matching"), [](const auto& family) {
  std::string n = family.param;
  std::erase(n, '-');
  return n;
});

TEST_P(Killed, ResumingGivesTheBitsOfAnUninterruptedRun) {
  TemporaryFolder f;
  const std::string base =
      std::string("train ") + GetParam() + " --data moons --steps 1500 --batch 64 --set hidden=24 ";
  ASSERT_EQ(run(f, base + "--threads 1 --out " + (f / "whole")).code, 0) << read_file(f / "stderr");
  ASSERT_EQ(run(f, base + "--threads 2 --out " + (f / "two")).code, 0);
  const auto whole = weights(f / "whole");
  EXPECT_EQ(whole, weights(f / "two")) << "one and two threads";

  const std::string dir = f / "killed";
  Rng rng(uint64_t(std::chrono::steady_clock::now().time_since_epoch().count()));
  int kills = 0;
  bool begun = false;
  for (int attempt = 0; attempt < 12; ++attempt) {
    begun = fs::exists(dir + "/snapshot.safetensors");
    if (!begun) fs::remove_all(dir);  // killed before the first snapshot: there is nothing to resume
    const pid_t child = start(f, base + "--threads 2 --out " + dir + (begun ? " --resume" : ""));
    std::this_thread::sleep_for(std::chrono::milliseconds(40 + int(rng.uniform() * 120 * (attempt + 1))));
    kill(child, SIGKILL);
    int status = 0;
    waitpid(child, &status, 0);
    if (WIFEXITED(status)) break;
    ++kills;
  }
  begun = fs::exists(dir + "/snapshot.safetensors");
  if (!begun) fs::remove_all(dir);
  const Outcome last = run(f, base + "--threads 1 --out " + dir + (begun ? " --resume" : ""));
  ASSERT_EQ(last.code, 0) << last.err << read_file(f / "log");
  EXPECT_GT(kills, 0);
  EXPECT_EQ(whole, weights(dir)) << "after " << kills << " kills";
}

TEST(Program, CtrlCSavesAndSaysHowToGoOn) {
  TemporaryFolder f;
  const std::string dir = f / "run";
  const pid_t child = start(f, "train flow --data moons --steps 1000000 --set hidden=16 --threads 1 --out " + dir);
  for (int i = 0; i < 100 && !fs::exists(dir + "/metrics.jsonl"); ++i)
    std::this_thread::sleep_for(std::chrono::milliseconds(50));
  std::this_thread::sleep_for(std::chrono::milliseconds(300));
  kill(child, SIGINT);
  int status = 0;
  waitpid(child, &status, 0);
  ASSERT_TRUE(WIFEXITED(status));
  const std::string log = read_file(f / "log");
  EXPECT_TRUE(contains(log, "continue with: pushforward train flow"));
  EXPECT_GT(load_snapshot(dir + "/snapshot.safetensors").meta.at("step").get<int64_t>(), 0);
}

TEST(Program, StartsQuickly) {
  const int quiet = ::open("/dev/null", O_WRONLY);
  double best = 1e9;  // of many: what else a machine does is not the program's
  for (int i = 0; i < 200 && best > 0.015; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    const pid_t child = vfork();  // without a shell, and without a copy of this program's memory
    if (child == 0) {
      ::dup2(quiet, 1);
      ::execl(PF_PROGRAM, PF_PROGRAM, "--version", static_cast<char*>(nullptr));
      ::_exit(127);
    }
    int status = 0;
    ASSERT_EQ(waitpid(child, &status, 0), child);
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count());
    ASSERT_TRUE(WIFEXITED(status) && WEXITSTATUS(status) == 0);
  }
  ::close(quiet);
  EXPECT_LT(best, 0.02);
}

TEST(Program, OpsAndDoctor) {
  TemporaryFolder f;
  const Outcome ops = run(f, "ops --json");
  EXPECT_EQ(ops.code, 0);
  EXPECT_GT(std::count(ops.out.begin(), ops.out.end(), '\n'), 100);
  EXPECT_EQ(run(f, "gradcheck softplus").code, 0);
  const Outcome doctor = run(f, "doctor");
  EXPECT_EQ(doctor.code, 0) << doctor.out;
}

TEST(Program, AtlasOnOnePage) {
  TemporaryFolder f;
  const std::string dir = f / "atlas";
  const Outcome outcome = run(f, "atlas --effort 0.005 --seed 2 --out " + dir);
  ASSERT_EQ(outcome.code, 0) << outcome.err;
  const std::string page = read_file(dir + "/atlas.html");
  for (const char* word : {"--effort", "0.005", "--seed", "2", "--out"})  // what makes this page again
    EXPECT_TRUE(contains(page, join("<span>", word, "</span>"))) << word;
  EXPECT_LT(page.size(), 3000000u);
  for (const char* title : {"variational autoencoder", "normalizing flow", "flow matching"})
    EXPECT_TRUE(contains(page, title));
  for (const char* sign : {"http://", "https://"}) {
    // The only addresses allowed are names of XML namespaces, which nothing fetches.
    for (size_t at = page.find(sign); at != std::string::npos; at = page.find(sign, at + 1))
      EXPECT_EQ(page.compare(at, 18, "http://www.w3.org/"), 0) << page.substr(at, 60);
  }
  EXPECT_TRUE(fs::exists(dir + "/overview.png"));
  testing::write_bytes(f / "other", "x");
  expect_error(run(f, "atlas --out " + (f / "other")), 2, "a file of this name exists");
}

}  // namespace
}  // namespace pf

#endif
