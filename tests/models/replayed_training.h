#pragma once
// A short training with and without replayed steps: losses, parameters, and what it says of how its steps ran.

#include "models/train.h"
#include "tests/models/instances.h"

namespace pf::testing {

struct Trained {
  std::vector<double> losses, parameters;
  std::string replay;
};

inline Trained trained(const Variant& variant, bool replay, Device device = Device::cpu()) {
  Dataset data = dataset_for(variant, 400);
  const UseDevice on(device);
  for (Tensor* x :
       {&data.train, &data.test, &data.train_labels, &data.test_labels, &data.train_context, &data.test_context})
    if (x->defined()) *x = to_device(*x, device);
  Model model(config_for(variant, data, 3), data.train);
  const TrainOptions options{.steps = 8, .batch = 32, .rate = 1e-3, .warmup = 10, .report_every = 1, .replay = replay};
  const TrainResult result = Trainer(model, data, options).run();
  Trained out{.losses = {}, .parameters = {}, .replay = result.replay};
  for (auto [step, loss] : result.loss) out.losses.push_back(loss);
  for (const Field& field : fields_of(model.transform())) {
    const auto numbers = cast(field.value(), float64).to_vector<double>();
    out.parameters.insert(out.parameters.end(), numbers.begin(), numbers.end());
  }
  return out;
}

}  // namespace pf::testing
