// Matrix products against the same call of OpenBLAS on memory that is there already: what shapes, strides, a fresh result
// and the choice of panels cost.

#include <benchmark/benchmark.h>
#include <cblas.h>

#include "tensor/gemm.h"
#include "tensor/ops/matmul.h"
#include "tensor/random.h"

namespace pf {
namespace {

struct Operands {
  Tensor a, b;
  bool a_transposed, b_transposed;
};
Operands operands(const benchmark::State& state) {
  Rng rng(1);
  const int64_t n = state.range(0);
  return {rng.normal({n, n}), rng.normal({n, n}), state.range(1) != 0, state.range(2) != 0};
}
void report(benchmark::State& state) {
  const double n = double(state.range(0));
  state.counters["GFLOP/s"] =
      benchmark::Counter(double(state.iterations()) * 2e-9 * n * n * n, benchmark::Counter::kIsRate);
}

void matmul_ours(benchmark::State& state) {
  const Operands o = operands(state);
  const Tensor a = o.a_transposed ? transpose(o.a) : o.a, b = o.b_transposed ? transpose(o.b) : o.b;
  for (auto _ : state) benchmark::DoNotOptimize(matmul(a, b));
  report(state);
}

void matmul_openblas(benchmark::State& state) {
  detail::hold_blas_to_one_thread();
  const Operands o = operands(state);
  const int n = int(state.range(0));
  std::vector<float> c(size_t(n) * size_t(n));
  for (auto _ : state) {
    cblas_sgemm(CblasRowMajor, o.a_transposed ? CblasTrans : CblasNoTrans, o.b_transposed ? CblasTrans : CblasNoTrans,
                n, n, n, 1, o.a.data<float>(), n, o.b.data<float>(), n, 0, c.data(), n);
    benchmark::ClobberMemory();
  }
  report(state);
}

void shapes(benchmark::internal::Benchmark* benchmark) {
  for (int64_t n : {8, 16, 32, 64, 128, 256, 512, 1024})
    for (int64_t a : {0, 1})
      for (int64_t b : {0, 1}) benchmark->Args({n, a, b});
  benchmark->ArgNames({"n", "ta", "tb"});
}
BENCHMARK(matmul_ours)->Apply(shapes);
BENCHMARK(matmul_openblas)->Apply(shapes);

/// A layer of a small network: rows × in, in → out.
void linear_layer(benchmark::State& state) {
  Rng rng(1);
  const int64_t in = state.range(0), out = state.range(1);
  const Tensor x = rng.normal({256, in}), weight = rng.normal({out, in}), bias = rng.normal({out});
  for (auto _ : state) benchmark::DoNotOptimize(linear(x, weight, bias));
}
BENCHMARK(linear_layer)->ArgNames({"in", "out"})->Args({1, 64})->Args({64, 64})->Args({64, 2})->Args({128, 128});

void linear_layer_backward(benchmark::State& state) {
  Rng rng(1);
  const int64_t in = state.range(0), out = state.range(1);
  const Tensor x = rng.normal({256, in}), weight = rng.normal({out, in}), bias = rng.normal({out});
  const Tensor g = rng.normal({256, out});
  for (auto _ : state) benchmark::DoNotOptimize(AffineMap{}.fused_vjp(Wanted{}, g, x, weight, bias, g));
}
BENCHMARK(linear_layer_backward)
    ->ArgNames({"in", "out"})
    ->Args({1, 64})
    ->Args({64, 64})
    ->Args({64, 2})
    ->Args({128, 128});

}  // namespace
}  // namespace pf
