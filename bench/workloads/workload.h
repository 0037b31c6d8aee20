#pragma once
// The reference workloads: jobs whose shapes, batch, optimiser and work per step are fixed, so that their times can be
// compared between versions and with other frameworks. All are in float32 and update with Adam. bench/README.md says what
// each is.

#include <memory>
#include <span>
#include <vector>

#include "bench/workloads/gemm_floor.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"

namespace pf::bench {

class Workload {
 public:
  virtual ~Workload() = default;
  /// One training step: loss, gradients, update; or one run of a sampler.
  virtual void step() = 0;

  GemmFloor floor;
};

struct WorkloadEntry {
  const char* name;
  std::unique_ptr<Workload> (*make)();
};
std::span<const WorkloadEntry> all_workloads();

/// A step that minimises loss() over the parameters of one module.
class Training : public Workload {
 public:
  void step() final {
    auto [value, gradients] = value_and_grad(std::span<const Field>(parameters_), [this] { return loss(); });
    optimizer_.update(parameters_, gradients, 1e-3);
  }

 protected:
  virtual Variable loss() = 0;
  /// Call it once the module stands where it will stay.
  void train(std::vector<Field> parameters) { parameters_ = std::move(parameters); }

 private:
  std::vector<Field> parameters_;
  Adam optimizer_;
};

std::unique_ptr<Workload> flow_matching_2d();
std::unique_ptr<Workload> realnvp_2d();
std::unique_ptr<Workload> nsf_2d();
std::unique_ptr<Workload> vae_784();
std::unique_ptr<Workload> made_784();
std::unique_ptr<Workload> wgan_gp_2d();
std::unique_ptr<Workload> transformer_ar_196();
std::unique_ptr<Workload> ode_sample_2d();

/// The same step on fewer rows, for tests.
std::unique_ptr<Workload> transformer_ar_196(int64_t rows);

}  // namespace pf::bench
