#include "tests/tensor/op_cases.h"

#include "tensor/ops/all.h"
#include "tensor/ops/reduce.h"  // sum_to, the adjoint of expand
#include "tests/tensor/all.h"

namespace pf::testing {
namespace {

template <class F, size_t... I> OpCase make_case(std::index_sequence<I...>) {
  static const F f{};
  OpCase out;
  out.name = F::name;
  out.arity = F::arity;
  out.domains = {domain_of<F>(int(I))...};
  out.integers = requires { F::integers; };
  out.closed_form = has_partials<F>;
  out.kernels = &pointwise_kernels<F>();
  out.op = &f;
  out.reference = [](const double* x) { return f(x[I]...); };
  out.integer_reference = nullptr;
  if constexpr (requires { F::integers; }) out.integer_reference = [](const int64_t* x) { return f(x[I]...); };
  out.run = [](std::span<const Tensor> x) { return apply(f, x[I]...); };
  out.chain = [](std::span<const Tensor> x, const Tensor& y) {
    if constexpr (has_partials<F>) {
      auto partials = partials_of(f, y, x[I]...);
      return std::vector<Tensor>(partials.begin(), partials.end());
    } else {
      return std::vector<Tensor>{f(x[I]...)};
    }
  };
  return out;
}
template <class F> OpCase make_case() { return make_case<F>(std::make_index_sequence<F::arity>{}); }

}  // namespace

const std::vector<OpCase>& op_cases() {
  static const std::vector<OpCase> cases = {
#define PF_CASE(F) make_case<F>(),
      PF_ALL_OPS(PF_CASE) PF_ALL_OPS_OF_tests_tensor(PF_CASE)
#undef PF_CASE
  };
  return cases;
}

}  // namespace pf::testing
