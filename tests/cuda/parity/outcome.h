#pragma once
// One operation of the catalogue on some inputs: value, derivatives, or the error; and how far two outcomes are apart.

#include <algorithm>
#include <cmath>
#include <cstring>

#include "autograd/catalogue.h"
#include "tensor/ops/reduce.h"
#include "tests/cuda/parity/partial.h"

namespace pf::testing {

struct Outcome {
  Tensor value;
  std::vector<Tensor> gradients;  // gᵀ ∂y/∂x
  Tensor tangent;                 // Σ ∂y/∂x t
  std::vector<Tensor> second;     // ∂/∂x of Σ t · (gᵀ ∂y/∂x)
  std::string error;
};

/// Numbers that differ from element to element, where `like` is.
inline Tensor graded(double first, double last, const Shape& shape, const Variable& like) {
  const Tensor all = reshape(linspace(first, last, std::max<int64_t>(1, shape.numel()), like.dtype()), {-1});
  return to_device(reshape(slice(all, 0, 0, shape.numel()), shape), like.device());
}

enum class Derivatives { first, second };

inline Outcome evaluate(const OpEntry& entry, const std::vector<Tensor>& inputs,
                        Derivatives derivatives = Derivatives::first) {
  std::vector<Variable> x;
  for (const Tensor& one : inputs)
    x.push_back(entry.differentiable() && is_floating(one.dtype()) ? tracked(one) : Variable(one));
  const Variable y = entry.apply(x);
  Outcome out{.value = y.value()};
  if (!entry.differentiable() || !is_floating(inputs[0].dtype())) return out;
  const WalkOptions unused{.allow_unused = true};
  const Tensor g = graded(0.5, 1.5, y.shape(), y);
  out.gradients = pull_cotangents<Tensor>(y, x, g, unused);
  if (derivatives == Derivatives::first) return out;
  std::vector<Tensor> t;
  for (const Variable& one : x) t.push_back(graded(1.25, 0.75, one.shape(), one));
  out.tangent = push_tangents<Tensor>(y, x, std::span<const Tensor>(t));
  const std::vector<Variable> gradients = pull_cotangents<Variable>(y, x, Variable(g), unused);
  Variable total(zeros({}, y.dtype(), y.device()));
  for (size_t i = 0; i < x.size(); ++i) total = total + sum(gradients[i] * Variable(t[i]));
  out.second = pull_cotangents<Tensor>(total, x, ones({}, y.dtype(), y.device()), unused);
  return out;
}

/// The same for what may not be possible; errors of kernels show when the result is read.
inline Outcome evaluate_or_fail(const OpEntry& entry, const std::vector<Tensor>& inputs) {
  try {
    Outcome out = evaluate(entry, inputs);
    out.value = to_device(out.value, Device::cpu());
    for (Tensor& one : out.gradients)
      if (one.defined()) one = to_device(one, Device::cpu());
    return out;
  } catch (const Error& e) {
    if (is_left_out(e)) throw;
    return {.error = e.what()};
  }
}

/// The largest difference, relative to the size of the numbers, or to `unit` where they are smaller; infinite where shapes or
/// types differ, or where only one is NaN or infinite.
inline double difference(const Tensor& here, const Tensor& there, double unit = 1) {
  if (!here.defined() || !there.defined()) return here.defined() == there.defined() ? 0 : INFINITY;
  if (!(here.shape() == there.shape()) || here.dtype() != there.dtype()) return INFINITY;
  const std::vector<double> a = cast(here, float64).to_vector<double>();
  const std::vector<double> b = cast(to_device(there, Device::cpu()), float64).to_vector<double>();
  double worst = 0;
  for (size_t i = 0; i < a.size(); ++i) {
    if (a[i] == b[i] || (a[i] != a[i] && b[i] != b[i])) continue;
    const double error = std::abs(a[i] - b[i]) / std::max({unit, std::abs(a[i]), std::abs(b[i])});
    worst = std::max(worst, error <= 1e300 ? error : INFINITY);
  }
  return worst;
}

/// The first element where one is zero and the other a zero of the other sign; -1 if none.
inline int64_t differing_zero(const Tensor& here, const Tensor& there) {
  if (!here.defined() || !there.defined() || !(here.shape() == there.shape())) return -1;
  const std::vector<double> a = cast(here, float64).to_vector<double>();
  const std::vector<double> b = cast(there, float64).to_vector<double>();
  for (size_t i = 0; i < a.size(); ++i)
    if (a[i] == 0 && b[i] == 0 && std::signbit(a[i]) != std::signbit(b[i])) return int64_t(i);
  return -1;
}

inline bool same_bits(const Tensor& here, const Tensor& there) {
  if (!here.defined() || !there.defined()) return here.defined() == there.defined();
  if (!(here.shape() == there.shape()) || here.dtype() != there.dtype()) return false;
  const Tensor a = contiguous(here), b = contiguous(there);
  return std::memcmp(a.raw(), b.raw(), size_t(a.numel() * size_of(a.dtype()))) == 0;
}

inline double parity_tolerance(DType dtype) {
  return dtype == float32   ? 2e-5
         : dtype == float64 ? 1e-12
         : dtype == bfloat16
             ? 0x1p-6  // computed in float32, they may be rounded to either neighbour, and what is made of
         : dtype == float16
             ? 0x1p-9  // several operations, or reads such a number again, differs by a few of those steps
             : 0;
}

/// Whether the operation only moves elements, or decides about them: its results have the same bits everywhere.
inline bool is_exact(const OpEntry& entry) {
  static const char* const names[] = {
      "reshape",   "permute",        "expand",   "flip",   "slice",  "pick",    "embed",
      "unsqueeze", "concat",         "stack",    "pad",    "tile",   "roll",    "repeat_interleave",
      "gather",    "index_select",   "where",    "max",    "min",    "sort",    "topk",
      "diagonal",  "embed_diagonal", "triangle", "argmax", "argmin", "argsort", "searchsorted",
      "unique",    "less",           "isnan",    "one_hot"};
  return std::any_of(std::begin(names), std::end(names), [&](const char* name) { return entry.name == name; });
}

}  // namespace pf::testing
