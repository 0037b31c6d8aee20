#include "autograd/op_check.h"

#include <algorithm>
#include <cmath>

namespace pf {
namespace {

constexpr double layout_tolerance = 1e-12;
constexpr double float32_tolerance = 2e-4;

std::vector<Tensor> each(const std::vector<Tensor>& x, const auto& f) {
  std::vector<Tensor> out;
  for (const Tensor& one : x) out.push_back(f(one));
  return out;
}

/// The largest difference, relative to 1 or the size of the numbers.
double distance(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape())) return INFINITY;
  const std::vector<double> x = cast(a, float64).to_vector<double>(), y = cast(b, float64).to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double error = std::abs(x[i] - y[i]) / std::max({1.0, std::abs(x[i]), std::abs(y[i])});
    worst = std::max(worst, error <= 1e300 ? error : INFINITY);
  }
  return worst;
}

struct ValueAndGradients {
  Tensor value;
  std::vector<Tensor> gradients;
};
ValueAndGradients evaluate(const ListMap& f, const std::vector<Tensor>& inputs, const Tensor& projection) {
  std::vector<Variable> x;
  for (const Tensor& one : inputs) x.push_back(tracked(one));
  const Variable y = f(x);
  const Tensor g = cast(projection.defined() ? projection : ones(y.shape(), float64, y.device()), y.dtype());
  return {y.value(), pull_cotangents<Tensor>(y, x, expand(g, y.shape()), {.allow_unused = true})};
}

OpCheck check_once(const OpEntry& entry, const std::vector<Tensor>& plain, MemoryLayout layout,
                   const GradcheckOptions& options) {
  OpCheck out;
  const std::vector<Tensor> inputs = each(plain, [&](const Tensor& x) { return laid_out(x, layout); });
  out.gradients = gradcheck(entry.apply, inputs, options);
  const ValueAndGradients strided = evaluate(entry.apply, inputs, {});
  const ValueAndGradients straight = evaluate(entry.apply, each(inputs, contiguous), {});
  out.layout_error = distance(strided.value, straight.value);
  const ValueAndGradients single = evaluate(
      entry.apply, each(inputs, [&](const Tensor& x) { return laid_out(contiguous(cast(x, float32)), layout); }), {});
  if (single.value.dtype() != float32) out.failure = join("float32 inputs gave ", single.value.dtype());
  out.float32_error = distance(single.value, strided.value);
  for (size_t i = 0; i < inputs.size(); ++i)
    out.float32_error = std::max(out.float32_error, distance(single.gradients[i], strided.gradients[i]));
  return out;
}

}  // namespace

std::string to_string(MemoryLayout layout) {
  constexpr const char* names[] = {"contiguous", "transposed", "every second", "backwards", "repeated"};
  return names[int(layout)];
}

Tensor laid_out(const Tensor& x, MemoryLayout layout) {
  const int rank = x.rank();
  switch (layout) {
    case MemoryLayout::contiguous:
      break;
    case MemoryLayout::transposed:
      if (rank >= 2) return transpose(contiguous(transpose(x)));
      break;
    case MemoryLayout::every_second: {
      if (rank < 1) break;
      Shape wide = x.shape();
      wide[rank - 1] = 2 * wide[rank - 1] + 1;
      return slice(apply(Embed{wide, rank - 1, 1, wide[rank - 1], 2}, x), -1, 1, {}, 2);
    }
    case MemoryLayout::backwards:
      if (rank >= 1) return flip(contiguous(flip(x, -1)), -1);
      break;
    case MemoryLayout::repeated:
      if (rank >= 1 && x.size(0) > 1) return expand(slice(x, 0, 0, 1), x.shape());
      break;
  }
  return x;
}

bool OpCheck::ok() const {
  return failure.empty() && gradients.ok() && layout_error <= layout_tolerance && float32_error <= float32_tolerance;
}

std::string to_string(const OpCheck& check) {
  if (!check.failure.empty()) return join(check.inputs, ": ", check.failure);
  return join(check.inputs, ": ", check.gradients, "; layout error ", check.layout_error, ", float32 error ",
              check.float32_error);
}

std::vector<OpCheck> check_op(const OpEntry& entry, const GradcheckOptions& options) {
  std::vector<OpCheck> out;
  if (!entry.differentiable()) return out;
  Rng rng(options.seed);
  for (const OpSample& sample : entry.samples) {
    const std::vector<Tensor> plain = draw(sample, rng);
    for (MemoryLayout layout : {MemoryLayout::contiguous, MemoryLayout::transposed, MemoryLayout::every_second,
                                MemoryLayout::backwards, MemoryLayout::repeated}) {
      const bool differs = std::any_of(plain.begin(), plain.end(), [&](const Tensor& x) {
        const Tensor y = laid_out(x, layout);
        return x.numel() > 0 && !(y.strides() == x.strides());
      });
      if ((layout != MemoryLayout::contiguous && !differs) || entry.skipped.contains(to_string(layout))) continue;
      OpCheck one;
      try {
        one = check_once(entry, plain, layout, options);
      } catch (const std::exception& e) { one.failure = e.what(); }
      one.inputs = join(sample.label, ", ", layout);
      out.push_back(std::move(one));
    }
  }
  return out;
}

}  // namespace pf
