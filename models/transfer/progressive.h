#pragma once
// Progressive distillation (Salimans & Ho 2022, arXiv 2202.00512, algorithm 2): the steps of a sampler are halved again and
// again, each time by a student that learns to do in one step what its teacher does in two,
//
//   student(x_t, t) = teacher(teacher(x_t, t), t′)
//
// and that starts as its teacher. Here the first teacher is any map with a way from noise to data (Transform::path): the steps
// along it are all that is asked of the map, and the points x_t are those that it visits. Every later teacher is a student.

#include "models/flow_matching/flow_matching.h"

namespace pf {

struct ProgressiveOptions {
  int64_t pairs = 8000;               // ways of the teacher, made once
  int64_t steps = 1200, batch = 256;  // of each halving
  double rate = 3e-3;
  int64_t hidden = 128, depth = 3;
};

/// A way in `steps` steps of equal length, each x ← x + v(x, t) / steps with one network v. Its noise is normal.
class SteppedMap final : public Implements<SteppedMap, Transform> {
 public:
  SteppedMap(int64_t width, int64_t steps, int64_t hidden, int64_t depth, Rng& rng);

  const Distribution& base() const override { return base_; }
  int64_t width() const override { return base_.width(); }
  Traits traits() const override { return {.same_width = true, .reconstructs = false, .steps = steps_}; }
  Variable push(const Variable& z, const Tensor& context = {}) const override;
  std::vector<Tensor> path(const Tensor& z, const Tensor& context = {}) const override;
  /// By optimisation.
  Tensor encode(const Tensor& x, const Tensor& context = {}) const override;

  /// One step from x at time t, a number or a column.
  Variable step(const Variable& x, const Tensor& time) const;
  int64_t steps() const { return steps_; }
  const VelocityField& velocity() const { return velocity_; }
  /// Half as many steps, by the same network.
  void halve();

  static void fields(auto& self, auto&& visit) { visit("velocity", self.velocity_); }

 private:
  const char* family() const override { return "stepped map"; }
  int64_t steps_;
  Normal base_;
  VelocityField velocity_;
};

/// Why the steps of a map cannot be halved, in a sentence; empty where they can.
std::string why_not_progressive(const Transform& map);

/// The map in `steps` steps, a power of two, from N(0, I): about z ↦ teacher(base.from_normal(z)). All randomness from `rng`.
SteppedMap distil_progressively(const Transform& teacher, Rng& rng, int64_t steps = 1,
                                const ProgressiveOptions& options = {});

}  // namespace pf
