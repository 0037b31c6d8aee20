#pragma once
// An operation is a formula, written once.
//
// A pointwise operation is a struct with a generic call operator. What the value type V is decides what the text becomes:
//
//   Vec<float>, Vec<double>   the CPU kernel, one pass over memory however long the formula
//   Dual<Vec<T>, n>           the fused backward kernel: the value and all n partial derivatives in one pass
//   Tensor                    an eager operation (or, for the formula text itself, a chain of them)
//   Variable                  the same, recorded for differentiation (autograd/)
//   float, double             the scalar reference in tests
//
// So functions such as `exp(x)` are templates over the open concept Operand, and `apply` decides what to do. This layer
// never names Variable: autograd/ declares its own type an array and adds its own overload of `apply_array`.
//
// An operation that is not pointwise is a struct with a `name`, `eval` on tensors, and the rule of its kind:
//
//   linear    A adjoint(const A& g, const Shape& x)                      sum, expand, permute, gather …
//   list      as linear, for any number of inputs: eval(std::span<const Tensor>),
//             A adjoint(const A& g, int i, std::span<const Shape> x)     concat
//   bilinear  static constexpr bool bilinear = true; and `vjp`           matmul
//   general   std::array<A, N> vjp(Wanted, const A& g, const A& x…, const A& y), optionally
//             A jvp(const std::array<A, N>& tangents, const A& x…, const A& y)   max, sort, softmax, Cholesky …
//   fused     A composite(const A& x…): what it equals, written in other operations; higher derivatives come from it.
//             Optionally std::array<Tensor, N> fused_vjp(Wanted, const Tensor& g, const Tensor& x…, const Tensor& y)
//
// Rules are templates over Array, written in other operations: with Tensor they compute, with Variable they are recorded
// and can be differentiated again. Broadcasting never appears in a rule: `apply` inserts `expand`.
//
// On 16-bit numbers every operation computes in float32 and rounds its result once. `eval` never sees them: it is given
// widened operands, unless the struct says
//
//   static constexpr bool any_type = true;
//
// because it only moves elements, or has kernels for 16 bits itself.

#include <array>
#include <concepts>
#include <cstdint>
#include <limits>

#include "tensor/math.h"
#include "tensor/recording.h"

namespace pf::cuda {
struct PointwiseLaunchers;
}

namespace pf {

/// Types that hold arrays: Tensor here, Variable in autograd/.
template <class T> inline constexpr bool is_array = false;
template <> inline constexpr bool is_array<Tensor> = true;
template <class T>
concept Array = is_array<T>;

/// The plain value of an array; autograd/ adds the one for Variable. For results that have no derivative.
inline const Tensor& value_of(const Tensor& x) { return x; }

template <class V, int N> struct Dual;
template <class T> inline constexpr bool is_dual = false;
template <class V, int N> inline constexpr bool is_dual<Dual<V, N>> = true;
template <class T>
concept DualValue = is_dual<T>;

/// What the functions of the library accept: numbers, SIMD vectors, duals of those, and arrays.
template <class T>
concept Operand = Value<T> || DualValue<T> || Array<T>;
template <class T>
concept ArrayOrDual = Array<T> || DualValue<T>;

// Numbers and SIMD vectors have their functions in pf::math, and formulas call them by the same names as those of arrays.
// They are the same functions here, not wrappers: a function of arrays with a namesake below accepts ArrayOrDual only.
using math::abs, math::ceil, math::floor, math::max, math::min, math::round, math::select, math::sqrt, math::trunc;
using math::acos, math::acosh, math::asin, math::asinh, math::atan, math::atan2, math::atanh, math::cos, math::cosh,
    math::sin, math::sinh, math::tan, math::tanh;
using math::digamma, math::lgamma, math::trigamma;
using math::erf, math::erfc, math::erfinv, math::log_ndtr, math::ndtr, math::ndtri;
using math::exp, math::exp2, math::expm1, math::log, math::log10, math::log1mexp, math::log1p, math::log2,
    math::logaddexp, math::pow;
using math::isfinite, math::isinf, math::isnan;
using math::log_sigmoid, math::sigmoid, math::softplus;

// And what formulas of int64 need of them.
template <std::same_as<int64_t> V> constexpr V select(bool mask, V a, V b) { return mask ? a : b; }
template <std::same_as<int64_t> V> constexpr V abs(V x) { return x < 0 ? -x : x; }
template <std::same_as<int64_t> V> constexpr V max(V a, V b) { return a > b ? a : b; }
template <std::same_as<int64_t> V> constexpr V min(V a, V b) { return a < b ? a : b; }

/// Which inputs of an operation a derivative is asked for.
struct Wanted {
  uint32_t bits = ~0u;
  bool operator[](int i) const { return bits >> i & 1; }
};

/// Where test samples are drawn from, and the points to keep away from because the derivative jumps there.
struct Domain {
  double low = -3, high = 3;
  std::array<double, 4> kinks = {NAN, NAN, NAN, NAN};
};

/// Base of every pointwise formula of N inputs. A formula may state
///   static constexpr auto name = "…";            (required)
///   static constexpr Domain domain = {low, high}; or std::array<Domain, N> domains
///   partials(x…) or partials(x…, y)              closed-form derivatives; otherwise they come from duals
///   static constexpr bool integers = true;       the formula also holds for int64
template <int N> struct Pointwise { static constexpr int arity = N; };
template <class F>
concept PointwiseFormula = requires {
  F::arity;
  F::name;
}
&&std::derived_from<F, Pointwise<F::arity>>;

template <class F> constexpr Domain domain_of(int input) {
  if constexpr (requires { F::domains; }) return F::domains[input];
  else if constexpr (requires { F::domain; }) return F::domain;
  else return {};
}

namespace detail {
template <class F, class V, size_t... I> constexpr bool has_partials_x(std::index_sequence<I...>) {
  return requires(const F& f, const V& v) { f.partials((void(I), v)...); };
}
template <class F, class V, size_t... I> constexpr bool has_partials_xy(std::index_sequence<I...>) {
  return requires(const F& f, const V& v) { f.partials((void(I), v)..., v); };
}
}  // namespace detail

template <class F>
inline constexpr bool has_partials = detail::has_partials_x<F, double>(std::make_index_sequence<F::arity>{}) ||
                                     detail::has_partials_xy<F, double>(std::make_index_sequence<F::arity>{});

/// The closed-form partial derivatives at inputs x… with output y.
template <class F, class V, class... X> constexpr auto partials_of(const F& f, const V& y, const X&... x) {
  if constexpr (detail::has_partials_x<F, V>(std::make_index_sequence<F::arity>{})) return f.partials(x...);
  else return f.partials(x..., y);
}

// Kernels: compiled once an operation from the formula text (tensor/pointwise_kernels.h), run by tensor/pointwise.cpp.

inline constexpr size_t max_formula_bytes = 64;

/// Loops over n contiguous elements. `op` points to the formula, for its parameters.
struct PointwiseKernels {
  using Forward = void (*)(const void* op, int64_t n, const void* const* x, void* y);
  /// grads[i] receives g · ∂y/∂xᵢ; null where it is not wanted.
  using Vjp = void (*)(const void* op, int64_t n, const void* g, const void* const* x, const void* y,
                       void* const* grads);
  /// out receives Σ tangents[i] · ∂y/∂xᵢ.
  using Jvp = void (*)(const void* op, int64_t n, const void* const* tangents, const void* const* x, const void* y,
                       void* out);

  const char* name;
  int arity;
  std::array<Forward, dtype_count> forward{};  // null: the type is not supported, but 16-bit ones, which are widened
  std::array<Vjp, dtype_count> vjp{};
  std::array<Jvp, dtype_count> jvp{};

  size_t op_bytes = 0;  // of the formula's parameters, which are plain numbers

  // What the same formula's kernels on a GPU are found by, and found they are kept.
  const char* type = "";
  const char* module = "";  // the library that they are in; empty: that of the library's own operations
  mutable const cuda::PointwiseLaunchers* launchers = nullptr;
};

/// Defined by one generated source an operation of the list (tensor/ops/ops.def).
template <class F> const PointwiseKernels& pointwise_kernels();

/// y = f(x…) with broadcasting. All inputs have one element type (a literal takes the others').
Tensor pointwise_forward(const PointwiseKernels& kernels, const void* op, std::span<const Tensor* const> inputs);
/// The gradients of the inputs that `wanted` names, all in one pass. Inputs, output and g have the same shape.
void pointwise_vjp(const PointwiseKernels& kernels, const void* op, const Tensor& g,
                   std::span<const Tensor* const> inputs, const Tensor& y, std::span<Tensor* const> grads);
Tensor pointwise_jvp(const PointwiseKernels& kernels, const void* op, std::span<const Tensor* const> tangents,
                     std::span<const Tensor* const> inputs, const Tensor& y);

/// The element type that all operands share. Literals take the others'; throws, naming `op`, where two differ.
DType common_dtype(const char* op, std::span<const Tensor* const> inputs);

/// Operations that take 16-bit operands as they are.
template <class Op>
concept AnyType = requires {
  Op::any_type;
};

template <PointwiseFormula F, std::same_as<Tensor>... X> Tensor apply_array(const F& f, const X&... x) {
  static_assert(sizeof...(X) == F::arity, "this formula takes another number of inputs");
  const Tensor* inputs[] = {&x...};
  return pointwise_forward(pointwise_kernels<F>(), &f, inputs);
}
namespace detail {
template <class Op, class... X> Tensor eval_op(const Op& op, const X&... x) {
  if constexpr (!AnyType<Op>)
    if ((is_half(x.dtype()) || ...)) [[unlikely]]
      return narrowed(op.eval(widened(x)...), common_dtype(Op::name, std::array{&x...}));
  return op.eval(x...);
}
}  // namespace detail
template <class Op, std::same_as<Tensor>... X>
requires(!PointwiseFormula<Op>) Tensor apply_array(const Op& op, const X&... x) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([op](const auto&... in) { return detail::eval_op(op, in...); }, x...);
  return detail::eval_op(op, x...);
}
/// An operation on any number of inputs of one kind.
template <class Op> Tensor apply_list(const Op& op, std::span<const Tensor> x) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([op](const std::vector<Tensor>& in) { return op.eval(std::span(in)); },
                                 std::vector<Tensor>(x.begin(), x.end()));
  return op.eval(x);
}

template <DualValue D, class F, class... X> constexpr D apply_dual(const F& f, const X&... x);

namespace detail {
template <class A, class X> constexpr decltype(auto) operand_as(const X& x) {
  if constexpr (std::is_arithmetic_v<X>) return A(x);
  else return (x);
}
// The same for arrays: a tensor among variables becomes one of them, a constant.
template <class A, class X> decltype(auto) array_as(const X& x) {
  if constexpr (std::same_as<A, X>) return (x);
  else return A(x);
}
template <class... X> struct CommonOperand;
template <class X> struct CommonOperand<X> : std::type_identity<X> {};
// Numbers give way to anything; a plain value gives way to a dual; Tensor gives way to Variable (autograd/ says so).
template <class A, class B> struct Stronger;
template <class A> struct Stronger<A, A> : std::type_identity<A> {};
template <class A, class B>
requires(!std::same_as<A, B> && std::is_arithmetic_v<B>) struct Stronger<A, B> : std::type_identity<A> {
};
template <class A, class B>
requires(!std::same_as<A, B> && std::is_arithmetic_v<A> && !std::is_arithmetic_v<B>) struct Stronger<A, B>
    : std::type_identity<B> {
};
template <class A, class B, class... X>
struct CommonOperand<A, B, X...> : CommonOperand<typename Stronger<A, B>::type, X...> {};
}  // namespace detail

/// The kind of array that results from a mixture: Variable as soon as one of them is.
template <class... X> using CommonArray = typename detail::CommonOperand<X...>::type;

/// Applies an operation to operands of one kind, or to a mixture of numbers, tensors and variables.
template <class Op, class... X> constexpr auto apply(const Op& op, const X&... x) {
  using Common = typename detail::CommonOperand<X...>::type;
  if constexpr (Array<Common>) return apply_array(op, detail::operand_as<Tensor>(x)...);
  else if constexpr (DualValue<Common>) return apply_dual<Common>(op, detail::operand_as<Common>(x)...);
  else return op(detail::operand_as<Common>(x)...);
}

/// Either operand of a two-operand function: operands of one kind, or an operand and a number.
template <class A, class B>
concept OperandPair = (Operand<A> || std::is_arithmetic_v<A>)&&(Operand<B> ||
                                                                std::is_arithmetic_v<B>)&&(Operand<A> ||
                                                                                           Operand<B>)&&requires {
  typename detail::Stronger<A, B>::type;
};

template <class A, class B>
concept ArrayOrDualPair = OperandPair<A, B> &&(ArrayOrDual<A> || ArrayOrDual<B>);

}  // namespace pf
