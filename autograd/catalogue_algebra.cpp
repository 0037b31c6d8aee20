#include "autograd/catalogue_parts.h"
#include "tensor/ops/causal_attention.h"
#include "tensor/ops/layer_norm.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/spline.h"

namespace pf::detail {

std::vector<OpEntry> algebra_entries() {
  constexpr auto invertible = Values::invertible, definite = Values::positive_definite;
  const Skips square = {{"0-d", "works on matrices"}, {"repeated", "equal rows: the matrix has no inverse"}};
  const std::vector<OpSample> any_square = {{"matrix", {{{3, 3}, {}, invertible}}},
                                            {"batch", {{{2, 2, 2}, {}, invertible}}},
                                            {"empty", {{{0, 2, 2}, {}, invertible}}}};
  const std::vector<OpSample> symmetric = {{"matrix", {{{3, 3}, {}, definite}}},
                                           {"batch", {{{2, 2, 2}, {}, definite}}},
                                           {"empty", {{{0, 2, 2}, {}, definite}}}};
  const std::vector<OpSample> equations = {{"matrix", {{{3, 3}, {}, invertible}, {{3, 2}}}},
                                           {"vector", {{{3, 3}, {}, invertible}, {{3}}}},
                                           {"broadcast", {{{2, 2, 2}, {}, invertible}, {{2, 3}}}},
                                           {"empty", {{{0, 2, 2}, {}, invertible}, {{0, 2, 1}}}}};
  const Skips row_op = {{"0-d", needs_axes}};
  const Domain narrow = {-2, 2};

  return {
      entry<MatMul, 2>("matrix product, with batches that broadcast", [](Inputs x) { return matmul(x[0], x[1]); },
                       {{"matrix", {{{3, 4}}, {{4, 2}}}},
                        {"batch", {{{2, 3, 2}}, {{2, 2, 3}}}},
                        {"broadcast", {{{2, 1, 3, 2}}, {{2, 2, 1}}}},
                        {"vectors", {{{3}}, {{3}}}},
                        {"empty", {{{0, 3}}, {{3, 2}}}},
                        {"empty inside", {{{2, 0}}, {{0, 3}}}}},
                       {{"0-d", "works on matrices and vectors"}}),
      entry<AffineMap, 3>("x Wᵀ + b", [](Inputs x) { return linear(x[0], x[1], x[2]); },
                          {{"rows", {{{4, 3}}, {{2, 3}}, {{2}}}},
                           {"batch", {{{2, 2, 3}}, {{2, 3}}, {{2}}}},
                           {"vector", {{{3}}, {{2, 3}}, {{2}}}},
                           {"empty", {{{0, 3}}, {{2, 3}}, {{2}}}}},
                          {{"0-d", "works on matrices and vectors"}}),
      entry<LayerNormOp, 3>(
          "rows with mean 0 and variance 1, scaled and shifted", [](Inputs x) { return layer_norm(x[0], x[1], x[2]); },
          {{"rows", {{{3, 5}}, {{5}}, {{5}}}},
           {"batch", {{{2, 2, 4}}, {{4}}, {{4}}}},
           {"empty", {{{0, 3}}, {{3}}, {{3}}}}},
          row_op),
      entry<CausalAttention, 3>("attention of tokens to those up to themselves",
                                [](Inputs x) { return causal_attention(x[0], x[1], x[2]); },
                                {{"one head", {{{4, 3}}, {{4, 3}}, {{4, 3}}}},
                                 {"heads", {{{2, 2, 5, 2}}, {{2, 2, 5, 2}}, {{2, 2, 5, 2}}}},
                                 {"empty", {{{0, 3}}, {{0, 3}}, {{0, 3}}}}},
                                {{"0-d", "works on matrices"}}),
      entry<Spline, 2>("monotone rational-quadratic spline, forward: y and log|dy/dx|",
                       [](Inputs x) {
                         return apply(Spline{3, false}, x[0], x[1]);
                       },
                       {{"inside", {{{2, 3}, {-2.9, 2.9}}, {{2, 3, 8}, narrow}}},
                        {"outside", {{{2, 2}, {3.1, 5}}, {{2, 2, 8}, narrow}}},
                        {"0-d", {{{}, {-2.9, 2.9}}, {{5}, narrow}}},
                        {"empty", {{{0, 3}}, {{0, 3, 8}}}}}),
      entry<Spline, 2>("monotone rational-quadratic spline, inverse",
                       [](Inputs x) {
                         return apply(Spline{3, true}, x[0], x[1]);
                       },
                       {{"inside", {{{2, 3}, {-2.9, 2.9}}, {{2, 3, 8}, narrow}}},
                        {"outside", {{{2, 2}, {3.1, 5}}, {{2, 2, 8}, narrow}}},
                        {"0-d", {{{}, {-2.9, 2.9}}, {{5}, narrow}}},
                        {"empty", {{{0, 3}}, {{0, 3, 8}}}}}),
      entry<Cholesky>(
          "the lower triangular factor of a symmetric positive definite matrix",
          [](Inputs x) { return cholesky((x[0] + transpose(x[0])) * 0.5); }, symmetric, square),
      entry<SolveTriangular, 2>(
          "A⁻¹ B for a triangular A", [](Inputs x) { return solve_triangular(x[0], x[1]); }, equations, square),
      composite(
          "solve_triangular", "upper and transposed",
          [](Inputs x) { return solve_triangular(x[0], x[1], {.upper = true, .transposed = true}); }, equations,
          square),
      entry<Solve, 2>(
          "A⁻¹ B", [](Inputs x) { return solve(x[0], x[1]); }, equations, square),
      entry<Inverse>(
          "A⁻¹", [](Inputs x) { return inverse(x[0]); }, any_square, square),
      entry<LogAbsDet>(
          "log|det A|", [](Inputs x) { return slogdet(x[0]).log_abs; }, any_square, square),
      entry<Det>(
          "det A", [](Inputs x) { return det(x[0]); }, any_square, square),
  };
}

}  // namespace pf::detail
