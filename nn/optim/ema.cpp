#include "nn/optim/ema.h"

#include <algorithm>

#include "nn/optim/device_update.h"
#include "nn/optim/rules.h"
#include "nn/optim/vector_loop.h"

namespace pf {

Ema::Ema(std::span<const Field> fields, double decay, bool warm_up) : decay_(decay), warm_up_(warm_up) {
  check(decay >= 0 && decay < 1, "ema: decay ", decay, ": expected 0 or more, below 1");
  for (const Field& field : fields) averages_.push_back(field.value());
}

double Ema::next_decay() const {
  const double n = double(updates_);
  return warm_up_ ? std::min(decay_, (1 + n) / (10 + n)) : decay_;
}

void Ema::check_fields(std::span<const Field> fields) const {
  check(fields.size() == averages_.size(), "ema: ", fields.size(), " fields: expected the ", averages_.size(),
        " that the average was made for");
  for (size_t i = 0; i < fields.size(); ++i) {
    const Tensor &value = fields[i].value(), &average = averages_[i];
    check(value.shape() == average.shape() && value.dtype() == average.dtype(), "ema: `", fields[i].path, "` is ",
          value.shape(), " ", value.dtype(), ": expected ", average.shape(), " ", average.dtype());
  }
}

void Ema::update(std::span<const Field> fields) {
  check_fields(fields);
  const AverageRule<double> rule{1 - next_decay()};
  ++updates_;
  UpdateTargets on_device;
  std::vector<Tensor> held;
  for (size_t i = 0; i < fields.size(); ++i) {
    Tensor& average = averages_[i];
    if (!fields[i].parameter) {
      average = fields[i].value();
      continue;
    }
    const Tensor value = contiguous(fields[i].value());
    if (value.device().is_cuda()) {
      if (average.device() != value.device()) average = to_device(average, value.device());
      average = writable(std::move(average));
      on_device.add(value.dtype(), value.numel(), {average.mutable_raw(), const_cast<void*>(value.raw())},
                    value.device());
      held.push_back(value);
      continue;
    }
    average = writable(std::move(average));
    dispatch_floating(value.dtype(), "ema", [&]<class T>() {
      T* a = average.mutable_data<T>();
      const T* p = value.data<T>();
      vector_loop<T>(value.numel(), [&](auto at) {
        auto mean = at.load(a);
        rule(mean, at.load(p));
        at.store(mean, a);
      });
    });
  }
  on_device.update(cuda::Update::average, &rule);
}

void Ema::store(std::span<const Field> fields) const {
  check_fields(fields);
  for (size_t i = 0; i < fields.size(); ++i) {
    if (fields[i].parameter) *fields[i].parameter = Variable(averages_[i]);
    else *fields[i].buffer = averages_[i];
  }
}

void Ema::swap(std::span<const Field> fields) {
  check_fields(fields);
  for (size_t i = 0; i < fields.size(); ++i) {
    Tensor value = fields[i].value();
    if (fields[i].parameter) *fields[i].parameter = Variable(averages_[i]);
    else *fields[i].buffer = averages_[i];
    averages_[i] = std::move(value);
  }
}

NamedTensors Ema::state(std::span<const Field> fields) const {
  check_fields(fields);
  NamedTensors out;
  out.add("ema.updates", from_span(std::span<const int64_t>(&updates_, 1), {}));
  for (size_t i = 0; i < fields.size(); ++i) out.add("ema." + fields[i].path, averages_[i]);
  return out;
}

void Ema::load_state(std::span<const Field> fields, const NamedTensors& state) {
  check_fields(fields);
  const Tensor& updates = state.at("ema.updates");
  check(updates.dtype() == int64 && updates.numel() == 1 && updates.item() >= 0, "ema.updates: ", updates.dtype(), " ",
        updates.shape(), ": expected one int64, 0 or more");
  std::vector<Tensor> loaded;
  for (size_t i = 0; i < fields.size(); ++i) {
    const Tensor& stored = state.at("ema." + fields[i].path);
    check(stored.shape() == averages_[i].shape() && stored.dtype() == averages_[i].dtype(), "ema.", fields[i].path,
          ": ", stored.shape(), " ", stored.dtype(), ": expected ", averages_[i].shape(), " ", averages_[i].dtype());
    loaded.push_back(to_device(stored, averages_[i].device()));
  }
  averages_ = std::move(loaded);
  updates_ = int64_t(updates.item());
}

}  // namespace pf
