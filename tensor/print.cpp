#include <algorithm>
#include <cmath>
#include <cstdio>

#include "tensor/tensor.h"

namespace pf {
namespace {

constexpr int64_t edge = 3;          // elements kept at each end of a long axis
constexpr int64_t full_limit = 200;  // tensors up to this size are printed whole

// One number format for the whole tensor: integers plain, small spreads with four decimals, the rest in scientific form.
struct Format {
  bool integral = true, scientific = false;
  std::string operator()(double value) const {
    char text[40];
    if (std::isnan(value)) return "nan";
    if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
    std::snprintf(text, sizeof text, integral ? "%.0f" : scientific ? "%.4e" : "%.4f", value);
    return text;
  }
};

template <class Visit> void visit_shown(const Tensor& x, Shape& index, int axis, bool shorten, const Visit& visit) {
  if (axis == x.rank()) return visit(x.at(index));
  for (int64_t i = 0; i < x.shape()[axis]; ++i) {
    if (shorten && x.shape()[axis] > 2 * edge && i == edge) i = x.shape()[axis] - edge;
    index[axis] = i;
    visit_shown(x, index, axis + 1, shorten, visit);
  }
}

void write(const Tensor& x, Shape& index, int axis, bool shorten, const Format& format, size_t width,
           std::string& out) {
  if (axis == x.rank()) {
    std::string text = x.dtype() == boolean ? (x.at(index) != 0 ? "true" : "false") : format(x.at(index));
    out += std::string(width > text.size() ? width - text.size() : 0, ' ') + text;
    return;
  }
  out += '[';
  const int64_t n = x.shape()[axis];
  for (int64_t i = 0; i < n; ++i) {
    if (i) out += axis + 1 == x.rank() ? ", " : ",\n" + std::string(size_t(axis) + 1, ' ');
    if (shorten && n > 2 * edge && i == edge) {
      out += axis + 1 == x.rank() ? "…, " : "…,\n" + std::string(size_t(axis) + 1, ' ');
      i = n - edge;
    }
    index[axis] = i;
    write(x, index, axis + 1, shorten, format, width, out);
  }
  out += ']';
}

}  // namespace

std::string to_string(const Tensor& x) {
  if (!x.defined()) return "(no tensor)";
  const bool shorten = x.numel() > full_limit;
  Format format;
  double largest = 0, smallest = INFINITY;
  Shape index = Shape::filled(x.rank(), 0);
  visit_shown(x, index, 0, shorten, [&](double v) {
    if (!std::isfinite(v)) return;
    if (v != std::floor(v)) format.integral = false;
    largest = std::max(largest, std::abs(v));
    if (v != 0) smallest = std::min(smallest, std::abs(v));
  });
  if (x.dtype() == int64) format.integral = true;
  format.scientific = largest >= 1e5 || (smallest < 1e-3 && largest < 0.1);
  if (is_floating(x.dtype()) && largest >= 1e15) format.integral = false;
  size_t width = 0;
  visit_shown(x, index, 0, shorten, [&](double v) {
    width = std::max(width, x.dtype() == boolean ? size_t(v != 0 ? 4 : 5) : format(v).size());
  });
  std::string out;
  write(x, index, 0, shorten, format, x.rank() ? width : 0, out);
  return out + "  " + to_string(x.shape()) + " " + name_of(x.dtype());
}

}  // namespace pf
