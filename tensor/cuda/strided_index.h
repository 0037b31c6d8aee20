#pragma once
// From the number of an element to its place in several strided arrays, on the device: 32-bit arithmetic, and division by
// multiplication.

#include "tensor/cuda/device_code.h"
#include "tensor/cuda_backend.h"

namespace pf::cuda {

/// n / divisor for n below 2³¹ by a multiplication and a shift (Granlund and Montgomery 1994, "Division by invariant
/// integers using multiplication", section 4).
struct Divider {
  uint32_t divisor = 1, multiplier = 1, shift = 0;

  Divider() = default;
  explicit Divider(uint32_t d) : divisor(d > 0 ? d : 1) {  // an axis without elements is never walked
    while ((uint64_t(1) << shift) < divisor) ++shift;
    multiplier = uint32_t((((uint64_t(1) << shift) - divisor) << 32) / divisor + 1);
  }
  __device__ uint32_t operator()(uint32_t n) const { return (__umulhi(n, multiplier) + n) >> shift; }
};

/// Sizes, outermost first, with the strides of `arrays` arrays along them. Offsets are Offset: 32 bits reach the arrays of
/// pieces (in_pieces below); what is not cut in pieces takes int64_t, as few elements may lie far apart.
template <int arrays, class Offset = int32_t> struct StridedIndex {
  int rank = 0;
  Divider size[max_rank];
  Offset stride[max_rank][arrays > 0 ? arrays : 1];

  /// offset[k] gets the place of element i in array k.
  __device__ void place(uint32_t i, Offset (&offset)[arrays > 0 ? arrays : 1]) const {
    for (int k = 0; k < arrays; ++k) offset[k] = 0;
    for (int axis = rank - 1; axis > 0; --axis) {
      const uint32_t outer = size[axis](i);
      const int32_t here = int32_t(i - outer * size[axis].divisor);
      for (int k = 0; k < arrays; ++k) offset[k] += Offset(here) * stride[axis][k];
      i = outer;
    }
    for (int k = 0; k < arrays; ++k) offset[k] += Offset(i) * stride[0][k];
  }
};

/// The loops of a pass: neighbouring axes merged where they are one run in every array.
struct Loops {
  int rank = 0, arrays = 0;
  int64_t size[max_rank];
  int64_t stride[max_rank][max_sources + max_targets];
  int64_t count() const {
    int64_t n = 1;
    for (int i = 0; i < rank; ++i) n *= size[i];
    return n;
  }
};
Loops merged_loops(const Shape& shape, std::span<const Shape* const> strides);

/// Calls body(piece, starts) with pieces that 32-bit indices reach; starts[k] is where array k begins.
template <class Body> void in_pieces(const Loops& loops, const Body& body) {
  constexpr int64_t reach = int64_t(1) << 31;
  const auto fits = [](const Loops& l) {
    if (l.count() >= reach) return false;
    for (int k = 0; k < l.arrays; ++k) {
      int64_t span = 0;
      for (int i = 0; i < l.rank; ++i)
        span += (l.size[i] - 1) * (l.stride[i][k] < 0 ? -l.stride[i][k] : l.stride[i][k]);
      if (span >= reach) return false;
    }
    return true;
  };
  std::array<int64_t, max_sources + max_targets> starts{};
  const auto run = [&](const auto& self, const Loops& part, auto at) -> void {
    if (part.count() == 0) return;
    if (fits(part)) return body(part, at);
    // Along the outermost axis, so that a row-major array stays row-major within a piece.
    int axis = 0;
    while (part.size[axis] == 1) ++axis;
    Loops half = part;
    half.size[axis] = part.size[axis] / 2;
    self(self, half, at);
    for (int k = 0; k < part.arrays; ++k) at[size_t(k)] += half.size[axis] * part.stride[axis][k];
    half.size[axis] = part.size[axis] - half.size[axis];
    self(self, half, at);
  };
  run(run, loops, starts);
}

template <int arrays, class Offset = int32_t> StridedIndex<arrays, Offset> index_of(const Loops& loops) {
  StridedIndex<arrays, Offset> out;
  out.rank = loops.rank;
  for (int i = 0; i < loops.rank; ++i) {
    out.size[i] = Divider(uint32_t(loops.size[i]));
    for (int k = 0; k < arrays; ++k) out.stride[i][k] = Offset(loops.stride[i][k]);
  }
  return out;
}

/// How many threads and blocks a grid-stride loop over n items takes.
struct GridSize {
  unsigned blocks, threads;
};
GridSize grid_for(int64_t n, int threads = 256);

}  // namespace pf::cuda
