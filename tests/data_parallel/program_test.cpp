// `mpirun -n 2 pushforward train …` as its user meets it.

#include <gtest/gtest.h>
#include <sys/wait.h>

#include <cmath>

#include "models/train.h"
#include "nn/checkpoint.h"
#include "tensor/files.h"
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

class MpirunProgram : public ::testing::Test {
 protected:
  Outcome shell(const std::string& line) const {
    const std::string out = folder / "stdout", err = folder / "stderr";
    const int status = std::system((line + " >'" + out + "' 2>'" + err + "' </dev/null").c_str());
    return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), read_file(out), read_file(err)};
  }
  /// `before` is an environment.
  Outcome run(int processes, const std::string& words, const std::string& before = "") const {
    const std::string mpirun = processes > 1 ? join(PF_MPIRUN " -n ", processes) : "";
    return shell(before + " " + mpirun + " '" PF_PROGRAM "' " + words);
  }
  /// The words for one process of two, told apart by $OMPI_COMM_WORLD_RANK or $PMI_RANK in `script`.
  Outcome run_each(const std::string& script) const {
    return shell(PF_MPIRUN " -n 2 sh -c 'RANK=${OMPI_COMM_WORLD_RANK:-$PMI_RANK}; " + script + "'");
  }
  std::string train(const std::string& name) const {
    return "train flow --data moons --set variant=realnvp --set hidden=16 --set layers=2 --threads 1 --out " +
           (folder / name);
  }
  /// The largest difference of the trained parameters, relative to 1 or their size.
  double difference(const std::string& a, const std::string& b) const {
    const auto load = [&](const std::string& name) {
      return load_snapshot(folder / (name + "/snapshot.safetensors")).get("model");
    };
    const NamedTensors first = load(a), second = load(b);
    double worst = first.tensors.size() == second.tensors.size() ? 0 : INFINITY;
    for (const auto& [name, tensor] : first.tensors) {
      const auto x = cast(tensor, float64).to_vector<double>(), y = cast(second.at(name), float64).to_vector<double>();
      for (size_t i = 0; i < x.size(); ++i)
        worst = std::max(worst, std::abs(x[i] - y[i]) / std::max(1.0, std::abs(x[i])));
    }
    return worst;
  }
  TemporaryFolder folder;
};

TEST_F(MpirunProgram, TwoProcessesTrainAsOneWithTwiceTheBatch) {
  const Outcome two = run(2, train("two") + " --batch 32 --steps 20");
  ASSERT_EQ(two.code, 0) << two.err;
  EXPECT_TRUE(contains(two.err, "2 processes of 32 rows a step, joined by MPI"));
  EXPECT_EQ(two.out.find("trained in"), two.out.rfind("trained in")) << "said once: " << two.out;
  ASSERT_EQ(run(1, train("one") + " --batch 64 --steps 20").code, 0);
  EXPECT_LE(difference("two", "one"), 1e-5);
  ASSERT_EQ(run(1, train("small") + " --batch 32 --steps 20").code, 0);
  EXPECT_GT(difference("two", "small"), 1e-3) << "the test can tell";
}

TEST_F(MpirunProgram, ARunGoesOnWithAnyNumberOfProcesses) {
  ASSERT_EQ(run(2, train("run") + " --batch 32 --steps 6").code, 0);
  EXPECT_EQ(run(3, train("run") + " --resume --steps 9").code, 0);
  EXPECT_EQ(run(1, train("run") + " --resume --steps 12").code, 0);
  EXPECT_EQ(load_snapshot(folder / "run/snapshot.safetensors").meta.at("step").get<int>(), 12);
  EXPECT_EQ(run(1, "sample " + (folder / "run") + " -n 5 --out " + (folder / "x.npy")).code, 0);
}

TEST_F(MpirunProgram, WithoutMpiItRefuses) {
  const Outcome outcome = run(2, train("run"), "PF_MPI_LIBRARY=/none.so");
  EXPECT_EQ(outcome.code, 2);
  EXPECT_TRUE(contains(outcome.err, "mpirun started 2 processes, but this build knows no MPI"));
  EXPECT_TRUE(contains(outcome.err, "PF_MPI=ON ./run build"));
  EXPECT_FALSE(fs::exists(folder / "run"));
}

TEST_F(MpirunProgram, ErrorsEndAllProcesses) {
  const auto refused = [&](const Outcome& outcome, int code, const std::string& part) {
    EXPECT_EQ(outcome.code, code) << outcome.err;
    EXPECT_TRUE(contains(outcome.err, part));
    const size_t first = outcome.err.find("pushforward: ");
    EXPECT_EQ(outcome.err.find("pushforward: ", first + 1), std::string::npos) << "one sentence: " << outcome.err;
  };
  refused(run(2, "sample " + (folder / "run")), 2, "sample: mpirun started 2 processes, but only train shares");
  refused(run(2, train("run") + " --batch 60000"), 2, "--batch 60000 on 2 processes: moons has only 100000 rows");
  const std::string words = std::string(PF_PROGRAM " ") + train("run") + " --steps 1000000 --batch 32";
  refused(run_each("if [ $RANK = 1 ]; then exec " + words + " --set hidden=-1; else exec " + words + "; fi"), 2,
          "process 1: ");
}

TEST_F(MpirunProgram, WhatStopsOneProcessStopsAllAfterTheStep) {
  const std::string words = std::string(PF_PROGRAM " ") + train("run") + " --steps 1000000 --batch 32";
  const Outcome outcome = run_each("if [ $RANK = 0 ]; then exec " + words + "; fi; " + words + " & while [ ! -s " +
                                   (folder / "run/metrics.jsonl") + " ]; do sleep 0.1; done; kill -TERM $!; wait $!");
  EXPECT_EQ(outcome.code, 0) << outcome.err;
  EXPECT_TRUE(contains(outcome.err, "stopped at step"));
  EXPECT_TRUE(fs::exists(folder / "run/snapshot.safetensors"));
}

#ifdef PF_CUDA_EMULATED_LIBRARY
// By NCCL, and where there is none by the memory of the host.
TEST_F(MpirunProgram, DevicesTrainAsTheCpu) {
  const std::string steps = " --batch 16 --steps 8";
  ASSERT_EQ(run(2, train("here") + steps).code, 0);
  const std::string library = PF_CUDA_EMULATED_LIBRARY;
  const Outcome nccl = run(2, train("nccl") + steps + " --device cuda:0", "PF_CUDA_LIBRARY=" + library);
  ASSERT_EQ(nccl.code, 0) << nccl.err;
  EXPECT_TRUE(contains(nccl.err, "joined by NCCL"));
  EXPECT_LE(difference("nccl", "here"), 1e-4);
  const std::string moved = folder / fs::path(library).filename().string();  // away from the library for NCCL
  for (const char* file : {PF_CUDA_EMULATED_LIBRARY, PF_MODELS_CUDA_EMULATED_LIBRARY})
    fs::create_symlink(file, folder / fs::path(file).filename().string());
  const Outcome host = run(2, train("host") + steps + " --device cuda:0", "PF_CUDA_LIBRARY=" + moved);
  ASSERT_EQ(host.code, 0) << host.err;
  EXPECT_TRUE(contains(host.err, "joined by MPI through the memory of the host"));
  EXPECT_LE(difference("host", "here"), 1e-4);
}
#endif

}  // namespace
}  // namespace pf

#endif
