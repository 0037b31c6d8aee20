#pragma once
// Numbers as unsigned integers in the same order, for sorting on either kind of device.

#include <bit>
#include <cstdint>
#include <type_traits>

namespace pf::detail {

/// Rising keys for rising numbers (for falling ones, if descending); -0 like 0, NaN last whatever the direction.
template <class T> constexpr auto sort_key(T x, bool descending) {
  if constexpr (std::is_same_v<T, int64_t>) {
    const uint64_t key = uint64_t(x) ^ (uint64_t(1) << 63);
    return descending ? ~key : key;
  } else {
    using U = std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>;
    constexpr U sign = U(1) << (sizeof(U) * 8 - 1);
    if (x != x) return U(-1);
    const U bits = std::bit_cast<U>(x == 0 ? T(0) : x);
    const U key = bits & sign ? U(~bits) : U(bits | sign);
    return descending ? U(~key) : key;
  }
}

/// Where in a sorted row the value belongs, before its equals or after them. NaN comes after everything.
template <class T> constexpr int64_t place_in_row(const T* row, int64_t n, T value, bool after_equals) {
  const auto before = [](T a, T b) { return a < b || (b != b && a == a); };
  int64_t first = 0;
  while (n > 0) {
    const int64_t half = n / 2;
    const T middle = row[first + half];
    if (after_equals ? !before(value, middle) : before(middle, value)) {
      first += half + 1;
      n -= half + 1;
    } else {
      n = half;
    }
  }
  return first;
}

}  // namespace pf::detail
