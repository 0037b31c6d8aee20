#include "tensor/random.h"

#include <algorithm>
#include <numeric>

#include "tensor/math.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"

namespace pf {
namespace {

constexpr int lanes = 16;  // counters computed side by side; the compiler vectorises over them
constexpr int64_t blocks_a_thread = int64_t(1) << 14;  // of four words

struct Words {
  uint32_t w[4][lanes];
};

void philox_lanes(const Rng::State& state, uint64_t first_block, Words& out) {
  uint32_t c0[lanes], c1[lanes], c2[lanes], c3[lanes];
  for (int i = 0; i < lanes; ++i) {
    const uint64_t index = first_block + uint64_t(i);
    c0[i] = uint32_t(index);
    c1[i] = uint32_t(index >> 32);
    c2[i] = uint32_t(state.stream);
    c3[i] = uint32_t(state.stream >> 32);
  }
  uint32_t k0 = uint32_t(state.seed), k1 = uint32_t(state.seed >> 32);
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < lanes; ++i) {
      const uint64_t a = uint64_t(0xD2511F53u) * c0[i], b = uint64_t(0xCD9E8D57u) * c2[i];
      const uint32_t x0 = uint32_t(b >> 32) ^ c1[i] ^ k0, x2 = uint32_t(a >> 32) ^ c3[i] ^ k1;
      c1[i] = uint32_t(b);
      c3[i] = uint32_t(a);
      c0[i] = x0;
      c2[i] = x2;
    }
    k0 += 0x9E3779B9u;
    k1 += 0xBB67AE85u;
  }
  for (int i = 0; i < lanes; ++i) {
    out.w[0][i] = c0[i];
    out.w[1][i] = c1[i];
    out.w[2][i] = c2[i];
    out.w[3][i] = c3[i];
  }
}

// Midpoints of 2^23 (2^52) equal cells of (0, 1): one bit less than the type holds, so that no midpoint rounds to 1.
float unit_float(uint32_t word) { return (float(word >> 9) + 0.5f) * 0x1p-23f; }
double unit_double(uint32_t high, uint32_t low) {
  return (double(((uint64_t(high) << 32) | low) >> 12) + 0.5) * 0x1p-52;
}

// A group is what `lanes` counters give: 4 · lanes floats or 2 · lanes doubles, element by element in counter order.
template <class T> constexpr int per_block = sizeof(T) == 4 ? 4 : 2;
template <class T> constexpr int group = per_block<T>* lanes;

template <class T> void uniform_group(const Words& words, T* out) {
  for (int i = 0; i < lanes; ++i) {
    if constexpr (sizeof(T) == 4) {
      for (int k = 0; k < 4; ++k) out[4 * i + k] = unit_float(words.w[k][i]);
    } else {
      out[2 * i] = unit_double(words.w[0][i], words.w[1][i]);
      out[2 * i + 1] = unit_double(words.w[2][i], words.w[3][i]);
    }
  }
}

template <class T> void normal_group(const Words& words, T* out) {
  T u[group<T>], radius[group<T> / 2], cosine[group<T> / 2], sine[group<T> / 2];
  uniform_group(words, u);
  T first[group<T> / 2], second[group<T> / 2];
  for (int i = 0; i < group<T> / 2; ++i) {
    first[i] = u[2 * i];
    second[i] = u[2 * i + 1];
  }
  using V = Vec<T>;
  for (int i = 0; i < group<T> / 2; i += V::width) {
    math::sqrt(math::log(V::load(first + i)) * V(-2)).store(radius + i);
    const V angle = V::load(second + i) * V(T(6.283185307179586476925));
    math::cos(angle).store(cosine + i);
    math::sin(angle).store(sine + i);
  }
  for (int i = 0; i < group<T> / 2; ++i) {
    out[2 * i] = radius[i] * cosine[i];
    out[2 * i + 1] = radius[i] * sine[i];
  }
}

template <class T, class Group> void fill(Rng::State& state, T* out, int64_t n, const Group& make_group) {
  const int64_t groups = (n + group<T> - 1) / group<T>;
  const int64_t per_chunk = blocks_a_thread / lanes;
  const Rng::State start = state;
  parallel_for((groups + per_chunk - 1) / per_chunk, [&](int64_t c) {
    Words words;
    T last[group<T>];
    for (int64_t g = c * per_chunk; g < std::min(groups, (c + 1) * per_chunk); ++g) {
      philox_lanes(start, start.position + uint64_t(g) * lanes, words);
      const int64_t left = n - g * group<T>;
      if (left >= group<T>) {
        make_group(words, out + g * group<T>);
      } else {
        make_group(words, last);
        std::copy_n(last, left, out + g * group<T>);
      }
    }
  });
  state.position += uint64_t((n + per_block<T> - 1) / per_block<T>);
}

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  Words words;
  const Rng::State state{uint64_t(key[1]) << 32 | key[0], uint64_t(counter[3]) << 32 | counter[2], 0};
  philox_lanes(state, uint64_t(counter[1]) << 32 | counter[0], words);
  return {words.w[0][0], words.w[1][0], words.w[2][0], words.w[3][0]};
}

Tensor Rng::uniform(const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  dispatch_floating(dtype, "uniform", [&]<class T>() {
    fill(state_, out.mutable_data<T>(), out.numel(), [](const Words& w, T* o) { uniform_group(w, o); });
  });
  return out;
}

Tensor Rng::normal(const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  dispatch_floating(dtype, "normal", [&]<class T>() {
    fill(state_, out.mutable_data<T>(), out.numel(), [](const Words& w, T* o) { normal_group(w, o); });
  });
  return out;
}

Tensor Rng::bernoulli(double p, const Shape& shape, DType dtype) {
  check(p >= 0 && p <= 1, "bernoulli: probability ", p, ": expected 0 to 1");
  Tensor out = uniform(shape, is_floating(dtype) ? dtype : float32);
  dispatch_floating(out.dtype(), "bernoulli", [&]<class T>() {
    T* data = out.mutable_data<T>();
    for (int64_t i = 0; i < out.numel(); ++i) data[i] = data[i] < T(p) ? T(1) : T(0);
  });
  return cast(out, dtype);
}

Tensor Rng::rademacher(const Shape& shape, DType dtype) {
  Tensor out = uniform(shape, dtype);
  dispatch_floating(dtype, "rademacher", [&]<class T>() {
    T* data = out.mutable_data<T>();
    for (int64_t i = 0; i < out.numel(); ++i) data[i] = data[i] < T(0.5) ? T(-1) : T(1);
  });
  return out;
}

Tensor Rng::integers(int64_t below, const Shape& shape) {
  check(below >= 1, "integers: below ", below, ": expected at least 1");
  Tensor out = Tensor::empty(shape, int64);
  Tensor u = uniform(shape, float64);
  for (int64_t i = 0; i < out.numel(); ++i)
    out.mutable_data<int64_t>()[i] = std::min(below - 1, int64_t(u.data<double>()[i] * double(below)));
  return out;
}

Tensor Rng::permutation(int64_t n) {
  Tensor out = Tensor::empty({n}, int64);
  int64_t* index = out.mutable_data<int64_t>();
  std::iota(index, index + n, int64_t(0));
  const Tensor u = uniform({n}, float64);
  for (int64_t i = n - 1; i > 0; --i)
    std::swap(index[i], index[std::min(i, int64_t(u.data<double>()[i] * double(i + 1)))]);
  return out;
}

double Rng::uniform() { return uniform({}, float64).item(); }

Rng Rng::child(uint64_t label) const {
  // A block under another counter domain (the stream's complement) is the child's stream.
  const auto words =
      philox4x32({uint32_t(label), uint32_t(label >> 32), ~uint32_t(state_.stream), ~uint32_t(state_.stream >> 32)},
                 {uint32_t(state_.seed), uint32_t(state_.seed >> 32)});
  return Rng(state_.seed, uint64_t(words[1]) << 32 | words[0]);
}

Rng Rng::split() { return child(state_.position++); }

}  // namespace pf
