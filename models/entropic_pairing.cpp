#include "models/entropic_pairing.h"

#include <cmath>

#include "models/objective.h"
#include "models/squared_distances.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/scan.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/sort.h"
#include "tensor/recording.h"

namespace pf {

namespace {

/// Takes down how far the rows' sums are off.
void judge(EntropicPlan& plan, const Tensor& errors) {
  const Tensor off = abs(errors);
  plan.off = max(off).item();
  if (!plan.converged()) plan.worst_row = int64_t(argmax(reshape(off, {off.numel()}), 0).item());
}

/// Within e²⁰.
bool near_one(const Tensor& scalings) { return max(abs(log(scalings))).item() < 20; }

}  // namespace

std::string EntropicPlan::complaint() const {
  if (converged()) return {};
  return join("entropic plan: after ", iterations, " iterations the sum of row ", worst_row, " is off by ", off,
              " of itself, more than ", tolerance, "; epsilon ", epsilon, " is small for points this far apart");
}

EntropicPlan entropic_plan(const Tensor& x, const Tensor& y, double epsilon, int64_t iterations, double tolerance) {
  check(epsilon > 0, "entropic plan: epsilon ", epsilon, ": expected above 0");
  check(x.rank() == 2 && y.rank() == 2 && x.size(1) == y.size(1) && x.size(0) > 0 && y.size(0) > 0,
        "entropic plan: ", x.shape(), " and ", y.shape(), ": expected two samples [n, d] and [m, d] of one width");
  check(iterations >= 1, "entropic plan: ", iterations, " iterations: expected at least 1");
  if (detail::watching) [[unlikely]] {
    const auto again = [=](const Tensor& a, const Tensor& b) {
      return entropic_plan(a, b, epsilon, iterations, tolerance).log_plan;
    };
    // How many iterations it takes, and with it how good the plan is, differs from run to run: only the plan itself is known.
    return {
        .log_plan = detail::replayable_on_host(again, x, y), .off = NAN, .tolerance = tolerance, .epsilon = epsilon};
  }
  const double log_n = std::log(double(x.size(0))), log_m = std::log(double(y.size(0)));
  const Tensor kernel = squared_distances_by_product(x, y) * (-1 / epsilon);
  Tensor f = zeros({x.size(0), 1}, x.dtype()), g = zeros({1, y.size(0)}, x.dtype());
  // Smaller entries are left out, which no scaling near 1 makes large: products with subnormal numbers are slow.
  const double least = x.dtype() == float64 ? 1e-280 : 1e-28;
  EntropicPlan plan{.tolerance = tolerance, .epsilon = epsilon};
  const auto going_on = [&] { return plan.iterations < iterations && (plan.iterations < 2 || !plan.converged()); };
  while (going_on()) {
    // In logarithms, from whatever potentials.
    const Tensor next = -logsumexp(kernel + g, 1, true) - log_n;
    // After the columns were set right, the rows are off by as much as f is about to move.
    judge(plan, exp(next - f) - 1.0);
    f = next;
    g = -logsumexp(kernel + f, 0, true) - log_m;
    ++plan.iterations;
    // By products with the plan so far, as long as the scalings stay near 1.
    const Tensor so_far = relu(exp(kernel + f + g) - least), transposed = contiguous(transpose(so_far));
    Tensor u = ones_like(f), v = ones({y.size(0), 1}, x.dtype());
    while (going_on()) {
      const Tensor of_rows = 1.0 / (matmul(so_far, v) * double(x.size(0)));
      const Tensor of_columns = 1.0 / (matmul(transposed, of_rows) * double(y.size(0)));
      if (!near_one(of_rows) || !near_one(of_columns)) break;
      judge(plan, of_rows / u - 1.0);
      u = of_rows;
      v = of_columns;
      ++plan.iterations;
    }
    f = f + log(u);
    g = g + log(transpose(v));
  }
  plan.log_plan = kernel + f + g;
  return plan;
}

EntropicPlan entropic_plan_to_itself(const Tensor& x, double epsilon, int64_t iterations, double tolerance) {
  check(epsilon > 0, "entropic plan: epsilon ", epsilon, ": expected above 0");
  if (detail::watching) [[unlikely]] {
    const auto again = [=](const Tensor& a) {
      return entropic_plan_to_itself(a, epsilon, iterations, tolerance).log_plan;
    };
    return {.log_plan = detail::replayable_on_host(again, x), .off = NAN, .tolerance = tolerance, .epsilon = epsilon};
  }
  const Tensor kernel = squared_distances_by_product(x, x) * (-1 / epsilon);
  const double log_n = std::log(double(x.size(0)));
  Tensor f = zeros({x.size(0), 1}, x.dtype());
  EntropicPlan plan{.tolerance = tolerance, .epsilon = epsilon};
  while (plan.iterations < iterations) {
    const Tensor change = (logsumexp(kernel + transpose(f), 1, true) + f + log_n) * -0.5;
    judge(plan, exp(change * -2.0) - 1.0);
    f = f + change;
    ++plan.iterations;
    if (plan.converged()) break;
  }
  plan.log_plan = kernel + f + transpose(f);
  return plan;
}

VitalSign plan_sign(const EntropicPlan& plan) {
  return {"error of the transport plan", plan.off,
          plan.converged() ? std::string()
                           : join("transport plan off by ", plan.off, " after ", plan.iterations, " iterations")};
}

Tensor entropic_pairing(const EntropicPlan& plan, Rng& rng) {
  const Tensor until = cumsum(softmax(plan.log_plan, -1), -1);
  const int64_t n = until.size(0);
  // A part of the last sum, not of 1, so that rounding cannot lead beyond the last column.
  const Tensor at = rng.uniform({n, 1}, until.dtype()) * slice(until, 1, -1);
  return reshape(searchsorted(until, at), {n});
}

}  // namespace pf
