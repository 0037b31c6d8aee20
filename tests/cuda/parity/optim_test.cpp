// Optimisers, averages and clipping on the device move parameters as on the CPU, and what is wrong is said in its words.

#include <gtest/gtest.h>

#include <cmath>
#include <memory>

#include "nn/optim/adam.h"
#include "nn/optim/clip.h"
#include "nn/optim/ema.h"
#include "nn/optim/sgd.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/join.h"
#include "tensor/random.h"
#include "tests/cuda/parity/emulator.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains;
using testing::error_of;
const Device device = Device::cuda();

/// More parameters than one launch takes, of all lengths, some not at a 16-byte boundary.
struct OneParameter {
  Variable weight;
  static void fields(auto& self, auto&& visit) { visit("weight", self.weight); }
};
struct Many {
  std::vector<OneParameter> list;
  static void fields(auto& self, auto&& visit) { visit("list", self.list); }
};
Shape shape_number(int64_t i) {
  const int64_t sizes[] = {1, 31, 32, 33, 255, 257, 1025, 2048, 2049, 0};
  const int64_t n = sizes[i % 10];
  return i % 3 == 0 ? Shape{n} : Shape{1, n};
}
std::vector<Tensor> numbers(uint64_t seed, double scale) {
  Rng rng(seed);
  std::vector<Tensor> out;
  for (int64_t i = 0; i < 103; ++i) out.push_back(rng.normal(shape_number(i), i % 7 == 6 ? float64 : float32) * scale);
  return out;
}
/// On the device, every fifth one as a view that begins in the middle.
Tensor there(const Tensor& x, size_t i) {
  if (i % 5 != 4 || x.rank() != 1) return to_device(x, device);
  return slice(to_device(concat({zeros({1}, x.dtype()), x}, 0), device), 0, 1);
}

void expect_close(const std::vector<Tensor>& expected, const std::vector<Tensor>& found, const std::string& what,
                  double of_doubles = 1e-14) {
  ASSERT_EQ(expected.size(), found.size());
  for (size_t k = 0; k < expected.size(); ++k) {
    ASSERT_EQ(found[k].device(), device) << what << " " << k;
    const auto a = cast(expected[k], float64).to_vector<double>(), b = cast(found[k], float64).to_vector<double>();
    const double tolerance = expected[k].dtype() == float32 ? 3e-6 : of_doubles;
    for (size_t i = 0; i < a.size(); ++i)
      ASSERT_NEAR(a[i], b[i], tolerance * std::max(1.0, std::abs(a[i]))) << what << ", tensor " << k << "[" << i << "]";
  }
}

using MakeOptimizer = std::function<std::unique_ptr<Optimizer>()>;
const std::pair<const char*, MakeOptimizer> optimizers[] = {
    {"sgd", [] { return std::make_unique<Sgd>(SgdOptions{.weight_decay = 0.1}); }},
    {"momentum", [] { return std::make_unique<Sgd>(SgdOptions{.momentum = 0.9, .weight_decay = 0.1}); }},
    {"nesterov", [] { return std::make_unique<Sgd>(SgdOptions{.momentum = 0.9, .nesterov = true}); }},
    {"adam", [] { return std::make_unique<Adam>(); }},
    {"adam with decay", [] { return std::make_unique<Adam>(AdamOptions{.weight_decay = 0.1, .decoupled = false}); }},
    {"adamw, matrices only",
     [] { return std::make_unique<Adam>(AdamOptions{.weight_decay = 0.1, .decay_vectors = false}); }},
};

TEST(OptimParity, steps_of_every_optimizer) {
  for (const auto& [name, make] : optimizers) {
    Many here, on_device;
    const std::vector<Tensor> start = numbers(1, 1);
    for (size_t i = 0; i < start.size(); ++i) {
      here.list.push_back({start[i]});
      on_device.list.push_back({there(start[i], i)});
    }
    const auto fields = parameters_of(here), fields_there = parameters_of(on_device);
    const auto optimizer = make(), optimizer_there = make();
    Ema average(fields, 0.99), average_there(fields_there, 0.99);
    for (int step = 0; step < 4; ++step) {
      Gradients gradients{numbers(uint64_t(10 + step), 0.01)}, gradients_there;
      for (size_t i = 0; i < start.size(); ++i) gradients_there.list.push_back(there(gradients.list[i], i));
      gradients = clip_by_norm(std::move(gradients), 1000);
      gradients_there = clip_by_norm(std::move(gradients_there), 1000);
      expect_close(gradients.list, gradients_there.list, join(name, ", clipped gradients of step ", step));
      optimizer->update(fields, gradients, 1e-2);
      optimizer_there->update(fields_there, gradients_there, 1e-2);
      average.update(fields);
      average_there.update(fields_there);
    }
    std::vector<Tensor> expected, found;
    for (size_t i = 0; i < start.size(); ++i) {
      expected.push_back(here.list[i].weight.value());
      found.push_back(on_device.list[i].weight.value());
    }
    expect_close(expected, found, join(name, ", parameters"));
    average.store(fields);
    average_there.store(fields_there);
    for (size_t i = 0; i < start.size(); ++i) {
      expected[i] = here.list[i].weight.value();
      found[i] = on_device.list[i].weight.value();
    }
    expect_close(expected, found, join(name, ", averages"));
  }
}

// The list of them all is in the kernel's parameters.
TEST(OptimParity, FiveHundredTensorsAreOneLaunch) {
  Rng rng(9);
  std::vector<Tensor> start, slopes;
  for (int64_t i = 0; i < 500; ++i) {
    start.push_back(rng.normal({1 + i % 40}));
    slopes.push_back(rng.normal({1 + i % 40}) * 0.01);
  }
  Many here, on_device;
  for (const Tensor& x : start) {
    here.list.push_back({x});
    on_device.list.push_back({to_device(x, device)});
  }
  const auto fields = parameters_of(here), fields_there = parameters_of(on_device);
  Adam optimizer, optimizer_there;
  for (int step = 0; step < 3; ++step) {
    Gradients gradients{slopes}, gradients_there;
    for (const Tensor& x : slopes) gradients_there.list.push_back(to_device(x, device));
    optimizer.update(fields, gradients, 1e-2);
    if (testing::emulator()) testing::emulator()->reset_counters();
    optimizer_there.update(fields_there, gradients_there, 1e-2);
    // The first step also makes the optimiser's memory.
    if (testing::emulator() && step > 0) { EXPECT_EQ(testing::emulator()->counters().launches, 1u) << step; }
    if (testing::emulator()) testing::emulator()->reset_counters();
    Tensor norm;
    clip_on_device(std::move(gradients_there), 1, norm);
    if (testing::emulator()) {
      EXPECT_EQ(testing::emulator()->counters().launches, 3u) << "squares, their sum, the factor";
    }
  }
  std::vector<Tensor> expected, found;
  for (size_t i = 0; i < start.size(); ++i) {
    expected.push_back(here.list[i].weight.value());
    found.push_back(on_device.list[i].weight.value());
  }
  expect_close(expected, found, "parameters");
}

TEST(OptimParity, norm_and_its_complaint) {
  Gradients here{numbers(3, 1)}, on_device;
  for (size_t i = 0; i < here.list.size(); ++i) on_device.list.push_back(there(here.list[i], i));
  EXPECT_NEAR(global_norm(here), global_norm(on_device), 1e-5 * global_norm(here));
  EXPECT_EQ(global_norm_of(on_device).device(), device);
  double norm = 0;
  on_device = clip_by_norm(std::move(on_device), 2, &norm);
  // The factor carries the rounding of the float32 tensors' squares, also for the float64 ones.
  const Gradients clipped_here = clip_by_norm(here, 2);
  expect_close(clipped_here.list, on_device.list, "clipped", 1e-7);
  EXPECT_NEAR(norm, global_norm(here), 1e-5 * norm);
  EXPECT_NEAR(global_norm(on_device), 2, 1e-5);
  expect_close(here.scale(0.25 * 2 / norm).list, on_device.scale(0.25).list, "scaled", 1e-7);
  for (const double bad : {double(NAN), double(INFINITY)}) {
    const Gradients clipped = clip_by_norm({{full({3}, bad, float32, device), full({5}, 1, float32, device)}}, 1);
    EXPECT_TRUE(contains(error_of([&] { clipped.list[0].to_vector<float>(); }),
                         join("clip_by_norm: the norm of the gradients is ", bad, ": expected a finite number")));
    EXPECT_EQ(clipped.list[1].to_vector<float>(), std::vector<float>(5, 0));
  }
}

}  // namespace
}  // namespace pf
