#pragma once
// The nodes of the operations that most sources record are compiled once, in common_nodes*.cpp; the nodes of all others
// by the sources that record them. Nothing needs to be listed here: it only saves compile time.

#include "autograd/op_node.h"
#include "tensor/ops/activations.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/hyperbolic.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/power.h"
#include "tensor/ops/softmax.h"
#include "tensor/ops/where.h"

// clang-format off
#define PF_COMMON_POINTWISE_NODES(X)                                                                            \
  X(OpNode<Add, 2>) X(OpNode<Sub, 2>) X(OpNode<Mul, 2>) X(OpNode<Div, 2>) X(OpNode<Neg, 1>) X(OpNode<Scale, 1>) \
  X(OpNode<Shift, 1>) X(OpNode<Exp, 1>) X(OpNode<Log, 1>) X(OpNode<Square, 1>) X(OpNode<Sqrt, 1>)               \
  X(OpNode<Rsqrt, 1>) X(OpNode<Tanh, 1>) X(OpNode<Sigmoid, 1>) X(OpNode<Softplus, 1>) X(OpNode<Silu, 1>)

#define PF_COMMON_ARRAY_NODES(X)                                                                           \
  X(OpNode<Reshape, 1>) X(OpNode<Permute, 1>) X(OpNode<Expand, 1>) X(OpNode<Slice, 1>) X(OpNode<Embed, 1>) \
  X(OpNode<Pick, 1>) X(OpNode<Sum, 1>) X(OpNode<Mean, 1>) X(OpNode<SumTo, 1>) X(OpNode<MatMul, 2>)         \
  X(OpNode<AffineMap, 3>) X(OpNode<IndexSelect, 1>) X(OpNode<IndexAdd, 1>) X(OpNode<Gather, 1>)            \
  X(OpNode<ScatterAdd, 1>) X(OpNode<Where, 2>) X(OpNode<Softmax, 1>) X(OpNode<LogSoftmax, 1>)              \
  X(OpNode<LogSumExp, 1>) X(ListNode<Concat>) X(ListNode<Stack>)
// clang-format on

namespace pf::detail {
#define PF_COMPILED_ELSEWHERE(...) extern template class __VA_ARGS__;
PF_COMMON_POINTWISE_NODES(PF_COMPILED_ELSEWHERE)
PF_COMMON_ARRAY_NODES(PF_COMPILED_ELSEWHERE)
#undef PF_COMPILED_ELSEWHERE
}  // namespace pf::detail
