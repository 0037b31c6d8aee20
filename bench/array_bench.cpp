// Random numbers, reductions, and what moves memory: nanoseconds an element and bytes a second.

#include <benchmark/benchmark.h>

#include "tensor/ops/join.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/spline.h"
#include "tensor/random.h"

namespace pf {
namespace {

void report(benchmark::State& state, int64_t elements) {
  state.SetBytesProcessed(state.iterations() * elements * int64_t(sizeof(float)));
  state.counters["per_element"] = benchmark::Counter(double(state.iterations() * elements),
                                                     benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

template <Tensor (Rng::*draw)(const Shape&, DType)> void random_numbers(benchmark::State& state) {
  Rng rng(1);
  for (auto _ : state) benchmark::DoNotOptimize((rng.*draw)({state.range(0)}, float32));
  report(state, state.range(0));
}
BENCHMARK(random_numbers<&Rng::uniform>)->Name("random_uniform")->Arg(512)->Arg(1 << 20);
BENCHMARK(random_numbers<&Rng::normal>)->Name("random_normal")->Arg(512)->Arg(1 << 20);

/// [rows, columns] summed over both axes, over the columns of each row, over the rows of each column.
void sum_all(benchmark::State& state) {
  const Tensor x = ones({state.range(0), state.range(1)});
  for (auto _ : state) benchmark::DoNotOptimize(sum(x));
  report(state, x.numel());
}
void sum_rows(benchmark::State& state) {
  const Tensor x = ones({state.range(0), state.range(1)});
  for (auto _ : state) benchmark::DoNotOptimize(sum(x, 1));
  report(state, x.numel());
}
void sum_columns(benchmark::State& state) {
  const Tensor x = ones({state.range(0), state.range(1)});
  for (auto _ : state) benchmark::DoNotOptimize(sum(x, 0));
  report(state, x.numel());
}
void softmax_rows(benchmark::State& state) {
  const Tensor x = ones({state.range(0), state.range(1)});
  for (auto _ : state) benchmark::DoNotOptimize(softmax(x, -1));
  report(state, x.numel());
}
void shapes(benchmark::internal::Benchmark* benchmark) {
  benchmark->Args({256, 2})->Args({256, 64})->Args({256, 128})->Args({128, 784})->Args({4096, 1024});
}
BENCHMARK(sum_all)->Apply(shapes);
BENCHMARK(sum_rows)->Apply(shapes);
BENCHMARK(sum_columns)->Apply(shapes);
BENCHMARK(softmax_rows)->Apply(shapes);

void copy_transposed(benchmark::State& state) {
  const Tensor x = transpose(ones({state.range(0), state.range(0)}));
  for (auto _ : state) benchmark::DoNotOptimize(contiguous(x));
  report(state, x.numel());
}
BENCHMARK(copy_transposed)->Arg(64)->Arg(2048);

void concat_columns(benchmark::State& state) {
  const std::vector<Tensor> parts{ones({state.range(0), 2}), ones({state.range(0), 1})};
  for (auto _ : state) benchmark::DoNotOptimize(concat(parts, 1));
  report(state, 3 * state.range(0));
}
BENCHMARK(concat_columns)->Arg(256)->Arg(2048);

void spline(benchmark::State& state) {
  Rng rng(1);
  const Tensor x = rng.normal({256, 1}), parameters = rng.normal({256, 1, 23});
  const Spline op{3, true};
  for (auto _ : state) benchmark::DoNotOptimize(op.eval(x, parameters));
  report(state, 256);
}
void spline_backward(benchmark::State& state) {
  Rng rng(1);
  const Tensor x = rng.normal({256, 1}), parameters = rng.normal({256, 1, 23}), g = rng.normal({2, 256, 1});
  const Spline op{3, true};
  for (auto _ : state) benchmark::DoNotOptimize(op.fused_vjp(Wanted{}, g, x, parameters, g));
  report(state, 256);
}
BENCHMARK(spline);
BENCHMARK(spline_backward);

}  // namespace
}  // namespace pf
