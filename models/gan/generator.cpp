#include "models/gan/generator.h"

#include "models/inversion.h"

namespace pf {
namespace {

std::vector<int64_t> widths(int64_t in, int64_t hidden, int64_t depth, int64_t out) {
  std::vector<int64_t> list(size_t(depth) + 2, hidden);
  list.front() = in;
  list.back() = out;
  return list;
}

}  // namespace

Generator::Generator(int64_t width, int64_t latent, int64_t hidden, int64_t depth, Rng& rng)
    : base_(latent), net_(widths(latent, hidden, depth, width), rng) {}

Variable Generator::push(const Variable& z) const {
  check_rows("gan push", z.shape(), base_.width());
  return net_(z);
}

Tensor Generator::encode(const Tensor& x) const {
  check_rows("gan encode", x.shape(), width());
  return invert_by_optimisation(*this, x).z;
}

}  // namespace pf
