#pragma once
// The text of the random numbers, for the CPU's loops and the GPU's kernels: Philox4x32-10 (Salmon et al. 2011, "Parallel
// random numbers: as easy as 1, 2, 3") and what is made of its words. A counter gives four float or two double numbers.

#include "tensor/math/log.h"
#include "tensor/math/trig.h"

namespace pf::detail {

/// Ten rounds on each of `lanes` counters, in place: word k of counter i is c[k][i].
template <int lanes> constexpr void philox_rounds(uint32_t (&c)[4][lanes], uint64_t seed) {
  uint32_t k0 = uint32_t(seed), k1 = uint32_t(seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < lanes; ++i) {
      const uint64_t a = uint64_t(0xD2511F53u) * c[0][i], b = uint64_t(0xCD9E8D57u) * c[2][i];
      const uint32_t x0 = uint32_t(b >> 32) ^ c[1][i] ^ k0, x2 = uint32_t(a >> 32) ^ c[3][i] ^ k1;
      c[1][i] = uint32_t(b);
      c[3][i] = uint32_t(a);
      c[0][i] = x0;
      c[2][i] = x2;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
}

/// What `lanes` counters from `first` on give.
template <int lanes>
constexpr void philox_words(uint64_t seed, uint64_t stream, uint64_t first, uint32_t (&words)[4][lanes]) {
  for (int i = 0; i < lanes; ++i) {
    const uint64_t index = first + uint64_t(i);
    words[0][i] = uint32_t(index);
    words[1][i] = uint32_t(index >> 32);
    words[2][i] = uint32_t(stream);
    words[3][i] = uint32_t(stream >> 32);
  }
  philox_rounds<lanes>(words, seed);
}

// Midpoints of 2^23 (2^52) equal cells of (0, 1): one bit less than the type holds, so that no midpoint rounds to 1.
constexpr float unit_float(uint32_t word) { return (float(word >> 9) + 0.5f) * 0x1p-23f; }
constexpr double unit_double(uint32_t high, uint32_t low) {
  return (double(((uint64_t(high) << 32) | low) >> 12) + 0.5) * 0x1p-52;
}

/// How many numbers of a type one counter gives.
template <class T> inline constexpr int philox_numbers = sizeof(T) == 4 ? 4 : 2;

/// The numbers of counter `lane`, uniform on (0, 1).
template <class T, int lanes> constexpr void uniform_numbers(const uint32_t (&words)[4][lanes], int lane, T* out) {
  if constexpr (sizeof(T) == 4) {
    for (int k = 0; k < 4; ++k) out[k] = unit_float(words[k][lane]);
  } else {
    out[0] = unit_double(words[0][lane], words[1][lane]);
    out[1] = unit_double(words[2][lane], words[3][lane]);
  }
}

/// Two normal numbers from two uniform ones (Box and Muller 1958).
template <Value V> constexpr void box_muller(V first, V second, V& cosine, V& sine) {
  const V radius = math::sqrt(math::log(first) * V(-2)), angle = second * V(6.283185307179586476925);
  cosine = radius * math::detail::cos_within(angle);
  sine = radius * math::detail::sin_within(angle);
}

constexpr int64_t integer_below(double uniform, int64_t below) {
  const int64_t found = int64_t(uniform * double(below));
  return found < below ? found : below - 1;
}

}  // namespace pf::detail
