#include "tensor/random.h"

#include <algorithm>
#include <numeric>

#include "tensor/device_pass.h"
#include "tensor/parallel.h"
#include "tensor/philox.h"
#include "tensor/simd.h"

namespace pf {
namespace {

constexpr int lanes = 16;  // counters computed side by side; the compiler vectorises over them
constexpr int64_t blocks_a_thread = int64_t(1) << 14;  // of four words

struct Words {
  uint32_t w[4][lanes];
};

void philox_lanes(const Rng::State& state, uint64_t first_block, Words& out) {
  detail::philox_words<lanes>(state.seed, state.stream, first_block, out.w);
}

// A group is what `lanes` counters give: 4 · lanes floats or 2 · lanes doubles, element by element in counter order.
template <class T> constexpr int group = detail::philox_numbers<T>* lanes;

template <class T> void uniform_group(const Words& words, T* out) {
  for (int i = 0; i < lanes; ++i) detail::uniform_numbers<T, lanes>(words.w, i, out + detail::philox_numbers<T> * i);
}

template <class T> void normal_group(const Words& words, T* out) {
  T u[group<T>], cosine[group<T> / 2], sine[group<T> / 2];
  uniform_group(words, u);
  T first[group<T> / 2], second[group<T> / 2];
  for (int i = 0; i < group<T> / 2; ++i) {
    first[i] = u[2 * i];
    second[i] = u[2 * i + 1];
  }
  using V = Vec<T>;
  for (int i = 0; i < group<T> / 2; i += V::width) {
    V even, odd;
    detail::box_muller(V::load(first + i), V::load(second + i), even, odd);
    even.store(cosine + i);
    odd.store(sine + i);
  }
  for (int i = 0; i < group<T> / 2; ++i) {
    out[2 * i] = cosine[i];
    out[2 * i + 1] = sine[i];
  }
}

template <class T, class Group> void fill(const Rng::State& start, T* out, int64_t n, const Group& make_group) {
  const int64_t groups = (n + group<T> - 1) / group<T>;
  const int64_t per_chunk = blocks_a_thread / lanes;
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
}

// Moves the state behind the counters of a draw of n numbers of this type; returns it as it was.
Rng::State advance(Rng::State& state, DType dtype, int64_t n) {
  const Rng::State before = state;
  const int64_t each = dtype == float64 ? detail::philox_numbers<double> : detail::philox_numbers<float>;
  state.position += uint64_t((n + each - 1) / each);
  return before;
}

// The same draw on the default device, if that is a GPU.
Tensor draw_on_device(cuda::Draw kind, Rng::State& state, DType source, double p, const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype, default_device());
  const Rng::State start = advance(state, source, out.numel());
  if (out.numel() > 0)
    backend_of(out).draw(kind, source, {start.seed, start.stream, start.position}, p, out.numel(), dtype,
                         out.mutable_raw());
  return out;
}

// The numbers that others are made of.
DType source_of(DType dtype) { return dtype == float64 ? float64 : float32; }

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key) {
  Words words;
  const Rng::State state{uint64_t(key[1]) << 32 | key[0], uint64_t(counter[3]) << 32 | counter[2], 0};
  philox_lanes(state, uint64_t(counter[1]) << 32 | counter[0], words);
  return {words.w[0][0], words.w[1][0], words.w[2][0], words.w[3][0]};
}

Tensor Rng::uniform(const Shape& shape, DType dtype) {
  check(!is_half(dtype), "uniform: ", dtype, ": rounding to it would give 1; draw float32 and cast");
  return dispatch_floating(dtype, "uniform", [&]<class T>() {
    if (default_device().is_cuda()) return draw_on_device(cuda::Draw::uniform, state_, dtype, 0, shape, dtype);
    Tensor out = Tensor::empty(shape, dtype);
    const State start = advance(state_, dtype, out.numel());
    fill(start, out.mutable_data<T>(), out.numel(), [](const Words& w, T* o) { uniform_group(w, o); });
    return out;
  });
}

Tensor Rng::normal(const Shape& shape, DType dtype) {
  if (is_half(dtype)) return cast(normal(shape, float32), dtype);
  return dispatch_floating(dtype, "normal", [&]<class T>() {
    if (default_device().is_cuda()) return draw_on_device(cuda::Draw::normal, state_, dtype, 0, shape, dtype);
    Tensor out = Tensor::empty(shape, dtype);
    const State start = advance(state_, dtype, out.numel());
    fill(start, out.mutable_data<T>(), out.numel(), [](const Words& w, T* o) { normal_group(w, o); });
    return out;
  });
}

Tensor Rng::bernoulli(double p, const Shape& shape, DType dtype) {
  check(p >= 0 && p <= 1, "bernoulli: probability ", p, ": expected 0 to 1");
  if (is_half(dtype)) return cast(bernoulli(p, shape, float32), dtype);
  const DType source = source_of(dtype);
  if (default_device().is_cuda()) return draw_on_device(cuda::Draw::bernoulli, state_, source, p, shape, dtype);
  Tensor out = uniform(shape, source);
  dispatch_floating(source, "bernoulli", [&]<class T>() {
    T* data = out.mutable_data<T>();
    for (int64_t i = 0; i < out.numel(); ++i) data[i] = data[i] < T(p) ? T(1) : T(0);
  });
  return cast(out, dtype);
}

Tensor Rng::rademacher(const Shape& shape, DType dtype) {
  if (is_half(dtype)) return cast(rademacher(shape, float32), dtype);
  return dispatch_floating(dtype, "rademacher", [&]<class T>() {
    if (default_device().is_cuda()) return draw_on_device(cuda::Draw::rademacher, state_, dtype, 0, shape, dtype);
    Tensor out = uniform(shape, dtype);
    T* data = out.mutable_data<T>();
    for (int64_t i = 0; i < out.numel(); ++i) data[i] = data[i] < T(0.5) ? T(-1) : T(1);
    return out;
  });
}

Tensor Rng::integers(int64_t below, const Shape& shape) {
  check(below >= 1, "integers: below ", below, ": expected at least 1");
  if (default_device().is_cuda())
    return draw_on_device(cuda::Draw::integers, state_, float64, double(below), shape, int64);
  Tensor out = Tensor::empty(shape, int64);
  const Tensor u = uniform(shape, float64);
  for (int64_t i = 0; i < out.numel(); ++i)
    out.mutable_data<int64_t>()[i] = detail::integer_below(u.data<double>()[i], below);
  return out;
}

// Exchanges depend on the ones before: made on the CPU wherever the result goes.
Tensor Rng::permutation(int64_t n) {
  Tensor out = Tensor::empty({n}, int64);
  int64_t* index = out.mutable_data<int64_t>();
  std::iota(index, index + n, int64_t(0));
  const Tensor u = [&] {
    const UseDevice here(Device::cpu());
    return uniform({n}, float64);
  }();
  for (int64_t i = n - 1; i > 0; --i) std::swap(index[i], index[detail::integer_below(u.data<double>()[i], i + 1)]);
  return to_device(out, default_device());
}

double Rng::uniform() {
  const UseDevice here(Device::cpu());
  return uniform({}, float64).item();
}

Rng Rng::child(uint64_t label) const {
  // A block under another counter domain (the stream's complement) is the child's stream.
  const auto words =
      philox4x32({uint32_t(label), uint32_t(label >> 32), ~uint32_t(state_.stream), ~uint32_t(state_.stream >> 32)},
                 {uint32_t(state_.seed), uint32_t(state_.seed >> 32)});
  return Rng(state_.seed, uint64_t(words[1]) << 32 | words[0]);
}

Rng Rng::split() { return child(state_.position++); }

}  // namespace pf
