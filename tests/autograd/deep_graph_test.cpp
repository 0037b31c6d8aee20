// A chain of 300,000 operations on a stack of 1 MiB: nothing that goes over a graph may recurse.

#include <gtest/gtest.h>
#include <pthread.h>

#include "autograd/autograd.h"
#include "autograd/checkpoint.h"
#include "autograd/graph.h"
#include "tensor/ops/all.h"
#include "tests/autograd/support.h"

namespace pf {
namespace {

constexpr int depth = 300000;

/// Runs f in a thread with a stack of 1 MiB.
void on_small_stack(std::function<void()> f) {
  pthread_attr_t attributes;
  pthread_attr_init(&attributes);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 1 << 20), 0);
  pthread_t thread;
  auto run = [](void* body) -> void* {
    (*static_cast<std::function<void()>*>(body))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &f), 0);
  pthread_join(thread, nullptr);
  pthread_attr_destroy(&attributes);
}

Variable chain(const Variable& x) {
  Variable y = x;
  for (int i = 0; i < depth; ++i) y = sin(y);
  return y;
}

TEST(DeepGraph, plain_walk) {
  on_small_stack([] {
    const Variable x = testing_support::number(1e-3);
    Variable y = chain(x);
    const double kept = grad(y, x).item();
    EXPECT_GT(kept, 0);
    EXPECT_LT(kept, 1);
    EXPECT_EQ(grad(std::move(y), x).item(), kept) << "released on the way";
  });
}

TEST(DeepGraph, recorded_walk_and_forward_mode) {
  on_small_stack([] {
    const Variable x = testing_support::number(1e-3);
    const Variable y = chain(x);
    const Variable g = recorded_grad(y, x);
    EXPECT_EQ(g.item(), grad(y, x).item());
    EXPECT_LT(grad(g, x).item(), 0) << "a derivative of the derivative goes over both chains";
    const Tensor t = ones({}, float64);
    EXPECT_NEAR(push_tangents<Tensor>(y, std::span(&x, 1), std::span(&t, 1)).item(), g.item(), 1e-12);
  });
}

TEST(DeepGraph, destruction_alone_and_of_a_wide_graph) {
  on_small_stack([] {
    const Variable x = testing_support::number(1e-3);
    { const Variable y = chain(x); }
    std::vector<Variable> many;
    for (int i = 0; i < depth; ++i) many.push_back(x * double(i));
    many.clear();
    SUCCEED();
  });
}

TEST(DeepGraph, drawing_and_checkpoint) {
  on_small_stack([] {
    const Variable x = testing_support::number(1e-3);
    const std::string text = to_dot(chain(x));
    EXPECT_GT(text.size(), size_t(depth) * 20);
    const Variable y = checkpoint(chain, x);
    EXPECT_GT(grad(y, x).item(), 0);
  });
}

}  // namespace
}  // namespace pf
