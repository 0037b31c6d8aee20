// The walks: chain rule on graphs of every shape, what is pruned, what is an error, derivatives of derivatives.

#include "autograd/engine.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"
#include "tensor/ops/all.h"
#include "tests/autograd/support.h"

namespace pf {
namespace {

using testing_support::error_of;
using testing_support::number;

TEST(Engine, chain_rule) {
  const Variable x = number(0.7);
  EXPECT_NEAR(grad(sin(exp(x)), x).item(), std::cos(std::exp(0.7)) * std::exp(0.7), 1e-14);
}

TEST(Engine, one_input_used_twice_in_one_operation) {
  const Variable x = number(3);
  EXPECT_EQ(grad(x * x, x).item(), 6);
  EXPECT_EQ(grad(x + x, x).item(), 2);
  EXPECT_EQ(grad(x - x, x).item(), 0);
}

TEST(Engine, diamonds_add_up) {
  // Each level doubles the number of paths: 2^40 of them, 40 nodes a side.
  Variable x = number(1), y = x;
  for (int i = 0; i < 40; ++i) y = y * 0.5 + y * 0.5;
  EXPECT_EQ(grad(y, x).item(), 1);
  Variable z = x;
  for (int i = 0; i < 10; ++i) z = z + z;
  EXPECT_EQ(grad(z, x).item(), 1024);
}

TEST(Engine, several_inputs_and_a_requested_intermediate) {
  const Variable x = number(2), y = number(5);
  const Variable middle = x * y;
  const Variable result = middle * middle + x;
  const std::vector<Tensor> g = grad(result, std::vector{x, y, middle});
  EXPECT_EQ(g[0].item(), 2 * 10 * 5 + 1);
  EXPECT_EQ(g[1].item(), 2 * 10 * 2);
  EXPECT_EQ(g[2].item(), 20);
  // As if the intermediate were independent: only the direct path to x remains.
  const std::vector<Tensor> direct = grad(result, std::vector{x, middle}, {.stop_at_targets = true});
  EXPECT_EQ(direct[0].item(), 1);
  EXPECT_EQ(direct[1].item(), 20);
  EXPECT_EQ(grad(x, x).item(), 1) << "the result itself";
}

TEST(Engine, same_input_twice_in_the_list) {
  const Variable x = number(4);
  const std::vector<Tensor> g = grad(x * x, std::vector{x, x});
  EXPECT_EQ(g[0].item(), 8);
  EXPECT_EQ(g[1].item(), 8);
}

TEST(Engine, broadcasting_sums_over_what_was_repeated) {
  const Variable row = tracked(tensor({1, 2, 3}, float64)), column = tracked(tensor({10, 20}, {2, 1}, float64));
  const Variable y = sum(row * column);
  const std::vector<Tensor> g = grad(y, std::vector{row, column});
  EXPECT_EQ(g[0].to_vector<double>(), (std::vector<double>{30, 30, 30}));
  EXPECT_EQ(g[1].to_vector<double>(), (std::vector<double>{6, 6}));
  EXPECT_EQ(g[1].shape(), (Shape{2, 1}));
}

TEST(Engine, inputs_are_older_than_the_node_that_uses_them) {
  // All walks rely on it, also where an operation inserts others, such as the expand of a broadcast operand.
  const Variable x = tracked(ones({3})), y = x * tracked(ones({2, 1})) + 1.0;
  std::vector<const Node*> open{y.node()};
  while (!open.empty()) {
    const Node* node = open.back();
    open.pop_back();
    for (const Variable& in : node->inputs())
      if (in.node()) {
        EXPECT_LT(in.node()->number(), node->number()) << node->name();
        open.push_back(in.node());
      }
  }
}

TEST(Engine, stop_gradient_stops) {
  const Variable x = number(3);
  EXPECT_EQ(grad(x * stop_gradient(x), x).item(), 3);
  EXPECT_FALSE(stop_gradient(x).tracked());
}

TEST(Engine, constants_record_nothing) {
  const Variable a(tensor({1, 2})), b = exp(a) * 2.0 + a;
  EXPECT_FALSE(b.tracked());
  const Variable x = number(1);
  EXPECT_FALSE((x > 0.5).dtype() == float64) << "comparisons give truth values";
}

TEST(Engine, unused_inputs_are_errors_that_name_them) {
  const Variable x = tracked(tensor({1, 2}), "encoder.weight"), y = number(1), constant(tensor({1.0}));
  EXPECT_EQ(error_of([&] { grad(y * y, x); }),
            "grad: `encoder.weight` [2] does not influence the result; leave it out, or pass allow_unused for zeros");
  EXPECT_EQ(error_of([&] {
              grad(y * y, std::vector{y, number(2)});
            }),
            "grad: input 1 [] does not influence the result; leave it out, or pass allow_unused for zeros");
  EXPECT_EQ(error_of([&] { grad(y * y, constant); }), "grad: input 0 [1] is a constant; make it with tracked(…)");
  const std::vector<Tensor> g = grad(y * y, std::vector{y, x}, {.allow_unused = true});
  EXPECT_EQ(g[1].to_vector<float>(), (std::vector<float>{0, 0}));
}

TEST(Engine, a_derivative_of_zero_is_not_unused) {
  const Variable x = number(1.3);
  EXPECT_EQ(grad(floor(x), x).item(), 0);
  EXPECT_EQ(recorded_grad(floor(x), x).item(), 0);
}

TEST(Engine, errors_say_what_to_do) {
  const Variable x = tracked(tensor({1, 2, 3}));
  EXPECT_EQ(
      error_of([&] { grad(x * 2.0, x); }),
      "grad: the result has shape [3]: expected one element; sum or average it first, or use vjp with a cotangent");
  EXPECT_EQ(error_of([&] { pull_cotangents<Tensor>(x * 2.0, std::span(&x, 1), ones({2})); }),
            "grad: cotangent [2] for a result [3]: shapes must agree");
  EXPECT_EQ(error_of([&] { pull_cotangents<Tensor>(x * 2.0, std::span(&x, 1), ones({3}, float64)); }),
            "grad: cotangent float64 for a result float32: types must agree");
  EXPECT_EQ(error_of([&] { tracked(arange(0, 3, 1, int64), "index"); }),
            "tracked: index is int64 [3]: only float32 and float64 have derivatives; convert with cast(x, float32)");
  EXPECT_EQ(error_of([&] { grad(Variable(), x); }), "grad: the result is an empty handle");
}

TEST(Engine, derivatives_of_derivatives) {
  const Variable x = number(0.4);
  const Variable d1 = recorded_grad(sin(x), x), d2 = recorded_grad(d1, x), d3 = recorded_grad(d2, x);
  EXPECT_NEAR(d1.item(), std::cos(0.4), 1e-15);
  EXPECT_NEAR(d2.item(), -std::sin(0.4), 1e-15);
  EXPECT_NEAR(d3.item(), -std::cos(0.4), 1e-15);
  EXPECT_NEAR(grad(d3, x).item(), std::sin(0.4), 1e-15);
}

TEST(Engine, gradient_penalty) {
  // d/dw ‖∇ₓ f‖² where f = Σ tanh(w x): what an adversarial critic is trained with.
  const Variable w = tracked(tensor({0.3, -0.8}, float64)), x = tracked(tensor({0.5, 1.5}, float64));
  auto penalty = [&](const Variable& weights) {
    const Variable g = recorded_grad(sum(tanh(weights * x)), x);
    return sum(g * g);
  };
  const Tensor g = grad(penalty(w), w);
  for (int i = 0; i < 2; ++i) {
    Tensor up = copy(w.value()), down = copy(w.value());
    up.mutable_data<double>()[i] += 1e-6;
    down.mutable_data<double>()[i] -= 1e-6;
    const double difference = (penalty(Variable(up)).item() - penalty(Variable(down)).item()) / 2e-6;
    EXPECT_NEAR(g.at({i}), difference, 1e-8);
  }
}

TEST(Engine, forward_mode_plain_and_recorded) {
  const Variable x = number(0.6), y = number(1.1);
  const Variable z = sin(x * y) + x;
  const std::array inputs{x, y};
  const std::array<Tensor, 2> both{tensor({2.0}, {}, float64), tensor({3.0}, {}, float64)}, one{both[0], Tensor()};
  const double c = std::cos(0.66);
  EXPECT_NEAR(push_tangents<Tensor>(z, inputs, both).item(), 2 * (c * 1.1 + 1) + 3 * c * 0.6, 1e-14);
  EXPECT_NEAR(push_tangents<Tensor>(z, inputs, one).item(), 2 * (c * 1.1 + 1), 1e-14);
  // Forward over reverse equals reverse over reverse.
  const Variable g = recorded_grad(z, x);
  EXPECT_NEAR(push_tangents<Tensor>(g, inputs, one).item(), 2 * grad(g, x).item(), 1e-14);
  // Reverse over forward.
  const std::array<Variable, 2> t{Variable(both[0]), Variable()};
  const Variable rising = push_tangents<Variable>(z, inputs, t);
  EXPECT_NEAR(grad(rising, x).item(), 2 * grad(g, x).item(), 1e-14);
}

TEST(Engine, a_result_that_is_given_away_frees_memory_during_the_walk) {
  const Variable x = tracked(ones({1 << 16}, float32));
  auto loss = [&] {
    Variable y = x;
    for (int i = 0; i < 32; ++i) y = y * y;
    return sum(y);
  };
  auto peak_of = [&](auto&& walk) {
    Variable y = loss();
    const int64_t before = allocator_statistics().live_bytes;
    Tensor g = walk(y);
    const int64_t kept = allocator_statistics().live_bytes;
    EXPECT_EQ(g.at({0}), 4294967296.0);
    return kept - before;
  };
  const int64_t keeping = peak_of([&](Variable& y) { return grad(y, x); });
  const int64_t giving = peak_of([&](Variable& y) { return grad(std::move(y), x); });
  EXPECT_GT(keeping, 0);
  EXPECT_LT(giving, -20 * (1 << 18)) << "the activations are gone when the walk is done";
}

TEST(Engine, steady_state_allocates_nothing) {
  Variable x = tracked(tensor({0.5}));
  auto step = [&] {
    Variable y = x;
    for (int i = 0; i < 100; ++i) y = y * x + x;
    grad(std::move(y), x);
  };
  for (int i = 0; i < 3; ++i) step();
  const int64_t before = allocator_statistics().system_allocations;
  for (int i = 0; i < 50; ++i) step();
  EXPECT_EQ(allocator_statistics().system_allocations, before);
}

TEST(Engine, the_graph_can_be_walked_again) {
  const Variable x = number(2);
  const Variable y = x * x * x;
  EXPECT_EQ(grad(y, x).item(), 12);
  EXPECT_EQ(grad(y, x).item(), 12);
}

TEST(Engine, cotangents_handed_in_stay_what_they_were) {
  // The engine adds into memory of its own only.
  const Variable x = tracked(tensor({1, 2}, float64)), y = tracked(tensor({3, 4}, float64));
  const Tensor g = tensor({10, 20}, float64);
  const Variable s = x + y;
  const std::vector<Tensor> grads = pull_cotangents<Tensor>(s + s + x, std::array{x, y}, g);
  EXPECT_EQ(g.to_vector<double>(), (std::vector<double>{10, 20}));
  EXPECT_EQ(grads[0].to_vector<double>(), (std::vector<double>{30, 60}));
  EXPECT_EQ(grads[1].to_vector<double>(), (std::vector<double>{20, 40}));
}

}  // namespace
}  // namespace pf
