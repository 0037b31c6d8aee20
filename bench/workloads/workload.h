#pragma once
// The reference workloads: jobs whose shapes, batch, optimiser and work per step are fixed, so that their times can be
// compared between versions and with other frameworks. All are in float32 and update with Adam. bench/README.md says what
// each is.

#include <memory>
#include <optional>
#include <span>
#include <vector>

#include "bench/workloads/gemm_floor.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "tensor/capture.h"
#include "tensor/random.h"

namespace pf::bench {

class Workload {
 public:
  virtual ~Workload() = default;
  /// One training step: loss, gradients, update; or one run of a sampler.
  void step() { update(capture_ ? (*capture_)({}) : compute()); }
  /// From now on the computing part of a step is replayed from a recording (tensor/capture.h).
  void replay() {
    capture_.emplace([this](std::span<const Tensor>) { return compute(); }, std::vector{&rng_},
                     [this] { return parameters(); });
  }
  const Capture* capture() const { return capture_ ? &*capture_ : nullptr; }

  GemmFloor floor;

 protected:
  virtual std::vector<Tensor> compute() = 0;
  virtual void update(std::vector<Tensor> /*computed*/) {}
  virtual std::vector<Tensor> parameters() const = 0;
  Rng rng_{1};

 private:
  std::optional<Capture> capture_;
};

struct WorkloadEntry {
  const char* name;
  std::unique_ptr<Workload> (*make)();
};
std::span<const WorkloadEntry> all_workloads();

/// A step that minimises loss() over the parameters of one module.
class Training : public Workload {
 protected:
  virtual Variable loss() = 0;
  std::vector<Tensor> compute() final {
    return value_and_grad(std::span<const Field>(parameters_), [this] { return loss(); }).gradients.list;
  }
  void update(std::vector<Tensor> computed) final { optimizer_.update(parameters_, {std::move(computed)}, 1e-3); }
  std::vector<Tensor> parameters() const final {
    std::vector<Tensor> out;
    for (const Field& field : parameters_) out.push_back(field.value());
    return out;
  }
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
