#include "models/gan/generator.h"

#include "models/inversion.h"

namespace pf {
Generator::Generator(int64_t width, int64_t latent, int64_t hidden, int64_t depth, Rng& rng)
    : base_(latent), net_(mlp_widths(latent, hidden, depth, width), rng) {}

Variable Generator::push(const Variable& z, const Tensor& context) const {
  check_rows("gan push", z.shape(), base_.width());
  return net_(z);
}

Tensor Generator::encode(const Tensor& x, const Tensor& context) const {
  check_rows("gan encode", x.shape(), width());
  return invert_by_optimisation(*this, x).z;
}

}  // namespace pf
