#pragma once
// Every pointwise formula of the list as a row of a table, so that a test is one loop, compiled once.

#include <vector>

#include "tensor/ops/op.h"

namespace pf::testing {

struct OpCase {
  const char* name;
  int arity;
  std::vector<Domain> domains;
  bool integers;
  bool closed_form;  // has partials
  const PointwiseKernels* kernels;
  const void* op;  // the formula with its parameters as they are by default
  double (*reference)(const double* x);
  int64_t (*integer_reference)(const int64_t* x);  // null without `integers`
  Tensor (*run)(std::span<const Tensor> x);
  /// The partials as array expressions where there are closed forms, else the formula as a chain of operations.
  std::vector<Tensor> (*chain)(std::span<const Tensor> x, const Tensor& y);
};

/// The library's list, and the tests' own.
const std::vector<OpCase>& op_cases();

}  // namespace pf::testing
