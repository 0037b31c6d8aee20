#include "tensor/random.h"

#include <algorithm>
#include <numeric>

#include "tensor/device_pass.h"
#include "tensor/parallel.h"
#include "tensor/philox.h"
#include "tensor/recording.h"
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

// Where a draw begins. In a recording the generator goes on from run to run: its place is read when the kernel runs.
struct Start {
  Rng::State state;
  const uint64_t* base = nullptr;
  Rng::State now() const { return base ? Rng::State{state.seed, base[1], state.position + base[0]} : state; }
};

// Moves the generator behind the counters of a draw of n numbers of this type; returns where it was.
Start advance(Rng& rng, DType dtype, int64_t n, Device device) {
  const int64_t each = dtype == float64 ? detail::philox_numbers<double> : detail::philox_numbers<float>;
  const auto counters = uint64_t((n + each - 1) / each);
  Start start{rng.state()};
  if (detail::watching) [[unlikely]] {
    const detail::Recording::Draw draw = detail::watching->draw(rng, counters, device);
    start.base = draw.base;
    start.state.position = draw.offset;
  }
  rng.skip(counters);
  return start;
}

// A draw of numbers of type `dtype` made of those of `source`, on the default device: there by its kernel, here by
// fill(start, tensor).
template <class Fill>
Tensor draw(cuda::Draw kind, Rng& rng, DType source, double p, const Shape& shape, DType dtype, const Fill& fill) {
  const Device device = default_device();
  const Start start = advance(rng, source, shape.numel(), device);
  return detail::replayable([=] {
    Tensor out = Tensor::empty(shape, dtype, device);
    if (!device.is_cuda()) fill(start.now(), out);
    else if (out.numel() > 0)
      backend_of(out).draw(kind, source, {start.state.seed, start.state.stream, start.state.position, start.base}, p,
                           out.numel(), dtype, out.mutable_raw());
    return out;
  });
}

// Makes the numbers of the type by `make(words, numbers)`, group by group.
template <class Group> auto filling(const Group& make) {
  return [make](const Rng::State& start, Tensor& out) {
    dispatch_floating(out.dtype(), "random", [&]<class T>() {
      fill(start, out.mutable_data<T>(), out.numel(), [&](const Words& w, T* o) { make(w, o); });
    });
  };
}
const auto uniform_numbers = filling([](const Words& w, auto* o) { uniform_group(w, o); });
const auto normal_numbers = filling([](const Words& w, auto* o) { normal_group(w, o); });

Tensor uniform_at(const Rng::State& start, const Shape& shape, DType dtype) {
  Tensor out = Tensor::empty(shape, dtype);
  uniform_numbers(start, out);
  return out;
}

void check_floating(DType dtype, const char* op) {
  check(is_floating(dtype), op, ": ", dtype, ": expected float32 or float64");
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
  check_floating(dtype, "uniform");
  return draw(cuda::Draw::uniform, *this, dtype, 0, shape, dtype, uniform_numbers);
}

Tensor Rng::normal(const Shape& shape, DType dtype) {
  if (is_half(dtype)) return cast(normal(shape, float32), dtype);
  check_floating(dtype, "normal");
  return draw(cuda::Draw::normal, *this, dtype, 0, shape, dtype, normal_numbers);
}

Tensor Rng::bernoulli(double p, const Shape& shape, DType dtype) {
  check(p >= 0 && p <= 1, "bernoulli: probability ", p, ": expected 0 to 1");
  if (is_half(dtype)) return cast(bernoulli(p, shape, float32), dtype);
  const DType source = source_of(dtype);
  return draw(cuda::Draw::bernoulli, *this, source, p, shape, dtype, [source, p](const State& start, Tensor& out) {
    Tensor numbers = uniform_at(start, out.shape(), source);
    dispatch_floating(source, "bernoulli", [&]<class T>() {
      T* data = numbers.mutable_data<T>();
      for (int64_t i = 0; i < numbers.numel(); ++i) data[i] = data[i] < T(p) ? T(1) : T(0);
    });
    out = cast(numbers, out.dtype());
  });
}

Tensor Rng::rademacher(const Shape& shape, DType dtype) {
  if (is_half(dtype)) return cast(rademacher(shape, float32), dtype);
  check_floating(dtype, "rademacher");
  return draw(cuda::Draw::rademacher, *this, dtype, 0, shape, dtype, [](const State& start, Tensor& out) {
    uniform_numbers(start, out);
    dispatch_floating(out.dtype(), "rademacher", [&]<class T>() {
      T* data = out.mutable_data<T>();
      for (int64_t i = 0; i < out.numel(); ++i) data[i] = data[i] < T(0.5) ? T(-1) : T(1);
    });
  });
}

Tensor Rng::integers(int64_t below, const Shape& shape) {
  check(below >= 1, "integers: below ", below, ": expected at least 1");
  return draw(cuda::Draw::integers, *this, float64, double(below), shape, int64,
              [below](const State& start, Tensor& out) {
                const Tensor u = uniform_at(start, out.shape(), float64);
                for (int64_t i = 0; i < out.numel(); ++i)
                  out.mutable_data<int64_t>()[i] = detail::integer_below(u.data<double>()[i], below);
              });
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
