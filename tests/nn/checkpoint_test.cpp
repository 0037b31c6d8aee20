#include "nn/checkpoint.h"

#include <signal.h>
#include <sys/wait.h>

#include "autograd/autograd.h"
#include "nn/mlp.h"
#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/ema.h"
#include "nn/optim/schedule.h"
#include "nn/state.h"
#include "tensor/allocator.h"
#include "tensor/files.h"
#include "tensor/ops/argmax.h"
#include "tensor/parallel.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
using testing::TemporaryFolder;
using testing::write_bytes;

/// A small training with everything that a run has.
struct Training {
  Rng rng{7};
  Mlp model{{3, 8, 2}, rng, {.layer_norm = true, .dropout = 0.1}};
  std::vector<Field> parameters = parameters_of(model);
  Adam adam{{.weight_decay = 0.01}};
  Ema ema{parameters, 0.99};
  Schedule schedule{.kind = ScheduleKind::cosine, .rate = 0.01, .warmup = 3, .total = 20};
  int64_t step = 0;
  Training() = default;
  Training(const Training&) = delete;

  void run(int64_t until) {
    for (; step < until; ++step) {
      const Tensor x = rng.normal({16, 3});
      auto [loss, gradients] =
          value_and_grad(parameters, [&] { return mean(square(model(x, rng) - slice(x, 1, 0, 2))); });
      adam.update(parameters, clip_by_norm(std::move(gradients), 0.5), schedule(step));
      ema.update(parameters);
    }
  }
  Snapshot snapshot() const {
    Snapshot out;
    out.put("model", state_dict(model));
    out.put("optimizer", adam.state(parameters));
    out.put("average", ema.state(parameters));
    out.meta = {{"step", step}, {"rng", rng.state()}};
    return out;
  }
  void restore(const Snapshot& from) {
    load_state(model, from.get("model"));
    adam.load_state(parameters, from.get("optimizer"));
    ema.load_state(parameters, from.get("average"));
    step = from.meta.at("step").get<int64_t>();
    rng = Rng(from.meta.at("rng").get<Rng::State>());
  }
};

TEST(Snapshot, TrainingContinuesBitForBit) {
  TemporaryFolder folder;
  const std::string path = folder / "snapshot.safetensors";
  Training whole;
  whole.run(12);
  for (int64_t cut : {0, 1, 5}) {
    Training first;
    first.run(cut);
    save_snapshot(path, first.snapshot());
    Training second;
    second.rng.normal({10});  // whatever it was, it is replaced
    second.restore(load_snapshot(path));
    second.run(12);
    EXPECT_TRUE(module_equal(second.model, whole.model)) << cut;
    EXPECT_TRUE(module_equal(second.ema.averaged(second.model), whole.ema.averaged(whole.model))) << cut;
    EXPECT_EQ(second.rng.state(), whole.rng.state());
  }
}

TEST(Training, SameBitsForAnyNumberOfThreads) {
  Training one, two;
  one.run(8);
  set_threads(2);
  two.run(8);
  set_threads(1);
  EXPECT_TRUE(module_equal(one.model, two.model));
}

TEST(Snapshot, ASnapshotTakenIsNotChangedByFurtherTraining) {
  Training training;
  training.run(3);
  const Snapshot before = training.snapshot();
  std::vector<std::vector<float>> values;
  for (const auto& [name, value] : before.tensors.tensors)
    if (value.dtype() == float32) values.push_back(value.to_vector<float>());
  training.run(6);
  size_t i = 0;
  for (const auto& [name, value] : before.tensors.tensors)
    if (value.dtype() == float32) { EXPECT_EQ(value.to_vector<float>(), values[i++]) << name; }
}

TEST(Snapshot, EveryTruncationIsACleanError) {
  TemporaryFolder folder;
  const std::string path = folder / "snapshot.safetensors";
  Snapshot small;
  small.put("model", [] {
    NamedTensors t;
    t.add("w", arange(0, 5));
    return t;
  }());
  small.meta = {{"step", 3}};
  save_snapshot(path, small);
  const std::string whole = read_file(path);
  testing::expect_survives_damage(path, whole, [](const std::string& p) { load_snapshot(p); });
  EXPECT_EQ(load_snapshot(path).get("model").at("w").to_vector<float>(), (std::vector<float>{0, 1, 2, 3, 4}));
}

TEST(Snapshot, AKillAtAnyMomentLeavesAWholeOne) {
  TemporaryFolder folder;
  const std::string path = folder / "snapshot.safetensors";
  auto save = [&](int step) {
    NamedTensors weights;
    weights.add("w", full({1 << 16}, step));
    Snapshot snapshot;
    snapshot.put("model", weights);
    snapshot.meta = {{"step", step}};
    save_snapshot(path, snapshot);
  };
  save(0);
  Rng rng(1);
  for (int round = 0; round < 15; ++round) {
    const pid_t child = ::fork();
    if (child == 0)
      for (int step = 1;; ++step) save(step);
    ::usleep(useconds_t(rng.uniform() * 20000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    const Snapshot found = load_snapshot(path);
    const Tensor w = found.get("model").at("w");
    EXPECT_EQ(min(w).item(), found.meta.at("step").get<int>());
    EXPECT_EQ(max(w).item(), found.meta.at("step").get<int>());
  }
}

TEST(Snapshot, OtherFilesAreToldApart) {
  TemporaryFolder folder;
  const std::string path = folder / "weights.safetensors";
  NamedTensors weights;
  weights.add("w", zeros({2}));
  write_safetensors(path, weights);
  EXPECT_TRUE(contains(error_of([&] { load_snapshot(path); }),
                       path + ": a safetensors file, but not a snapshot of a training"));
  weights.metadata = {{"format", "pushforward snapshot"}, {"version", "9"}, {"meta", "{}"}};
  write_safetensors(path, weights);
  EXPECT_TRUE(
      contains(error_of([&] { load_snapshot(path); }), path + ": snapshot version '9': this program reads version 1"));
  weights.metadata["version"] = "1";
  weights.metadata["meta"] = "{";
  write_safetensors(path, weights);
  EXPECT_TRUE(contains(error_of([&] { load_snapshot(path); }), "meta is not a JSON object"));
  EXPECT_TRUE(contains(error_of([&] { load_snapshot(folder / "none"); }), "none"));
}

TEST(Snapshot, PartsHaveNames) {
  Snapshot snapshot;
  NamedTensors weights;
  weights.add("w", zeros({2}));
  snapshot.put("model", weights);
  EXPECT_EQ(error_of([&] { snapshot.get("modle"); }), "snapshot: no part 'modle' in it; did you mean 'model'?");
  EXPECT_EQ(error_of([&] { snapshot.put("model", weights); }), "snapshot: `model.w` is there already");
  EXPECT_EQ(error_of([&] { snapshot.put("a.b", weights); }), "snapshot: part 'a.b': expected a name without dots");
}

TEST(Snapshot, GeneratorStatesKeepAllTheirBits) {
  const Rng::State state{UINT64_MAX, UINT64_MAX - 1, (uint64_t(1) << 63) + 1};
  const Json json = Json::parse(Json(state).dump());
  EXPECT_EQ(json.get<Rng::State>(), state);
  EXPECT_TRUE(contains(error_of([] { Json{{"seed", -1}}.get<Rng::State>(); }), "expected whole numbers"));
}

TEST(Training, AsksNothingOfTheSystemAfterTheThirdStep) {
  Rng rng(1);
  Mlp model({3, 128, 128, 128, 2}, rng);
  const std::vector<Field> parameters = parameters_of(model);
  Adam adam;
  Ema ema(parameters);
  const Tensor x = rng.normal({256, 3}), y = rng.normal({256, 2});
  auto step = [&] {
    auto [loss, gradients] = value_and_grad(parameters, [&] { return mean(square(model(x) - y)); });
    adam.update(parameters, clip_by_norm(std::move(gradients), 1), 1e-3);
    ema.update(parameters);
  };
  for (int i = 0; i < 3; ++i) step();
  const int64_t before = allocator_statistics().system_allocations;
  for (int i = 0; i < 20; ++i) step();
  EXPECT_EQ(allocator_statistics().system_allocations, before);
}

}  // namespace
}  // namespace pf
