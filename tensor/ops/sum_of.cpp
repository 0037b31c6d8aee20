#include "tensor/ops/sum_of.h"

#include <algorithm>

#include "tensor/device_pass.h"
#include "tensor/parallel.h"
#include "tensor/pointwise.h"
#include "tensor/reduction.h"

namespace pf::detail {
namespace {

constexpr int64_t block = PreparedPass::max_block;  // values of the formula that live at a time

// Whether only trailing axes are reduced, so that the elements of one sum lie together.
bool trailing(const Shape& shape, const std::array<bool, max_rank>& flags) {
  bool seen = false;
  for (int i = 0; i < shape.rank(); ++i) {
    if (shape[i] == 1) continue;
    if (seen && !flags[i]) return false;
    seen |= flags[i];
  }
  return true;
}

template <class T>
void sum_rows(const PointwiseKernels& kernels, const void* op, const PointwisePass& pass, int64_t n, T* sums) {
  const auto kernel = kernels.forward[int(dtype_of<T>())];
  const int64_t rows = pass.shape.numel() / n;
  const PreparedPass prepared(pass);
  // Short rows: several a block. Long rows: in pieces, one after the other, added pairwise.
  const int64_t per_block = std::max<int64_t>(1, block / n), piece = std::min(n, reduce_chunk);
  const int64_t pieces = (n + piece - 1) / piece;
  const int64_t per_chunk = pieces > 1 ? 1 : std::max<int64_t>(1, reduce_chunk / n);
  const int64_t groups = (rows + per_chunk - 1) / per_chunk;
  std::vector<T> partial(pieces > 1 ? static_cast<size_t>(rows * pieces) : 0);
  parallel_for(groups * pieces, [&](int64_t task) {
    alignas(64) T values[block];
    if (pieces > 1) {
      const int64_t row = task / pieces, from = task % pieces * piece, to = std::min(n, from + piece);
      PairwiseStream<Adding, T> stream;
      prepared.run(row * n + from, row * n + to, block, [&](int64_t count, const void* const* x, void* const*) {
        kernel(op, count, x, values);
        stream.add(reduce_block_run<Adding>(values, count));
      });
      partial[size_t(task)] = stream.result();
      return;
    }
    const int64_t first = task * per_chunk, last = std::min(rows, first + per_chunk);
    if (n <= block) {
      T* to = sums + first;
      prepared.run(first * n, last * n, per_block * n, [&](int64_t count, const void* const* x, void* const*) {
        kernel(op, count, x, values);
        ReducePlan plan;
        plan.kept.list[plan.kept.count++] = {count / n, n};
        plan.reduced.list[plan.reduced.count++] = {n, 1};
        reduce_rows<Adding>(values, plan, to);
        to += count / n;
      });
      return;
    }
    for (int64_t row = first; row < last; ++row) {
      PairwiseStream<Adding, T> stream;
      prepared.run(row * n, (row + 1) * n, block, [&](int64_t count, const void* const* x, void* const*) {
        kernel(op, count, x, values);
        stream.add(reduce_block_run<Adding>(values, count));
      });
      sums[row] = stream.result();
    }
  });
  if (pieces > 1)
    for (int64_t row = 0; row < rows; ++row) {
      PairwiseStream<Adding, T> stream;
      for (int64_t p = 0; p < pieces; ++p) stream.add(partial[size_t(row * pieces + p)]);
      sums[row] = stream.result();
    }
}

}  // namespace

Tensor sum_of_forward(const PointwiseKernels& kernels, const void* op, const Axes& axes, bool keepdim,
                      std::span<const Tensor* const> inputs) {
  const DType dtype = common_dtype(kernels.name, inputs);
  const Shape& shape = inputs[0]->shape();
  const auto flags = axes.flags(shape.rank(), "sum_of");
  const int64_t n = reduced_count(shape, axes, "sum_of");
  if (!is_floating(dtype) || shape.numel() == 0 || !trailing(shape, flags) || device_of(inputs).is_cuda())
    return Sum{axes, keepdim}.eval(pointwise_forward(kernels, op, inputs));
  std::array<Tensor, max_pass_inputs> operands;
  PointwisePass pass;
  pass.shape = shape;
  for (size_t i = 0; i < inputs.size(); ++i) {
    operands[i] = as_operand(*inputs[i], dtype);
    pass.read(operands[i]);
  }
  Tensor out = Tensor::empty(reduced_shape(shape, axes, keepdim, "sum_of"), dtype);
  dispatch_floating(dtype, kernels.name, [&]<class T>() { sum_rows(kernels, op, pass, n, out.mutable_data<T>()); });
  return out;
}

void sum_of_vjp(const PointwiseKernels& kernels, const void* op, const Axes& axes, bool reads_output, const Tensor& g,
                std::span<const Tensor* const> inputs, std::span<Tensor* const> grads) {
  const int n = int(inputs.size());
  const DType dtype = g.dtype();
  const Shape& shape = inputs[0]->shape();
  const Tensor spread_g = spread(g, axes, shape, "sum_of");
  if (g.device().is_cuda()) {
    const Tensor y = reads_output ? pointwise_forward(kernels, op, inputs) : g;
    return pointwise_vjp(kernels, op, spread_g, inputs, reads_output ? y : spread_g, grads);
  }
  std::array<Tensor, max_pass_inputs> operands;
  PointwisePass pass;
  pass.shape = shape;
  for (int i = 0; i < n; ++i) {
    operands[i] = as_operand(*inputs[i], dtype);
    pass.read(operands[i]);
  }
  pass.read(spread_g);
  for (Tensor* grad : grads) {
    if (grad) *grad = Tensor::empty(shape, dtype);
    pass.write(grad ? grad->mutable_raw() : nullptr, dtype);
  }
  if (shape.numel() == 0) return;
  const auto forward = kernels.forward[int(dtype)];
  const auto vjp = kernels.vjp[int(dtype)];
  const PreparedPass prepared(pass);
  const int64_t count = shape.numel();
  parallel_for((count + reduce_chunk - 1) / reduce_chunk, [&](int64_t c) {
    alignas(64) std::byte values[block * 8];
    prepared.run(c * reduce_chunk, std::min(count, (c + 1) * reduce_chunk), block,
                 [&](int64_t size, const void* const* x, void* const* out) {
                   if (reads_output) forward(op, size, x, values);
                   vjp(op, size, x[n], x, reads_output ? values : x[0], out);
                 });
  });
}

}  // namespace pf::detail
