#pragma once
// Updates of many tensors on a GPU by one launch.

#include "tensor/cuda_backend.h"
#include "tensor/tensor.h"

namespace pf {

/// Tensors of one device, gathered by element type. They must live until the launch; later work is queued behind it.
class UpdateTargets {
 public:
  /// The first tensor is changed; of the others the second is only read. `rule`: which of the rules is meant for it.
  void add(DType dtype, int64_t n, std::initializer_list<void*> arrays, Device device, int rule = 0);
  bool empty() const { return lists_[0].empty() && lists_[1].empty(); }

  /// One launch for up to cuda::update_targets tensors of a type. `rules`: of the kind's type in nn/optim/rules.h.
  void update(cuda::Update kind, const void* rules, int rule_count = 1) const;
  /// √(Σ x²) over all elements, as a 0-d float64 tensor there.
  Tensor norm() const;
  /// Scales everything by min(1, most / norm) without waiting for that number; returns the norm. If it is not finite
  /// everything becomes zero, and the next reading of anything throws.
  Tensor clip(double most) const;

 private:
  std::vector<cuda::UpdateTarget> lists_[2];  // float32, float64
  Device device_;
};

}  // namespace pf
