#include "models/autoencoder/code_density.h"

#include <cmath>
#include <numbers>

#include "models/context.h"
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

/// Where the components' shares of (0, 1) begin and end, for every row.
class Shares {
 public:
  Shares(const NormalComponents& c, int64_t n)
      : n_(c.log_weights.rank() == 2 ? n : 1), edges_(size_t(n_), std::vector<double>{0}) {
    const std::vector<double> logs = cast(c.log_weights.value(), float64).to_vector<double>();
    for (size_t i = 0; i < logs.size(); ++i) {
      auto& row = edges_[i % size_t(n_)];
      row.push_back(row.back() + std::exp(logs[i]));
    }
  }
  double edge(int64_t row, int64_t k) const { return edges_[size_t(row % n_)][size_t(k)]; }

 private:
  int64_t n_;
  std::vector<std::vector<double>> edges_;
};

/// Row i of component which[i]: [components, d] or [components, n, d] → [n, d].
template <Array A> A chosen(const A& of_components, const Tensor& which) {
  if (of_components.rank() == 2) return index_select(of_components, 0, which);
  const int64_t n = which.size(0), d = of_components.size(2);
  return index_select(reshape(of_components, {of_components.size(0) * n, d}), 0,
                      which * n + arange(0, double(n), 1, int64));
}

}  // namespace

NormalComponents::Whitened NormalComponents::whiten(const Variable& code) const {
  check_rows("code density", code.shape(), width());
  const Variable centred = unsqueeze(code, 0) - (means.rank() == 2 ? unsqueeze(means, 1) : means);
  const Variable white = matmul(centred, transpose(whitening)), log_det = sum(log(diagonal(whitening)), -1);
  if (!conditional()) return {white, log_det};
  return {white * exp(log_scale), unsqueeze(log_det, 1) + sum(log_scale, -1)};
}

Variable NormalComponents::joint_log_density(const Variable& code) const {
  const auto [white, log_det] = whiten(code);
  const double constant = -0.5 * std::log(2 * std::numbers::pi) * double(width());
  const Variable heights =
      log_det + (conditional() && log_weights.rank() == 1 ? unsqueeze(log_weights, 1) : log_weights);
  return sum(square(white), -1) * -0.5 + ((conditional() ? heights : unsqueeze(heights, 1)) + constant);
}

Variable NormalComponents::log_density(const Variable& code) const {
  const Variable joint = joint_log_density(code);
  return count() == 1 ? pick(joint, 0, 0) : logsumexp(joint, 0);
}

Variable NormalComponents::push(const Variable& z) const {
  check_rows("code density", z.shape(), width() + (count() > 1));
  if (count() == 1) {
    const Variable white = conditional() ? z * exp(-pick(log_scale, 0, 0)) : z;
    return transpose(solve_triangular(pick(whitening, 0, 0), transpose(white))) + pick(means, 0, 0);
  }
  const int64_t n = z.size(0);
  const Shares shares(*this, n);
  const Tensor u = to_device(cast(contiguous(pick(z.value(), 1, width())), float64), Device::cpu());
  Tensor which = zeros({n}, int64, Device::cpu());
  int64_t* k = which.mutable_data<int64_t>();
  for (int64_t i = 0; i < n; ++i)
    while (k[i] + 1 < count() && u.data<double>()[i] >= shares.edge(i, k[i] + 1)) ++k[i];
  which = to_device(which, z.device());
  Variable white = slice(z, 1, 0, width());
  if (conditional()) white = white * exp(-chosen(log_scale, which));
  return chosen(means, which) + solve_rows(index_select(whitening, 0, which), white);
}

Tensor NormalComponents::encode(const Tensor& code) const {
  check_rows("code density", code.shape(), width());
  const Tensor which = argmax(joint_log_density(Variable(code)).value(), 0);
  const Tensor centred = code - chosen(means.value(), which);
  Tensor white = squeeze(matmul(index_select(whitening.value(), 0, which), unsqueeze(centred, -1)), -1);
  if (conditional()) white = white * exp(chosen(log_scale.value(), which));
  if (count() == 1) return white;
  const int64_t n = code.size(0);
  const Shares shares(*this, n);
  std::vector<double> middles;
  const std::vector<int64_t> likeliest = which.to_vector<int64_t>();
  for (int64_t i = 0; i < n; ++i) {
    const int64_t k = likeliest[size_t(i)];
    middles.push_back(0.5 * (shares.edge(i, k) + shares.edge(i, k + 1)));
  }
  return concat(std::vector{white, tensor(middles, {n, 1}, code.dtype())}, 1);
}

std::shared_ptr<const Distribution> NormalComponents::base(int64_t components, int64_t width) {
  auto normal = std::make_shared<Normal>(width);
  if (components == 1) return normal;
  return std::make_shared<Product>(
      std::vector<std::shared_ptr<const Distribution>>{normal, std::make_shared<Uniform>(1)});
}

GaussianMixture::GaussianMixture(int64_t width, int64_t components, Rng& rng, int64_t context) {
  check(width >= 1, "code density: ", width, " coordinates: expected at least 1");
  check(components >= 1, "code density: ", components, " components: expected at least 1");
  base_ = NormalComponents::base(components, width);
  means_ = components == 1 ? zeros({1, width}) : rng.normal({components, width});
  log_diagonal_ = zeros({components, width});
  if (width > 1) lower_ = zeros({components, width, width});
  if (components > 1) logits_ = zeros({components});
  if (context > 0)
    given_.emplace(context, components * (2 * width + (components > 1)), rng,
                   LinearOptions{.bias = false, .gain = 0.1});
}

NormalComponents GaussianMixture::components(int64_t n, const Tensor& context) const {
  const Tensor rows = context_rows("code density", context, n, given_ ? given_->in() : 0, means_.dtype());
  const Variable diagonals = diag_embed(exp(log_diagonal_));
  NormalComponents out{.log_weights = Variable(zeros({1}, means_.dtype())),
                       .means = means_,
                       .whitening = lower_.defined() ? diagonals + tril(lower_, -1) : diagonals};
  Variable logits = logits_;
  if (given_) {
    const int64_t k = means_.size(0), d = width();
    const Variable moved = permute(reshape((*given_)(Variable(rows)), {n, k, 2 * d + (k > 1)}), {1, 0, 2});
    out.means = unsqueeze(means_, 1) + slice(moved, 2, 0, d);
    out.log_scale = slice(moved, 2, d, 2 * d);
    if (k > 1) logits = unsqueeze(logits_, 1) + pick(moved, 2, 2 * d);
  }
  if (logits.defined()) out.log_weights = log_softmax(logits, 0);
  return out;
}

namespace {
int64_t flow_width(int64_t width) {
  check(width >= 2, "code density: a flow needs codes of at least 2 coordinates, these have ", width,
        "; set latent=2 or take a Gaussian or a mixture");
  return width;
}
}  // namespace

Variable CodeDensity::loss(const Tensor& code, Rng&, const Tensor& context) const {
  return -mean(log_density(Variable(code), context));
}

FlowDensity::FlowDensity(int64_t width, const CouplingSettings& settings, Rng& rng, int64_t context)
    : flow_(flow_width(width), settings, rng, context), placing_(width, 1, rng, context) {}

Variable FlowDensity::log_density(const Variable& code, const Tensor& context) const {
  const auto [white, log_det] = placing_.components(code.size(0), context).whiten(code);
  const Mapped pulled = flow_.pull_with_log_det(pick(white, 0, 0), context);
  return flow_.base().log_density(pulled.value) + pulled.log_det + pick(log_det, 0, 0);
}

Tensor FlowDensity::encode(const Tensor& code, const Tensor& context) const {
  return flow_.pull(Variable(placing_.encode(code, context)), context).value();
}

}  // namespace pf
