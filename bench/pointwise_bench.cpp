// Every formula of the list, forward and backward, beside a plain copy of as many bytes: `of_copy` is its time in units of
// the copy's. On 4096 elements everything is in the cache and the arithmetic shows; on 4 million it is memory traffic.

#include <benchmark/benchmark.h>

#include <algorithm>
#include <chrono>
#include <cstring>

#include "models/flow/affine_coupling.h"
#include "tensor/ops/all.h"
#include "tensor/random.h"

namespace pf {
namespace {

constexpr int64_t in_cache = 4096, in_memory = int64_t(1) << 22;

/// Seconds to copy so much that `bytes` are touched, half of them read and half written.
double copy_seconds(int64_t bytes) {
  std::vector<std::byte> from(static_cast<size_t>(bytes / 2), std::byte(1)), to(from.size());
  const int64_t rounds = std::max<int64_t>(5, (int64_t(1) << 27) / bytes);
  double best = 1;
  for (int64_t i = 0; i < rounds; ++i) {
    const auto start = std::chrono::steady_clock::now();
    std::memcpy(to.data(), from.data(), from.size());
    benchmark::DoNotOptimize(to.data());
    benchmark::ClobberMemory();
    best = std::min(best, std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count());
  }
  return best;
}

void report(benchmark::State& state, int64_t elements, int64_t arrays) {
  const int64_t bytes = elements * arrays * int64_t(sizeof(float));
  state.SetBytesProcessed(state.iterations() * bytes);
  using benchmark::Counter;
  state.counters["per_element"] = Counter(double(state.iterations() * elements), Counter::kIsRate | Counter::kInvert);
  state.counters["of_copy"] =
      Counter(double(state.iterations()) * copy_seconds(bytes), Counter::kIsRate | Counter::kInvert);
}

template <class F> std::array<Tensor, F::arity> inputs(int64_t n) {
  Rng rng(1);
  std::array<Tensor, F::arity> out;
  for (int i = 0; i < F::arity; ++i) {
    const Domain domain = domain_of<F>(i);
    out[size_t(i)] = rng.uniform({n}) * (domain.high - domain.low) + domain.low;
  }
  return out;
}

template <class F> void forward(benchmark::State& state) {
  const auto x = inputs<F>(state.range(0));
  for (auto _ : state) std::apply([](const auto&... in) { benchmark::DoNotOptimize(apply(F{}, in...)); }, x);
  report(state, state.range(0), F::arity + 1);
}

template <class F> void backward(benchmark::State& state) {
  const auto x = inputs<F>(state.range(0));
  const F f;
  const Tensor y = std::apply([](const auto&... in) { return apply(F{}, in...); }, x), g = ones_like(y);
  std::array<const Tensor*, F::arity> values;
  for (size_t i = 0; i < x.size(); ++i) values[i] = &x[i];
  for (auto _ : state) {
    std::array<Tensor, F::arity> grads;
    std::array<Tensor*, F::arity> out;
    for (size_t i = 0; i < x.size(); ++i) out[i] = &grads[i];
    pointwise_vjp(pointwise_kernels<F>(), &f, g, values, y, out);
    benchmark::DoNotOptimize(grads);
  }
  report(state, state.range(0), 2 * F::arity + 1);  // inputs, g, gradients
}

template <class F> void add_benchmarks() {
  for (int64_t n : {in_cache, in_memory}) {
    benchmark::RegisterBenchmark((std::string("pointwise/") + F::name + "/forward").c_str(), forward<F>)->Arg(n);
    benchmark::RegisterBenchmark((std::string("pointwise/") + F::name + "/backward").c_str(), backward<F>)->Arg(n);
  }
}

/// The long formula, (x - t) · exp(-tanh s), once as one operation (affine_pull) and once as five.
void as_a_chain(benchmark::State& state) {
  const auto [x, s, t] = inputs<AffinePull>(state.range(0));
  for (auto _ : state) benchmark::DoNotOptimize((x - t) * exp(-tanh(s)));
  report(state, state.range(0), 4);
}

const bool added = [] {
#define PF_ADD(F) add_benchmarks<F>();
  PF_ALL_OPS(PF_ADD)
  add_benchmarks<AffinePull>();
  benchmark::RegisterBenchmark("pointwise/affine_pull/forward_as_chain", as_a_chain)->Arg(in_cache)->Arg(in_memory);
  return true;
}();

}  // namespace
}  // namespace pf
