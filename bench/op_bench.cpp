// What one operation on one element costs: nothing but overhead, which is what models of small layers spend their time on.

#include <benchmark/benchmark.h>

#include "autograd/apply.h"
#include "tensor/ops/activations.h"

namespace pf {
namespace {

constexpr int64_t chain_length = 256;

void report(benchmark::State& state, int64_t operations_each) {
  state.counters["per_op"] = benchmark::Counter(double(state.iterations()) * double(operations_each),
                                                benchmark::Counter::kIsRate | benchmark::Counter::kInvert);
}

Variable chain(Variable x) {
  for (int64_t i = 0; i < chain_length; ++i) x = tanh(x);
  return x;
}

void op_plain(benchmark::State& state) {
  const Tensor x = ones({1});
  for (auto _ : state) benchmark::DoNotOptimize(tanh(x));
  report(state, 1);
}
BENCHMARK(op_plain);

void op_recorded(benchmark::State& state) {
  const Variable x = tracked(ones({1}));
  for (auto _ : state) benchmark::DoNotOptimize(tanh(x));
  report(state, 1);
}
BENCHMARK(op_recorded);

void op_recorded_two_inputs(benchmark::State& state) {
  const Variable x = tracked(ones({1})), y = tracked(ones({1}));
  for (auto _ : state) benchmark::DoNotOptimize(x * y);
  report(state, 1);
}
BENCHMARK(op_recorded_two_inputs);

void op_recorded_broadcast(benchmark::State& state) {
  const Variable x = tracked(ones({4, 1})), y = tracked(ones({4}));
  for (auto _ : state) benchmark::DoNotOptimize(x * y);
  report(state, 1);
}
BENCHMARK(op_recorded_broadcast);

/// A chain, and the time to forget it, a recorded operation.
void op_chain_forward(benchmark::State& state) {
  const Variable x = tracked(ones({1}));
  for (auto _ : state) benchmark::DoNotOptimize(chain(x));
  report(state, chain_length);
}
BENCHMARK(op_chain_forward);

void op_chain_forward_backward(benchmark::State& state) {
  const Variable x = tracked(ones({1}));
  for (auto _ : state) benchmark::DoNotOptimize(grad(chain(x), x));
  report(state, chain_length);
}
BENCHMARK(op_chain_forward_backward);

void op_chain_second_derivative(benchmark::State& state) {
  const Variable x = tracked(ones({1}));
  for (auto _ : state) benchmark::DoNotOptimize(grad(recorded_grad(chain(x), x), x));
  report(state, chain_length);
}
BENCHMARK(op_chain_second_derivative);

}  // namespace
}  // namespace pf
