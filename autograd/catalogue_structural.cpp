#include "autograd/catalogue_parts.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/cast.h"
#include "tensor/ops/join.h"
#include "tensor/ops/losses.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/scan.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/sort.h"
#include "tensor/ops/sum_of.h"
#include "tensor/ops/triangle.h"

namespace pf::detail {

Tensor cycle(const Shape& shape, int64_t below, Device device) {
  Tensor out = Tensor::empty(shape, int64);
  for (int64_t i = 0; i < out.numel(); ++i) out.mutable_data<int64_t>()[i] = i % below;
  return to_device(out, device);
}

namespace {

constexpr auto distinct = Values::distinct;

Shape with_size(Shape shape, int axis, int64_t size) {
  shape[axis] = size;
  return shape;
}
Shape three_of(Shape shape) {
  shape.insert(0, 3);
  return shape;
}

}  // namespace

std::vector<OpEntry> structural_entries() {
  const std::vector<OpSample> any_shape = {
      {"matrix", {{{3, 4}}}}, {"cube", {{{2, 3, 4}}}}, {"0-d", {{{}}}}, {"empty", {{{0, 3}}}}};
  const std::vector<OpSample> with_axes = {{"matrix", {{{3, 4}}}}, {"cube", {{{2, 3, 4}}}}, {"empty", {{{0, 3}}}}};
  const std::vector<OpSample> matrices = {{"square", {{{4, 4}}}}, {"wide", {{{2, 3, 4}}}}, {"empty", {{{0, 3}}}}};
  const std::vector<OpSample> sorted = {{"matrix", {{{3, 4}, {}, distinct}}}, {"cube", {{{2, 3, 4}, {}, distinct}}}};
  const Skips axes = {{"0-d", needs_axes}};
  const Skips ties = {
      {"0-d", needs_axes}, {"empty", needs_elements}, {"repeated", "equal elements: the derivative jumps there"}};
  Skips ties_or_empty = ties;
  ties_or_empty.erase("empty");
  std::vector<OpSample> sorted_or_empty = sorted;
  sorted_or_empty.push_back({"empty", {{{0, 3}, {}, distinct}}});

  return {
      // Views.
      entry<Reshape>("the same elements under another shape",
                     [](Inputs x) {
                       return reshape(x[0], {-1, 1, 1});
                     },
                     {{"matrix", {{{3, 4}}}}, {"0-d", {{{}}}}},
                     {{"empty", "a size of -1 cannot be found from no elements"}}),
      entry<Cast>(
          "elements of another type",
          [](Inputs x) {
            return apply(Cast{x[0].dtype(), x[0].dtype()}, x[0]);
          },
          any_shape),
      entry<Permute>(
          "axes in another order", [](Inputs x) { return movedim(x[0], 0, -1); }, with_axes, axes),
      entry<Expand>(
          "repeated along axes of size 1 and new ones", [](Inputs x) { return expand(x[0], three_of(x[0].shape())); },
          any_shape),
      entry<Flip>(
          "the order along an axis reversed", [](Inputs x) { return flip(x[0], -1); }, with_axes, axes),
      entry<Slice>(
          "every step-th element of a range, backwards here", [](Inputs x) { return slice(x[0], -1, -1, {}, -2); },
          with_axes, axes),
      entry<Pick>(
          "one position of an axis", [](Inputs x) { return pick(x[0], -1, 1); }, with_axes, axes),
      entry<Embed>(
          "elements put into zeros: the adjoint of slice",
          [](Inputs x) {
            const int last = x[0].rank() - 1;
            const int64_t n = x[0].size(last);
            return apply(Embed{with_size(x[0].shape(), last, 2 * n + 1), last, 1, 2 * n + 1, 2}, x[0]);
          },
          with_axes, axes),
      composite(
          "unsqueeze", "a new axis of size 1", [](Inputs x) { return unsqueeze(x[0], 0); }, any_shape),
      composite(
          "chunk", "equal parts of an axis",
          [](Inputs x) {
            auto [a, b] = chunk<2>(x[0]);
            return a * b;
          },
          {{"matrix", {{{3, 4}}}}, {"empty", {{{0, 4}}}}}, axes),

      // Joining.
      entry<Concat, 3>(
          "arrays one after the other", [](Inputs x) { return concat(x, 0); },
          {{"three", {{{1, 4}}, {{3, 4}}, {{2, 4}}}}, {"empty", {{{0, 4}}, {{2, 4}}, {{1, 4}}}}}, axes),
      entry<Stack, 3>("arrays along a new axis", [](Inputs x) { return stack(x, -1); },
                      {{"three", {{{2, 3}}, {{2, 3}}, {{2, 3}}}},
                       {"0-d", {{{}}, {{}}, {{}}}},
                       {"empty", {{{0, 3}}, {{0, 3}}, {{0, 3}}}}}),
      composite(
          "pad", "margins of a given value", [](Inputs x) { return pad(x[0], -1, 2, 1, 0.5); }, with_axes, axes),
      composite(
          "tile", "written several times", [](Inputs x) { return tile(x[0], 3, -1); }, with_axes, axes),
      composite(
          "repeat_interleave", "each position written several times",
          [](Inputs x) { return repeat_interleave(x[0], 2, 0); }, with_axes, axes),
      composite(
          "roll", "positions moved around the end", [](Inputs x) { return roll(x[0], 1, -1); }, with_axes, axes),

      // Indexing.
      entry<Gather>(
          "the elements at given positions of an axis",
          [](Inputs x) {
            const int last = x[0].rank() - 1;
            return gather(x[0], last, cycle(with_size(x[0].shape(), last, 5), 3, x[0].device()));
          },
          with_axes, axes),
      entry<ScatterAdd>(
          "elements added to zeros at given positions: the adjoint of gather",
          [](Inputs x) {
            const int last = x[0].rank() - 1;
            return apply(ScatterAdd{with_size(x[0].shape(), last, 3), last, cycle(x[0].shape(), 3, x[0].device())},
                         x[0]);
          },
          with_axes, axes),
      entry<IndexSelect>(
          "the slices at given positions of an axis",
          [](Inputs x) {
            return index_select(x[0], -1, cycle({2, 3}, 3, x[0].device()));
          },
          with_axes, axes),
      entry<IndexAdd>(
          "slices added to zeros at given positions: the adjoint of index_select",
          [](Inputs x) {
            const int last = x[0].rank() - 1;
            return apply(IndexAdd{with_size(x[0].shape(), last, 2), last, cycle({x[0].size(-1)}, 2, x[0].device())},
                         x[0]);
          },
          with_axes, axes),
      composite(
          "scatter_add", "elements added at given positions",
          [](Inputs x) { return scatter_add(x[0], 0, cycle(x[1].shape(), 3, x[0].device()), x[1]); },
          {{"matrix", {{{3, 4}}, {{5, 4}}}}, {"empty", {{{3, 2}}, {{0, 2}}}}}, axes),
      entry<Where, 2>("one of two arrays by a condition",
                      [](Inputs x) {
                        const Shape shape = broadcast(x[0].shape(), x[1].shape(), "where");
                        return where(equal(cycle(shape, 3, x[0].device()), 1.0), x[0], x[1]);
                      },
                      {{"matrix", {{{3, 4}}, {{3, 4}}}},
                       {"broadcast", {{{3, 1}}, {{4}}}},
                       {"0-d", {{{}}, {{}}}},
                       {"empty", {{{0, 3}}, {{0, 3}}}}}),

      // Reductions and scans.
      entry<Sum>(
          "sum over axes", [](Inputs x) { return sum(x[0], x[0].rank() ? Axes(0) : Axes()); }, any_shape),
      entry<Mean>(
          "mean over axes", [](Inputs x) { return mean(x[0], x[0].rank() ? Axes(-1) : Axes(), true); }, any_shape),
      entry<SumTo>(
          "sum of what was broadcast: the adjoint of expand", [](Inputs x) { return sum_to(x[0], {}); }, any_shape),
      composite(
          "var", "variance over axes", [](Inputs x) { return var(x[0], -1); }, with_axes, axes),
      entry<Extreme<true>>(
          "largest element over axes", [](Inputs x) { return max(x[0], -1); }, sorted_or_empty, ties_or_empty),
      entry<Extreme<false>>(
          "smallest element over axes", [](Inputs x) { return min(x[0], 0, true); }, sorted, ties),
      entry<Norm>(
          "length of vectors along axes", [](Inputs x) { return norm(x[0], x[0].rank() ? Axes(-1) : Axes()); },
          any_shape),
      entry<Cumsum>(
          "running sum", [](Inputs x) { return cumsum(x[0], 0); }, with_axes, axes),
      entry<Prod>(
          "product along an axis", [](Inputs x) { return prod(x[0], -1); }, with_axes, axes),
      entry<SumOf<SquaredError>, 2>(
          "a formula and a sum in one pass: squared error",
          [](Inputs x) { return sum_of(SquaredError{}, -1, x[0], x[1]); },
          {{"matrix", {{{3, 4}}, {{3, 4}}}}, {"broadcast", {{{3, 1}}, {{4}}}}, {"empty", {{{0, 3}}, {{0, 3}}}}}, axes),
      entry<SumOf<NormalLogProb>, 3>("a formula and a sum in one pass: normal log-density",
                                     [](Inputs x) { return sum_of(NormalLogProb{}, {}, x[0], x[1], x[2]); },
                                     {{"matrix", {{{3, 4}}, {{3, 4}}, {{3, 4}, {-1, 1}}}},
                                      {"0-d", {{{}}, {{}}, {{}, {-1, 1}}}},
                                      {"empty", {{{0, 3}}, {{0, 3}}, {{0, 3}}}}}),
      entry<Softmax>(
          "eˣ / Σ eˣ along an axis", [](Inputs x) { return softmax(x[0], 0); }, with_axes, axes),
      entry<LogSoftmax>(
          "x − log Σ eˣ along an axis", [](Inputs x) { return log_softmax(x[0], -1); }, with_axes, axes),
      entry<LogSumExp>(
          "log Σ eˣ over axes", [](Inputs x) { return logsumexp(x[0], -1); }, with_axes, axes),
      composite(
          "sort", "elements in ascending order along an axis", [](Inputs x) { return sort(x[0]).values; },
          sorted_or_empty, ties_or_empty),
      composite(
          "topk", "the largest elements of an axis", [](Inputs x) { return topk(x[0], 2).values; }, sorted_or_empty,
          ties_or_empty),

      // Matrices.
      entry<Diagonal>(
          "a diagonal of matrices", [](Inputs x) { return diagonal(x[0], 1); }, matrices, axes),
      entry<EmbedDiagonal>(
          "vectors as diagonal matrices", [](Inputs x) { return diag_embed(x[0]); }, with_axes, axes),
      entry<Triangle>(
          "one triangle of matrices, zeros in the other", [](Inputs x) { return tril(x[0], -1); }, matrices, axes),
      composite(
          "trace", "the sum of the diagonal", [](Inputs x) { return trace(x[0]); }, matrices, axes),
  };
}

std::vector<OpEntry> undifferentiable_entries() {
  const std::string constant = "the result is constant almost everywhere, and a plain tensor: nothing is recorded";
  auto plain = [&](std::string name, std::string description, auto f) {
    OpEntry out = composite(std::move(name), std::move(description), [f](Inputs x) { return Variable(f(x[0])); },
                            {{"matrix", {{{3, 4}, {}, distinct}}}}, {{"derivatives", constant}});
    out.kind = "not differentiable";
    return out;
  };
  return {
      plain("argmax", "where the largest element is", [](const Variable& x) { return argmax(x, -1); }),
      plain("argmin", "where the smallest element is", [](const Variable& x) { return argmin(x, -1); }),
      plain("argsort", "the order that sorts", [](const Variable& x) { return argsort(x); }),
      plain("searchsorted", "where values belong among sorted ones",
            [](const Variable& x) {
              return searchsorted(to_device(tensor({-1, 0, 1}, x.dtype()), x.device()), x);
            }),
      plain("unique", "the different elements", [](const Variable& x) { return unique(x).values; }),
      plain("less", "comparison; also less_equal, greater, greater_equal, equal, not_equal",
            [](const Variable& x) { return less(x, 0.5); }),
      plain("isnan", "test; also isinf, isfinite", [](const Variable& x) { return isnan(x); }),
      plain("one_hot", "classes as rows with a single 1",
            [](const Variable& x) { return one_hot(cycle({4}, 3, x.device()), 3); }),
  };
}

}  // namespace pf::detail
