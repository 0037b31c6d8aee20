#include "autograd/graph.h"

#include <gtest/gtest.h>

#include "autograd/autograd.h"

namespace pf {
namespace {

TEST(ToDot, names_operations_shapes_and_leaves) {
  const Variable w = tracked(zeros({2, 3}), "layer \"1\"\\weight"), b = tracked(zeros({3}));
  const std::string text = to_dot(sum(w * 2.0 + b));
  for (const char* part : {"digraph {", "label=\"layer \\\"1\\\"\\\\weight\\n[2, 3]\", shape=box",
                           "label=\"leaf\\n[3]\", shape=box", "label=\"scale\\n[2, 3]\"", "label=\"expand\\n[2, 3]\"",
                           "label=\"add\\n[2, 3]\"", "label=\"sum\\n[]\"", " -> n"})
    EXPECT_NE(text.find(part), std::string::npos) << part << "\nin\n" << text;
}

TEST(ToDot, of_a_constant_is_empty) { EXPECT_EQ(to_dot(Variable(ones({2}))).find("label"), std::string::npos); }

TEST(ToDot, draws_a_shared_node_once) {
  const Variable x = tracked(ones({2}), "x");
  const std::string text = to_dot(x * x);
  EXPECT_EQ(text.find("\"x\\n"), text.rfind("\"x\\n"));
}

}  // namespace
}  // namespace pf
