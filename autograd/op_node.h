#pragma once
// From an operation's struct to its node: which rule the struct states (the kinds are listed in tensor/ops/op.h)
// decides how derivatives are taken, here and nowhere else.

#include <vector>

#include "autograd/engine.h"
#include "autograd/node.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"

namespace pf {

// Defined in apply.h; named here because the rules below are written in operations on variables.
template <class Op, class... X>
requires(std::same_as<X, Variable> || ...) Variable apply_array(const Op& op, const X&... x);
template <class Op> Variable apply_list(const Op& op, std::span<const Variable> x);

namespace detail {

/// g · partial, without work where the partial is the number 1, -1 or 0 (undefined, which means zero).
Variable times_partial(const Variable& g, const Variable& partial);

template <class Op, class A, size_t... I> constexpr bool has_general_vjp(std::index_sequence<I...>) {
  return requires(const Op& op, const A& a) { op.vjp(Wanted{}, a, (void(I), a)..., a); };
}
template <class Op, size_t... I> constexpr bool has_fused_vjp(std::index_sequence<I...>) {
  return requires(const Op& op, const Tensor& a) { op.fused_vjp(Wanted{}, a, (void(I), a)..., a); };
}
template <class Op, size_t... I> constexpr bool has_composite(std::index_sequence<I...>) {
  return requires(const Op& op, const Variable& a) { op.composite((void(I), a)...); };
}
template <class Op, class A, size_t N, size_t... I> constexpr bool has_jvp(std::index_sequence<I...>) {
  return requires(const Op& op, const std::array<A, N>& t, const A& a) { op.jvp(t, (void(I), a)..., a); };
}
template <class Op>
concept LinearOp = requires(const Op& op, const Tensor& g, const Shape& x) {
  op.adjoint(g, x);
};
/// A pointwise formula whose derivatives are the same numbers everywhere.
template <class Op>
concept ConstantSlopes = PointwiseFormula<Op> && requires {
  Op::slopes;
};

/// A pointwise formula that states its derivatives.
template <class Op> constexpr bool has_closed_form() {
  if constexpr (PointwiseFormula<Op>) return has_partials<Op>;
  else return false;
}

// What derivatives read, and so what a node must keep.
template <class Op> inline constexpr bool reads_inputs = !(LinearOp<Op> || ConstantSlopes<Op>);
template <class Op> constexpr bool reads_output() {
  if constexpr (has_closed_form<Op>()) return !has_partials_x<Op, double>(std::make_index_sequence<Op::arity>{});
  else return reads_inputs<Op> && !PointwiseFormula<Op> && !requires {
      Op::bilinear;
    };
}

/// What a node of this operation keeps of an input: all of it, or where it came from, its shape and its type.
template <class Op> Variable kept_input(const Tensor& x) {
  if constexpr (reads_inputs<Op>) return Variable(x);
  else return Variable(Tensor(Storage(), x.layout(), x.dtype()));
}
template <class Op> Variable kept_input(const Variable& x) {
  if constexpr (reads_inputs<Op>) return x;
  else return Variable(Tensor(Storage(), x.value().layout(), x.dtype()), x.shared_node());
}

template <class A> A as_array(const Variable& x) {
  if constexpr (std::same_as<A, Tensor>) return x.value();
  else return x;
}

template <class Op, size_t N> class OpNode final : public Node {
 public:
  using Each = std::make_index_sequence<N>;
  static constexpr bool pointwise = PointwiseFormula<Op>;
  static constexpr bool composed = has_composite<Op>(Each{});

  template <Array... X>
  OpNode(const Op& op, const Tensor& output, const X&... x)
      : Node(output, reads_output<Op>()), op_(op), inputs_{kept_input<Op>(x)...} {}
  const char* name() const override { return Op::name; }
  std::span<const Variable> inputs() const override { return inputs_; }

  void vjp(const Tensor& g, Wanted wanted, std::span<Tensor> grads) const override {
    if constexpr (computes_wide)
      if (is_half(g.dtype())) [[unlikely]] {
        widened_node()->vjp(widened(g), wanted, grads);
        for (Tensor& each : grads) each = narrowed(each, g.dtype());
        return;
      }
    if constexpr (pointwise && !ConstantSlopes<Op>) {
      std::array<Tensor*, N> out;
      for (size_t i = 0; i < N; ++i) out[i] = wanted[int(i)] ? &grads[i] : nullptr;
      pointwise_vjp(pointwise_kernels<Op>(), &op_, g, values(), readable_output(g), out);
    } else if constexpr (has_fused_vjp<Op>(Each{})) {
      with_inputs<Tensor>([&](const auto&... x) {
        if (watching) [[unlikely]] {
          const auto again = [op = op_, wanted](const auto&... in) { return op.fused_vjp(wanted, in...); };
          return store(watching->run(again, g, x..., output()), wanted, grads);
        }
        store(op_.fused_vjp(wanted, g, x..., output()), wanted, grads);
      });
    } else {
      rule_vjp(g, wanted, grads);
    }
  }
  void vjp(const Variable& g, Wanted wanted, std::span<Variable> grads) const override { rule_vjp(g, wanted, grads); }

  Tensor jvp(std::span<const Tensor> tangents) const override {
    if constexpr (computes_wide)
      if (is_half(output().dtype())) [[unlikely]] {
        std::vector<Tensor> wide;
        for (const Tensor& t : tangents) wide.push_back(widened(t));
        return narrowed(widened_node()->jvp(wide), output().dtype());
      }
    if constexpr (pointwise && !ConstantSlopes<Op>) {
      const std::array<Tensor, N> filled = fill(tangents);
      std::array<const Tensor*, N> t;
      for (size_t i = 0; i < N; ++i) t[i] = &filled[i];
      return pointwise_jvp(pointwise_kernels<Op>(), &op_, t, values(), readable_output(filled[0]));
    } else {
      return rule_jvp(tangents);
    }
  }
  Variable jvp(std::span<const Variable> tangents) const override { return rule_jvp(tangents); }

 private:
  /// Whether the derivatives on 16-bit numbers are taken as a whole in float32, rounded once. Those of linear operations
  /// move elements or take one sum, and pointwise kernels see to it themselves.
  static constexpr bool computes_wide = !pointwise && !LinearOp<Op> && !AnyType<Op>;
  NodePtr widened_node() const {
    return with_inputs<Tensor>(
        [&](const auto&... x) { return NodePtr(new OpNode(op_, widened_or_shape(output()), widened(x)...)); });
  }
  static Tensor widened_or_shape(const Tensor& y) {
    return y.defined() ? widened(y) : Tensor(Storage(), y.layout(), float32);
  }
  template <class A, class F> decltype(auto) with_inputs(F&& f) const {
    return [&]<size_t... I>(std::index_sequence<I...>)->decltype(auto) { return f(as_array<A>(inputs_[I])...); }
    (Each{});
  }
  std::array<const Tensor*, N> values() const {
    std::array<const Tensor*, N> out;
    for (size_t i = 0; i < N; ++i) out[i] = &inputs_[i].value();
    return out;
  }
  /// What the kernels are given as y: where the formula's partials do not read it, anything of its shape will do.
  const Tensor& readable_output(const Tensor& stand_in) const { return reads_output<Op>() ? output() : stand_in; }
  template <class A> A output_as() const {
    if constexpr (std::same_as<A, Tensor>) return output();
    else return Variable(output(), NodePtr(const_cast<OpNode*>(this)));
  }
  template <class A> static void store(std::array<A, N>&& from, Wanted wanted, std::span<A> grads) {
    for (size_t i = 0; i < N; ++i)
      if (wanted[int(i)]) grads[i] = std::move(from[i]);
  }
  static Tensor zero_of(const Tensor& x) {
    return x.is_literal() ? Tensor(0.0) : pf::expand(zeros({}, x.dtype(), x.device()), x.shape());
  }
  /// Missing tangents as zeros that take no memory.
  template <class A> std::array<A, N> fill(std::span<const A> tangents) const {
    std::array<A, N> out;
    for (size_t i = 0; i < N; ++i) out[i] = tangents[i].defined() ? tangents[i] : A(zero_of(inputs_[i].value()));
    return out;
  }

  template <class A> void rule_vjp(const A& g, Wanted wanted, std::span<A> grads) const {
    if constexpr (ConstantSlopes<Op>) {
      for (size_t i = 0; i < N; ++i)
        if (wanted[int(i)]) grads[i] = sloped(g, i);
    } else if constexpr (has_closed_form<Op>()) {
      const A y = output_as<A>();
      with_inputs<A>([&](const auto&... x) {
        const auto partials = partials_of(op_, y, x...);
        for (size_t i = 0; i < N; ++i)
          if (wanted[int(i)]) grads[i] = times_partial(g, partials[i]);
      });
    } else if constexpr (pointwise || (composed && !has_general_vjp<Op, A>(Each{}))) {
      vjp_through_composite(g, wanted, grads);
    } else if constexpr (LinearOp<Op>) {
      if (wanted[0]) grads[0] = op_.adjoint(g, inputs_[0].shape());
    } else {
      with_inputs<A>([&](const auto&... x) { store(op_.vjp(wanted, g, x..., output_as<A>()), wanted, grads); });
    }
  }

  template <class A> A rule_jvp(std::span<const A> tangents) const {
    A sum;
    auto add_term = [&](const A& term) {
      if (term.defined()) sum = sum.defined() ? sum + term : term;
    };
    if constexpr (ConstantSlopes<Op>) {
      for (size_t i = 0; i < N; ++i)
        if (tangents[i].defined()) add_term(sloped(tangents[i], i));
      return sum;
    } else if constexpr (has_closed_form<Op>()) {
      const A y = output_as<A>();
      with_inputs<A>([&](const auto&... x) {
        const auto partials = partials_of(op_, y, x...);
        for (size_t i = 0; i < N; ++i)
          if (tangents[i].defined()) add_term(times_partial(tangents[i], partials[i]));
      });
      return sum;
    } else if constexpr (LinearOp<Op>) {
      return apply(op_, tangents[0]);
    } else if constexpr (requires { Op::bilinear; }) {
      with_inputs<A>([&](const auto&... x) {
        for (size_t i = 0; i < N; ++i) {
          if (!tangents[i].defined()) continue;
          std::array<A, N> mixed{x...};
          mixed[i] = tangents[i];
          add_term(std::apply([this](const auto&... m) { return apply(op_, m...); }, mixed));
        }
      });
      return sum;
    } else if constexpr (has_jvp<Op, A, N>(Each{})) {
      return with_inputs<A>([&](const auto&... x) { return op_.jvp(fill(tangents), x..., output_as<A>()); });
    } else if constexpr (composed || pointwise) {
      const std::array<Variable, N> aliases = make_aliases<A>();
      return push_tangents<A>(run_composite(aliases), aliases, tangents);
    } else {
      return jvp_from_vjp(tangents);
    }
  }

  template <class A> static A sloped(const A& g, size_t i) {
    const double slope = Op::slopes[i];
    return slope == 1 ? g : slope == -1 ? -g : g * slope;
  }

  // What the operation equals, on aliases of its inputs: differentiation stops there, whatever the inputs depend on.
  template <class A> std::array<Variable, N> make_aliases() const {
    std::array<Variable, N> out;
    for (size_t i = 0; i < N; ++i)
      if (!is_floating(inputs_[i].dtype())) out[i] = inputs_[i];
      else out[i] = std::same_as<A, Tensor> ? tracked(inputs_[i].value()) : alias(inputs_[i]);
    return out;
  }
  Variable run_composite(const std::array<Variable, N>& x) const {
    return std::apply(
        [this]([[maybe_unused]] const auto&... in) -> Variable {
          if constexpr (composed) return op_.composite(in...);
          else if constexpr (pointwise && !has_closed_form<Op>()) return op_(in...);
          else return {};  // never asked for: the rule is stated otherwise
        },
        x);
  }
  template <class A> void vjp_through_composite(const A& g, Wanted wanted, std::span<A> grads) const {
    const std::array<Variable, N> aliases = make_aliases<A>();
    std::vector<Variable> targets;
    for (size_t i = 0; i < N; ++i)
      if (wanted[int(i)]) targets.push_back(aliases[i]);
    auto found =
        pull_cotangents<A>(run_composite(aliases), targets, g, {.allow_unused = true, .stop_at_targets = true});
    for (size_t i = 0, k = 0; i < N; ++i)
      if (wanted[int(i)]) grads[i] = std::move(found[k++]);
  }

  template <class A> A jvp_from_vjp(std::span<const A> tangents) const {
    Wanted wanted{0};
    for (size_t i = 0; i < N; ++i)
      if (tangents[i].defined()) wanted.bits |= 1u << i;
    const Variable y = std::same_as<A, Tensor> ? Variable(output()) : output_as<Variable>();
    return transposed_vjp<A>(output(), tangents, [&](const Variable& g) {
      std::vector<Variable> grads(N);
      with_inputs<A>(
          [&](const auto&... x) { store(op_.vjp(wanted, g, Variable(x)..., y), wanted, std::span<Variable>(grads)); });
      return grads;
    });
  }

  static Tensor times_partial(const Tensor& g, const Tensor& partial) { return g * partial; }
  static Variable times_partial(const Variable& g, const Variable& partial) {
    return detail::times_partial(g, partial);
  }

  Op op_;
  std::array<Variable, N> inputs_;
};

/// A node of a linear operation on any number of inputs.
template <class Op> class ListNode final : public Node {
 public:
  ListNode(const Op& op, std::span<const Variable> inputs, const Tensor& output) : Node(output, false), op_(op) {
    inputs_.reserve(inputs.size());
    shapes_.reserve(inputs.size());
    for (const Variable& x : inputs) {
      inputs_.push_back(Variable(Tensor(Storage(), x.value().layout(), x.dtype()), x.shared_node()));
      shapes_.push_back(x.shape());
    }
  }
  const char* name() const override { return Op::name; }
  std::span<const Variable> inputs() const override { return inputs_; }
  void vjp(const Tensor& g, Wanted wanted, std::span<Tensor> grads) const override { adjoint(g, wanted, grads); }
  void vjp(const Variable& g, Wanted wanted, std::span<Variable> grads) const override { adjoint(g, wanted, grads); }
  Tensor jvp(std::span<const Tensor> tangents) const override { return forward(tangents); }
  Variable jvp(std::span<const Variable> tangents) const override { return forward(tangents); }

 private:
  template <class A> void adjoint(const A& g, Wanted wanted, std::span<A> grads) const {
    for (size_t i = 0; i < inputs_.size(); ++i)
      if (i >= 32 || wanted[int(i)]) grads[i] = op_.adjoint(g, int(i), std::span<const Shape>(shapes_));
  }
  template <class A> A forward(std::span<const A> tangents) const {
    std::vector<A> all(tangents.begin(), tangents.end());
    Device device = Device::cpu();  // that of the tangents there are: inputs may be kept without their elements
    for (const A& t : all)
      if (t.defined()) device = t.device();
    for (size_t i = 0; i < all.size(); ++i)
      if (!all[i].defined()) all[i] = A(zeros(inputs_[i].shape(), inputs_[i].dtype(), device));
    return apply_list(op_, std::span<const A>(all));
  }

  Op op_;
  std::vector<Variable> inputs_;
  std::vector<Shape> shapes_;
};

}  // namespace detail
}  // namespace pf
