#include "models/autoencoder/code_density.h"

#include <cmath>
#include <numbers>

#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"

namespace pf {
namespace {

/// A z = y for every row: whitening [n, d, d], y [n, d].
Variable solve_rows(const Variable& whitening, const Variable& y) {
  return squeeze(solve_triangular(whitening, unsqueeze(y, -1)), -1);
}

std::vector<double> cumulative_weights(const NormalComponents& c) {
  std::vector<double> edges{0};
  for (double w : cast(c.log_weights.value(), float64).to_vector<double>()) edges.push_back(edges.back() + std::exp(w));
  return edges;
}

}  // namespace

Variable NormalComponents::joint_log_density(const Variable& code) const {
  check_rows("code density", code.shape(), width());
  const Variable centred = unsqueeze(code, 0) - unsqueeze(means, 1);
  const Variable white = matmul(centred, transpose(whitening));
  const Variable log_det = sum(log(diagonal(whitening)), -1);
  const double constant = -0.5 * std::log(2 * std::numbers::pi) * double(width());
  return sum(square(white), -1) * -0.5 + unsqueeze(log_det + log_weights + constant, 1);
}

Variable NormalComponents::log_density(const Variable& code) const {
  const Variable joint = joint_log_density(code);
  return count() == 1 ? pick(joint, 0, 0) : logsumexp(joint, 0);
}

Variable NormalComponents::push(const Variable& z) const {
  check_rows("code density", z.shape(), width() + (count() > 1));
  if (count() == 1) return transpose(solve_triangular(pick(whitening, 0, 0), transpose(z))) + pick(means, 0, 0);
  const std::vector<double> edges = cumulative_weights(*this);
  const int64_t n = z.size(0);
  const Tensor u = cast(contiguous(pick(z.value(), 1, width())), float64);
  Tensor which = zeros({n}, int64);
  int64_t* k = which.mutable_data<int64_t>();
  for (int64_t i = 0; i < n; ++i)
    while (k[i] + 1 < count() && u.data<double>()[i] >= edges[size_t(k[i]) + 1]) ++k[i];
  return index_select(means, 0, which) + solve_rows(index_select(whitening, 0, which), slice(z, 1, 0, width()));
}

Tensor NormalComponents::encode(const Tensor& code) const {
  check_rows("code density", code.shape(), width());
  const Tensor which = argmax(joint_log_density(Variable(code)).value(), 0);
  const Tensor centred = code - index_select(means.value(), 0, which);
  const Tensor white = squeeze(matmul(index_select(whitening.value(), 0, which), unsqueeze(centred, -1)), -1);
  if (count() == 1) return white;
  const std::vector<double> edges = cumulative_weights(*this);
  std::vector<double> middles;
  for (int64_t k : which.to_vector<int64_t>()) middles.push_back(0.5 * (edges[size_t(k)] + edges[size_t(k) + 1]));
  return concat(std::vector{white, tensor(middles, {code.size(0), 1}, code.dtype())}, 1);
}

std::shared_ptr<const Distribution> NormalComponents::base(int64_t components, int64_t width) {
  auto normal = std::make_shared<Normal>(width);
  if (components == 1) return normal;
  return std::make_shared<Product>(
      std::vector<std::shared_ptr<const Distribution>>{normal, std::make_shared<Uniform>(1)});
}

GaussianMixture::GaussianMixture(int64_t width, int64_t components, Rng& rng) {
  check(width >= 1, "code density: ", width, " coordinates: expected at least 1");
  check(components >= 1, "code density: ", components, " components: expected at least 1");
  base_ = NormalComponents::base(components, width);
  means_ = components == 1 ? zeros({1, width}) : rng.normal({components, width});
  log_diagonal_ = zeros({components, width});
  if (width > 1) lower_ = zeros({components, width, width});
  if (components > 1) logits_ = zeros({components});
}

NormalComponents GaussianMixture::components() const {
  const Variable diagonals = diag_embed(exp(log_diagonal_));
  return {.log_weights = logits_.defined() ? log_softmax(logits_, 0) : Variable(zeros({1}, means_.dtype())),
          .means = means_,
          .whitening = lower_.defined() ? diagonals + tril(lower_, -1) : diagonals};
}

namespace {
int64_t flow_width(int64_t width) {
  check(width >= 2, "code density: a flow needs codes of at least 2 coordinates, these have ", width,
        "; set latent=2 or take a Gaussian or a mixture");
  return width;
}
}  // namespace

FlowDensity::FlowDensity(int64_t width, const CouplingSettings& settings, Rng& rng)
    : flow_(flow_width(width), settings, rng), placing_(width, 1, rng) {}

Variable FlowDensity::log_density(const Variable& code) const {
  check_rows("code density", code.shape(), width());
  const NormalComponents placing = placing_.components();
  const Variable matrix = pick(placing.whitening, 0, 0);
  const Mapped pulled = flow_.pull_with_log_det(matmul(code - pick(placing.means, 0, 0), transpose(matrix)));
  return flow_.base().log_density(pulled.value) + pulled.log_det + sum(log(diagonal(matrix)), -1);
}

Tensor FlowDensity::encode(const Tensor& code) const { return flow_.pull(Variable(placing_.encode(code))).value(); }

}  // namespace pf
