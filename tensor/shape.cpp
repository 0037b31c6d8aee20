#include "tensor/shape.h"

#include <algorithm>

namespace pf {

void Shape::insert(int at, int64_t size) {
  push_back(size);
  std::rotate(begin() + at, end() - 1, end());
}

void Shape::erase(int at) {
  std::copy(begin() + at + 1, end(), begin() + at);
  --rank_;
}

std::string to_string(const Shape& shape) {
  std::string out = "[";
  for (int i = 0; i < shape.rank(); ++i) {
    if (i) out += ", ";
    out += std::to_string(shape[i]);
  }
  return out + "]";
}

int normalize_axis(int64_t axis, int rank, const char* op) {
  check(axis >= -rank && axis < rank, op, ": axis ", axis, " of a tensor with ", rank, rank == 1 ? " axis" : " axes",
        ": expected ", -rank, " to ", rank - 1);
  return int(axis < 0 ? axis + rank : axis);
}

std::array<bool, max_rank> Axes::flags(int rank, const char* op) const {
  std::array<bool, max_rank> chosen{};
  if (all_) chosen.fill(true);
  for (int64_t given : list_) {
    int axis = normalize_axis(given, rank, op);
    check(!chosen[axis], op, ": axis ", given, " is given twice");
    chosen[axis] = true;
  }
  return chosen;
}

Shape broadcast(const Shape& a, const Shape& b, const char* op) {
  if (a == b) return a;
  Shape out = Shape::filled(std::max(a.rank(), b.rank()), 1);
  for (int i = 1; i <= out.rank(); ++i) {
    int64_t m = i <= a.rank() ? a[a.rank() - i] : 1;
    int64_t n = i <= b.rank() ? b[b.rank() - i] : 1;
    check(m == n || m == 1 || n == 1, op, ": ", a, " and ", b, ": sizes ", m, " and ", n, " at axis ", -i,
          " differ and neither is 1; reshape or expand one of them");
    out[out.rank() - i] = m == 1 ? n : m;
  }
  return out;
}

}  // namespace pf
