// Operations that were added with one header and one line: kernels, every derivative, and checks come with them.

#include <gtest/gtest.h>

#include "autograd/op_check.h"
#include "tests/autograd/extension/all.h"

namespace pf {
namespace {

TEST(Extension, operations_of_the_list_keep_all_laws) {
#define PF_ENTRY(F) pointwise_entry<F>(),
  const std::vector<OpEntry> entries = {PF_ALL_OPS_OF_tests_autograd(PF_ENTRY)};
#undef PF_ENTRY
  ASSERT_EQ(entries.size(), 2u);
  for (const OpEntry& entry : entries)
    for (const OpCheck& check : check_op(entry)) EXPECT_TRUE(check.ok()) << entry.name << ", " << to_string(check);
}

TEST(Extension, a_trainable_beta) {
  const Variable x = tracked(tensor({-1, 0.5, 2})), beta = tracked(tensor({1.0}), "beta");
  const std::vector<Tensor> g = grad(sum(swish_beta(x, beta)), std::vector{x, beta});
  EXPECT_EQ(g[1].shape(), (Shape{1}));
}

}  // namespace
}  // namespace pf
