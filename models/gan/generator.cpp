#include "models/gan/generator.h"

#include "models/context.h"
#include "models/inversion.h"

namespace pf {

Generator::Generator(int64_t width, int64_t latent, int64_t hidden, int64_t depth, Rng& rng, int64_t context,
                     Activation activation)
    : base_(latent),
      context_(context),
      net_(mlp_widths(latent + context, hidden, depth, width), rng, {.activation = activation}) {}

Variable Generator::push(const Variable& z, const Tensor& context) const {
  check_rows("gan push", z.shape(), base_.width());
  return net_(with_context("gan", z, context, context_));
}

Tensor Generator::encode(const Tensor& x, const Tensor& context) const {
  check_rows("gan encode", x.shape(), width());
  return invert_by_optimisation(*this, x, {}, context).z;
}

}  // namespace pf
