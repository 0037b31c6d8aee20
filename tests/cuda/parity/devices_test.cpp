// Tensors of different devices do not meet: every operation of several operands names both devices and the copy to write. And
// two devices beside each other.

#include <gtest/gtest.h>

#include <cstdlib>
#include <iostream>

#include "autograd/catalogue.h"
#include "autograd/functional.h"
#include "nn/mlp.h"
#include "nn/optim/adam.h"
#include "tensor/cuda_backend.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/index.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/where.h"
#include "tests/cuda/parity/partial.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::contains, testing::error_of;

// Before the library is loaded: the emulator has two devices then. A real library takes what the machine has.
[[maybe_unused]] const int two_devices = setenv("PF_EMULATOR_DEVICES", "2", 0);

const Device device = Device::cuda();

void expect_names_both(const std::string& error, const std::string& what, Device one, Device other) {
  EXPECT_TRUE(contains(error, join(" on ", one))) << what;
  EXPECT_TRUE(contains(error, join(" on ", other))) << what;
  EXPECT_TRUE(contains(error, ": expected one device; copy the ")) << what;
  EXPECT_TRUE(contains(error, " with to_device(x, Device::cuda(")) << what;
}

TEST(MixedDevices, EveryOperationRefusesThem) {
  Rng rng(1);
  int operations = 0, calls = 0;
  for (const OpEntry& entry : op_catalogue()) {
    bool several = false;
    for (const OpSample& sample : entry.samples) {
      if (sample.inputs.size() < 2) continue;
      several = true;
      const std::vector<Tensor> plain = draw(sample, rng);
      for (size_t k = 0; k < plain.size(); ++k) {
        std::vector<Variable> inputs;
        for (size_t i = 0; i < plain.size(); ++i) {
          const Tensor x = cast(plain[i], float32);
          inputs.emplace_back(i == k ? to_device(x, device) : x);
        }
        const std::string what = join(entry.name, ", ", sample.label, ", operand ", k);
        expect_names_both(error_of([&] { entry.apply(inputs); }), what, device, Device::cpu());
        ++calls;
      }
    }
    operations += several;
  }
  std::cout << operations << " operations of several operands, " << calls << " calls refused\n";
  EXPECT_GT(operations, 20);
}

TEST(MixedDevices, WhatIsNoOperandIsLookedAt) {
  const Tensor x = ones({3, 2}), there = to_device(x, device), mask = less(x, x), index = tensor({0, 1}, int64);
  EXPECT_EQ(error_of([&] { index_select(there, 0, index); }),
            "index_select: [3, 2] is on cuda:0 and [2] on cpu: expected one device; copy the second with to_device(x, "
            "Device::cuda(0))");
  EXPECT_EQ(error_of([&] { index_select(x, 0, to_device(index, device)); }),
            "index_select: [3, 2] is on cpu and [2] on cuda:0: expected one device; copy the first with to_device(x, "
            "Device::cuda(0))");
  for (const Tensor& m : {mask, to_device(mask, device)})
    expect_names_both(error_of([&] { where(m, m.device().is_cuda() ? x : there, 0.0); }), "where", device,
                      Device::cpu());
  expect_names_both(error_of([&] { logical_and(mask, to_device(mask, device)); }), "logical_and", device,
                    Device::cpu());
}

TEST(MixedDevices, AnOptimiserNamesTheParameter) {
  Rng rng(1);
  Mlp net({2, 2}, rng);
  const auto parameters = parameters_of(net);
  Gradients gradients;
  {
    const UseDevice on(device);
    for (const Field& field : parameters) gradients.list.push_back(ones(field.value().shape()));
  }
  Adam adam;
  const std::string error = error_of([&] { adam.update(parameters, gradients, 1e-3); });
  EXPECT_TRUE(contains(error, "`")) << error;
}

TEST(SeveralDevices, EachComputesForItself) {
  if (cuda::backend().device_count() < 2) GTEST_SKIP() << "one GPU here";
  const Device second = Device::cuda(1);
  Rng rng(1);
  const Tensor a = rng.normal({17, 9}), b = rng.normal({9, 5});
  const auto f = [](const Tensor& x, const Tensor& y) {
    const Tensor h = matmul(x, y);
    return to_device(softmax(h * h, -1), Device::cpu()).to_vector<float>();
  };
  const std::vector<float> first = f(to_device(a, device), to_device(b, device));
  EXPECT_EQ(f(to_device(a, second), to_device(b, second)), first);
  EXPECT_EQ(f(to_device(to_device(a, device), second), to_device(b, second)), first) << "from one to the other";
  const std::string error = error_of([&] { matmul(to_device(a, second), to_device(b, device)); });
  expect_names_both(error, "matmul", second, device);
  EXPECT_TRUE(contains(error, "copy the second with to_device(x, Device::cuda(1))"));
  EXPECT_EQ(f(to_device(a, device), to_device(b, device)), first) << "after an error";
}

TEST(SeveralDevices, OthersThereAreNone) {
  const int count = cuda::backend().device_count();
  const std::string error = error_of([&] { zeros({2}, float32, Device::cuda(count + 5)); });
  EXPECT_EQ(error, join("device cuda:", count + 5, ": this machine has ", count,
                        count == 1 ? " CUDA device, cuda:0" : join(" CUDA devices, cuda:0 to cuda:", count - 1)));
  EXPECT_EQ(sum(full({10}, 2, float32, device)).item(), 20);
}

}  // namespace
}  // namespace pf
