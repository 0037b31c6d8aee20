// The operation that tensor/README.md walks through, compiled from that text.

#include <gtest/gtest.h>

#include <cmath>

#include "autograd/op_check.h"
#include "ops/wavelet.h"

namespace pf {
namespace {

TEST(Walkthrough, AnOperationIsOneHeaderAndOneLine) {
  EXPECT_NEAR(wavelet(tensor({0.5}, float64)).item(), std::exp(-0.25) * std::cos(0.5), 1e-14);
  const std::vector<OpCheck> checks = check_op(pointwise_entry<Wavelet>());
  EXPECT_GT(checks.size(), 4u);
  for (const OpCheck& check : checks) EXPECT_TRUE(check.ok()) << to_string(check);
}

}  // namespace
}  // namespace pf
