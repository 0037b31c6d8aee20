#include "nn/optim/device_update.h"

#include <algorithm>

#include "tensor/device_pass.h"

namespace pf {

void UpdateTargets::add(DType dtype, int64_t n, std::initializer_list<void*> arrays, Device device, int rule) {
  check(dtype == float32 || dtype == float64, "update: ", dtype, " parameter: expected float32 or float64");
  check(empty() || device == device_, "update: parameters on ", device_, " and ", device,
        ": expected all on one device; copy them with to_device");
  device_ = device;
  if (n == 0) return;
  cuda::UpdateTarget target{.n = n, .rule = rule};
  std::copy(arrays.begin(), arrays.end(), target.arrays.begin());
  lists_[dtype == float64].push_back(target);
}

void UpdateTargets::update(cuda::Update kind, const void* rules, int rule_count) const {
  for (const DType dtype : {float32, float64})
    if (const auto& list = lists_[dtype == float64]; !list.empty())
      backend_of(device_).update(kind, dtype, rules, rule_count, list);
}

Tensor UpdateTargets::norm() const {
  Tensor out = Tensor::empty({2}, float64, device_);
  backend_of(device_).global_norm(lists_[0], lists_[1], 0, static_cast<double*>(out.mutable_raw()));
  return out.view(out.layout().select(0, 0));
}

Tensor UpdateTargets::clip(double most) const {
  Tensor out = Tensor::empty({2}, float64, device_);
  auto* norm = static_cast<double*>(out.mutable_raw());
  backend_of(device_).global_norm(lists_[0], lists_[1], most, norm);
  const double* factor = norm + 1;
  update(cuda::Update::clip, &factor);
  return out.view(out.layout().select(0, 0));
}

}  // namespace pf
