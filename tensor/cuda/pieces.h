#pragma once
// Many tensors for one launch: their addresses as parameters of the kernel, cut into pieces of one size, one a block.

#include <algorithm>
#include <span>

#include "tensor/cuda/device_code.h"
#include "tensor/cuda_backend.h"

namespace pf::cuda {

inline constexpr int piece_threads = 128;
inline constexpr int piece_elements = 2048;

/// What a block works on: elements first … first + count - 1 of one tensor.
struct Piece {
  int target;
  int count;
  int64_t first;
};

template <class T, int arrays> struct Pieces {
  struct Target {
    T* array[arrays];
    int64_t n;
    uint32_t first_piece;
    int16_t rule;
    bool aligned;
  };
  Target target[update_targets];
  int targets = 0;
  uint32_t pieces = 0;

  __device__ Piece find(uint32_t piece) const {
    int low = 0, high = targets - 1;  // the last tensor that begins at or before this piece
    while (low < high) {
      const int middle = (low + high + 1) / 2;
      if (target[middle].first_piece <= piece) low = middle;
      else high = middle - 1;
    }
    const int64_t first = int64_t(piece - target[low].first_piece) * piece_elements, left = target[low].n - first;
    return {low, left < piece_elements ? int(left) : piece_elements, first};
  }
};

/// Calls body(list, pieces before it) for lists that a kernel's parameters hold.
template <class T, int arrays, class Body>
void in_piece_lists(std::span<const UpdateTarget> targets, const Body& body) {
  int64_t before = 0;
  for (size_t begin = 0; begin < targets.size(); begin += update_targets) {
    Pieces<T, arrays> list{};
    for (const UpdateTarget& from : targets.subspan(begin, std::min<size_t>(update_targets, targets.size() - begin))) {
      auto& to = list.target[list.targets++];
      to.n = from.n;
      to.first_piece = list.pieces;
      to.rule = int16_t(from.rule);
      to.aligned = true;
      for (int k = 0; k < arrays; ++k) {
        to.array[k] = static_cast<T*>(from.arrays[size_t(k)]);
        to.aligned &= pack_aligned(to.array[k]);
      }
      list.pieces += uint32_t((from.n + piece_elements - 1) / piece_elements);
    }
    body(list, before);
    before += list.pieces;
  }
}

}  // namespace pf::cuda
