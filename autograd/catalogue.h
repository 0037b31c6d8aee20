#pragma once
// The catalogue of operations: what each is, how to call it, and inputs to try it on. Tests, benchmarks and the
// program's lists go over it. The pointwise formulas enter by themselves (tensor/ops/ops.def); every other operation is
// one line in catalogue_structural.cpp.

#include <map>

#include "autograd/autograd.h"
#include "tensor/random.h"

namespace pf {

/// What kind of numbers an operation wants.
enum class Values {
  any,                // uniform on the domain
  distinct,           // no two equal or near each other: for operations that sort
  positive_definite,  // symmetric matrices [..., n, n]
  invertible,         // matrices with a heavy diagonal
};

struct InputSpec {
  Shape shape;
  Domain domain = {};
  Values values = Values::any;
};

/// One set of inputs; the label says what is special about it.
struct OpSample {
  std::string label;
  std::vector<InputSpec> inputs;
};

struct OpEntry {
  std::string name;         // as in errors and graphs: "softplus"
  std::string op;           // its struct: "Softplus"; empty for functions that are made of other operations
  std::string kind;         // pointwise, linear, list, bilinear, general, fused, composite, not differentiable
  std::string description;  // one line
  ListMap apply;
  std::vector<OpSample> samples;
  std::map<std::string, std::string> skipped;  // label of a sample or layout → why there is none

  bool differentiable() const { return kind != "not differentiable"; }
};

/// Every operation of the library.
const std::vector<OpEntry>& op_catalogue();

/// Random contiguous tensors, float64.
std::vector<Tensor> draw(const OpSample& sample, Rng& rng);

namespace detail {

template <class T> constexpr std::string_view struct_name() {
  std::string_view text = __PRETTY_FUNCTION__;  // "… [with T = pf::Softplus; …]"
  text.remove_prefix(text.find("T = ") + 4);
  text = text.substr(0, text.find_first_of("<;]"));
  return text.substr(text.rfind(':') + 1);
}
/// The entry of a formula of so many inputs, with samples of every shape that a pointwise operation must take.
OpEntry pointwise_entry(std::string_view op, const char* name, std::span<const Domain> domains, bool closed_form,
                        ListMap apply);

}  // namespace detail

/// The entry of a pointwise formula: all that is needed to check an operation of one's own.
template <PointwiseFormula F> OpEntry pointwise_entry(const F& f = {}) {
  return [&]<size_t... I>(std::index_sequence<I...>) {
    const std::array<Domain, sizeof...(I)> domains{domain_of<F>(int(I))...};
    return detail::pointwise_entry(detail::struct_name<F>(), F::name, domains, has_partials<F>,
                                   [f](std::span<const Variable> x) { return pf::apply(f, x[I]...); });
  }
  (std::make_index_sequence<F::arity>{});
}

}  // namespace pf
