#pragma once
// Shape: a short list of sizes (or strides, or axes) kept inline, so that making one never allocates.

#include <array>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>

#include "tensor/error.h"

namespace pf {

inline constexpr int max_rank = 8;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}
  explicit Shape(std::span<const int64_t> sizes) {
    check(int64_t(sizes.size()) <= max_rank, "shape: ", sizes.size(), " axes: at most ", max_rank, " are supported");
    for (int64_t size : sizes) size_[rank_++] = size;
  }
  static Shape filled(int rank, int64_t value) {
    Shape out;
    while (out.rank_ < rank) out.push_back(value);
    return out;
  }

  int rank() const { return rank_; }
  bool empty() const { return rank_ == 0; }
  int64_t& operator[](int i) { return size_[i]; }
  int64_t operator[](int i) const { return size_[i]; }
  const int64_t* begin() const { return size_.data(); }
  const int64_t* end() const { return size_.data() + rank_; }
  int64_t* begin() { return size_.data(); }
  int64_t* end() { return size_.data() + rank_; }
  int64_t back() const { return size_[rank_ - 1]; }

  void push_back(int64_t size) {
    check(rank_ < max_rank, "shape: more than ", max_rank, " axes");
    size_[rank_++] = size;
  }
  void insert(int at, int64_t size);
  void erase(int at);

  /// The number of elements: the product of the sizes, 1 for no axes.
  int64_t numel() const {
    int64_t n = 1;
    for (int i = 0; i < rank_; ++i) n *= size_[i];
    return n;
  }

  bool operator==(const Shape& other) const {
    if (rank_ != other.rank_) return false;
    for (int i = 0; i < rank_; ++i)
      if (size_[i] != other.size_[i]) return false;
    return true;
  }

 private:
  std::array<int64_t, max_rank> size_{};
  int rank_ = 0;
};

/// "[256, 2]"
std::string to_string(const Shape& shape);

/// The axis counted from the front: -1 is the last. Throws, naming `op`, when it is out of range.
int normalize_axis(int64_t axis, int rank, const char* op);

/// A set of axes for a reduction; none given means all of them.
class Axes {
 public:
  Axes() = default;
  Axes(int axis) : list_{axis}, all_(false) {}
  Axes(std::initializer_list<int64_t> axes) : list_(axes), all_(false) {}
  explicit Axes(const Shape& axes) : list_(axes), all_(false) {}
  static Axes none() { return Axes(Shape{}); }

  /// One flag an axis, for a tensor of this rank. Throws, naming `op`, on an axis out of range or given twice.
  std::array<bool, max_rank> flags(int rank, const char* op) const;

 private:
  Shape list_;
  bool all_ = true;
};

/// NumPy's rule: shapes are aligned at the last axis; sizes agree or one of them is 1.
Shape broadcast(const Shape& a, const Shape& b, const char* op);

}  // namespace pf
