#include "autograd/catalogue.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "autograd/catalogue_parts.h"
#include "tensor/ops/matmul.h"

namespace pf {
namespace {

/// Uniform on the domain, at a distance from its ends and kinks that finite differences do not cross.
double place(const Domain& domain, double uniform) {
  const double margin = 0.02 * (domain.high - domain.low);
  const double x = domain.low + margin + (domain.high - domain.low - 2 * margin) * uniform;
  for (double kink : domain.kinks)
    if (std::abs(x - kink) < margin) return x < kink ? kink - margin : kink + margin;
  return x;
}

Tensor draw_one(const InputSpec& spec, Rng& rng) {
  const int64_t n = spec.shape.numel();
  std::vector<double> numbers = rng.uniform(spec.shape, float64).to_vector<double>();
  if (spec.values == Values::distinct) {
    const std::vector<int64_t> order = rng.permutation(n).to_vector<int64_t>();
    for (int64_t i = 0; i < n; ++i)
      numbers[size_t(i)] = (double(order[size_t(i)]) + 0.25 + 0.5 * numbers[size_t(i)]) / double(n);
  }
  for (double& x : numbers) x = place(spec.domain, x);
  Tensor out = tensor(numbers, spec.shape, float64);
  if (spec.values == Values::any || spec.values == Values::distinct) return out;
  const int64_t size = spec.shape.back();
  if (spec.values == Values::positive_definite) out = matmul(out, transpose(out));
  return contiguous(out + eye(size, float64) * double(3 * size));
}

}  // namespace

std::vector<Tensor> draw(const OpSample& sample, Rng& rng) {
  std::vector<Tensor> out;
  for (const InputSpec& spec : sample.inputs) out.push_back(draw_one(spec, rng));
  return out;
}

OpEntry detail::pointwise_entry(std::string_view op, const char* name, std::span<const Domain> domains,
                                bool closed_form, ListMap apply) {
  OpEntry out;
  out.name = name;
  out.op = op;
  out.kind = "pointwise";
  out.apply = std::move(apply);
  out.description = out.name + "(";
  for (size_t i = 0; i < domains.size(); ++i) {
    if (i) out.description += ", ";
    out.description += join(char('a' + int(i)), " in [", domains[i].low, ", ", domains[i].high, "]");
  }
  out.description += closed_form ? "): derivatives in closed form" : "): derivatives by dual numbers";
  auto all_of = [&](const Shape& shape) {
    std::vector<InputSpec> inputs;
    for (const Domain& domain : domains) inputs.push_back({shape, domain});
    return inputs;
  };
  out.samples = {{"matrix", all_of({3, 4})}, {"long", all_of({2, 37})}, {"0-d", all_of({})}, {"empty", all_of({0, 3})}};
  if (domains.size() == 1) {
    out.skipped["broadcast"] = "one operand: nothing to broadcast against";
  } else {
    OpSample rows{"broadcast", all_of({3, 4})}, numbers{"broadcast number", all_of({2, 3})};
    rows.inputs[0].shape = {3, 1};
    rows.inputs[1].shape = {4};
    numbers.inputs[1].shape = {};
    out.samples.push_back(rows);
    out.samples.push_back(numbers);
  }
  return out;
}

const std::vector<OpEntry>& op_catalogue() {
  static const std::vector<OpEntry> all = [] {
    std::vector<OpEntry> out = detail::pointwise_entries();
    for (auto part : {detail::structural_entries, detail::algebra_entries, detail::undifferentiable_entries})
      for (OpEntry& entry : part()) out.push_back(std::move(entry));
    return out;
  }();
  return all;
}

}  // namespace pf
