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

template <class T, int arrays, int capacity> struct Pieces {
  struct Target {
    T* array[arrays];
    int64_t n;
    uint32_t first_piece;
    int16_t rule;
    bool aligned;
  };
  Target target[capacity];
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

/// What the parameters of a kernel may take, and of that a list; the rest is for what is passed along with it.
inline constexpr size_t most_parameter_bytes = 32764, bytes_beside_list = 512;

template <int capacity, class T, int arrays, class Body>
void in_lists_of(std::span<const UpdateTarget> targets, const Body& body) {
  static_assert(sizeof(Pieces<T, arrays, capacity>) + bytes_beside_list <= most_parameter_bytes,
                "the list has to fit into the parameters of a kernel: lower update_targets");
  int64_t before = 0;
  for (size_t begin = 0; begin < targets.size(); begin += capacity) {
    Pieces<T, arrays, capacity> list{};
    for (const UpdateTarget& from : targets.subspan(begin, std::min<size_t>(capacity, targets.size() - begin))) {
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

/// Calls body(list, pieces before it) for lists that a kernel's parameters hold.
template <class T, int arrays, class Body>
void in_piece_lists(std::span<const UpdateTarget> targets, const Body& body) {
  if (targets.size() <= few_update_targets) in_lists_of<few_update_targets, T, arrays>(targets, body);
  else in_lists_of<update_targets, T, arrays>(targets, body);
}

}  // namespace pf::cuda
