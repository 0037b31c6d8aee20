#include "models/flow/glow.h"

#include <algorithm>
#include <cmath>

#include "models/context.h"
#include "nn/init.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/sort.h"

namespace pf {

ActNorm::ActNorm(int64_t width) : log_scale_(zeros({width})), shift_(zeros({width})) {}

Mapped ActNorm::push(const Variable& z, const Tensor&) const {
  return {(z - shift_) * exp(-log_scale_), expand(-sum(log_scale_), {z.size(0)})};
}
Mapped ActNorm::pull(const Variable& x, const Tensor&) const {
  return {x * exp(log_scale_) + shift_, expand(sum(log_scale_), {x.size(0)})};
}

// Gaussian elimination with row exchanges of a random orthogonal matrix, in place: L below the diagonal, U on and above.
LuLinear::LuLinear(int64_t width, Rng& rng) {
  const Device device = default_device();
  const UseDevice here(Device::cpu());
  Tensor factors = orthogonal({width, width}, rng, 1, float64), order = arange(0, double(width), 1, int64);
  Tensor logs = zeros({width}, float64), signs = zeros({width}, float64);
  double* a = factors.mutable_data<double>();
  int64_t* rows = order.mutable_data<int64_t>();
  for (int64_t k = 0; k < width; ++k) {
    int64_t pivot = k;
    for (int64_t i = k + 1; i < width; ++i)
      if (std::abs(a[i * width + k]) > std::abs(a[pivot * width + k])) pivot = i;
    if (pivot != k) std::swap_ranges(a + k * width, a + (k + 1) * width, a + pivot * width);
    std::swap(rows[k], rows[pivot]);
    const double head = a[k * width + k];
    logs.mutable_data<double>()[k] = std::log(std::abs(head));
    signs.mutable_data<double>()[k] = head < 0 ? -1 : 1;
    for (int64_t i = k + 1; i < width; ++i) {
      const double factor = a[i * width + k] /= head;
      for (int64_t j = k + 1; j < width; ++j) a[i * width + j] -= factor * a[k * width + j];
    }
  }
  lower_ = Variable(to_device(cast(tril(factors, -1), float32), device));
  upper_ = Variable(to_device(cast(triu(factors, 1), float32), device));
  log_scale_ = Variable(to_device(cast(logs, float32), device));
  sign_ = to_device(cast(signs, float32), device);
  permutation_ = to_device(argsort(order, 0), device);
}

Variable LuLinear::unit_lower() const { return tril(lower_, -1) + Variable(eye(lower_.size(0), lower_.dtype())); }
Variable LuLinear::full_upper() const { return triu(upper_, 1) + diag_embed(sign_ * exp(log_scale_)); }

// Rows are points: y = L U x is yᵀ = xᵀ Uᵀ Lᵀ, and z is y in another order.
Mapped LuLinear::pull(const Variable& x, const Tensor&) const {
  const Variable y = matmul(matmul(x, transpose(full_upper())), transpose(unit_lower()));
  return {index_select(y, 1, permutation_), expand(sum(log_scale_), {x.size(0)})};
}
Mapped LuLinear::push(const Variable& z, const Tensor&) const {
  const Variable y = transpose(index_select(z, 1, argsort(permutation_, 0)));
  const Variable x = solve_triangular(full_upper(), solve_triangular(unit_lower(), y), {.upper = true});
  return {transpose(x), expand(-sum(log_scale_), {z.size(0)})};
}

CouplingLayer::CouplingLayer(int64_t width, const ElementwiseMap& map, int64_t hidden, Rng& rng, int64_t context)
    : map_(map),
      fixed_(width / 2),
      context_(context),
      conditioner_({std::max<int64_t>(fixed_, 1) + context, hidden, hidden, (width - fixed_) * map.parameters()}, rng,
                   MlpOptions{.activation = Activation::relu, .final_gain = 0.1}) {
  check(width >= 2, "flow: data with ", width, " column: a coupling needs at least 2; set variant=spline-ar");
  map.validate("flow");
}

Mapped CouplingLayer::move(const Variable& x, const Tensor& context, bool pulling) const {
  const Variable fixed = slice(x, 1, 0, fixed_);
  const auto [moved, log_slope] =
      map_(slice(x, 1, fixed_), conditioner_(with_context("flow", fixed, context, context_)), pulling);
  return {concat(std::vector{fixed, moved}, 1), sum(log_slope, -1)};
}

}  // namespace pf
