#pragma once
// The part of a training step that computes: loss, gradients, and on a GPU their clipping. It does the same in every step
// as long as shapes stay, so it is recorded and replayed (tensor/capture.h).

#include "models/objective.h"
#include "nn/gradients.h"
#include "tensor/capture.h"

namespace pf {

class GradientStep {
 public:
  using Loss = std::function<Variable(const Tensor& batch, Rng& rng, const Tensor& context)>;
  /// `fields`: all that the loss reads and others change between steps, the parameters of `parameters` among them; `more`
  /// gives further tensors of this kind. With `replay` = false every step runs as it is. All must outlive this.
  GradientStep(std::span<const Field> parameters, std::vector<Field> fields, std::function<std::vector<Tensor>()> more,
               Loss loss, Rng& rng, double limit, bool replay);

  struct Result {
    Tensor loss;
    Gradients gradients;
    Tensor norm;  // on a GPU: the gradients' norm before they were clipped there
  };
  /// Of a replay the tensors are overwritten by the next one.
  Result operator()(const Tensor& batch, const Tensor& context);

  /// How steps run, in a sentence; empty until that is known.
  std::string describe() const;

 private:
  std::vector<Tensor> run(std::span<const Tensor> in);

  std::span<const Field> parameters_;
  std::vector<Field> fields_;
  std::function<std::vector<Tensor>()> more_;
  Loss loss_;
  Rng& rng_;
  double limit_;
  bool replay_, replayed_ = false;
  Capture capture_;
};

}  // namespace pf
