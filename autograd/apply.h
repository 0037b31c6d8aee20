#pragma once
// How an operation on variables is computed and recorded. One node type per operation, made from its struct; which rule
// it has decides how derivatives are taken (the kinds are listed in tensor/ops/op.h).

#include <vector>

#include "autograd/anomaly.h"
#include "autograd/engine.h"
#include "autograd/node.h"
#include "tensor/ops/arithmetic.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/views.h"

namespace pf {
namespace detail {

/// g · partial, without work where the partial is the number 1, -1 or 0 (undefined, which means zero).
Variable times_partial(const Variable& g, const Variable& partial);

template <class Op, class A, size_t... I>
constexpr bool has_general_vjp(std::index_sequence<I...>) {
  return requires(const Op& op, const A& a) { op.vjp(Wanted{}, a, (void(I), a)..., a); };
}
template <class Op, size_t... I>
constexpr bool has_fused_vjp(std::index_sequence<I...>) {
  return requires(const Op& op, const Tensor& a) { op.fused_vjp(Wanted{}, a, (void(I), a)..., a); };
}
template <class Op, size_t... I>
constexpr bool has_composite(std::index_sequence<I...>) {
  return requires(const Op& op, const Variable& a) { op.composite((void(I), a)...); };
}
template <class Op, class A, size_t N, size_t... I>
constexpr bool has_jvp(std::index_sequence<I...>) {
  return requires(const Op& op, const std::array<A, N>& t, const A& a) { op.jvp(t, (void(I), a)..., a); };
}
template <class Op>
concept LinearOp = requires(const Op& op, const Tensor& g, const Shape& x) { op.adjoint(g, x); };

template <class A>
A as_array(const Variable& x) {
  if constexpr (std::same_as<A, Tensor>) return x.value();
  else return x;
}

template <class Op, size_t N>
class OpNode final : public Node {
 public:
  using Each = std::make_index_sequence<N>;
  static constexpr bool pointwise = PointwiseFormula<Op>;
  static constexpr bool composed = has_composite<Op>(Each{});

  OpNode(const Op& op, std::array<Variable, N>&& inputs, const Tensor& output)
      : Node(output), op_(op), inputs_(std::move(inputs)) {}
  const char* name() const override { return Op::name; }
  std::span<const Variable> inputs() const override { return inputs_; }

  void vjp(const Tensor& g, Wanted wanted, std::span<Tensor> grads) const override {
    if constexpr (requires { Op::slopes; }) {
      for (size_t i = 0; i < N; ++i)
        if (wanted[int(i)]) grads[i] = Op::slopes[i] == 1 ? g : pf::neg(g);
    } else if constexpr (pointwise) {
      std::array<Tensor*, N> out;
      for (size_t i = 0; i < N; ++i) out[i] = wanted[int(i)] ? &grads[i] : nullptr;
      const auto x = values();
      pointwise_vjp(pointwise_kernels<Op>(), &op_, g, x, output(), out);
    } else if constexpr (has_fused_vjp<Op>(Each{})) {
      with_inputs<Tensor>([&](const auto&... x) { store(op_.fused_vjp(wanted, g, x..., output()), wanted, grads); });
    } else {
      rule_vjp(g, wanted, grads);
    }
  }

  void vjp(const Variable& g, Wanted wanted, std::span<Variable> grads) const override { rule_vjp(g, wanted, grads); }

  Tensor jvp(std::span<const Tensor> tangents) const override {
    if constexpr (pointwise) {
      std::array<Tensor, N> filled = fill(tangents);
      std::array<const Tensor*, N> t;
      for (size_t i = 0; i < N; ++i) t[i] = &filled[i];
      return pointwise_jvp(pointwise_kernels<Op>(), &op_, t, values(), output());
    } else {
      return rule_jvp(tangents);
    }
  }
  Variable jvp(std::span<const Variable> tangents) const override { return rule_jvp(tangents); }

 private:
  template <class A, class F>
  decltype(auto) with_inputs(F&& f) const {
    return [&]<size_t... I>(std::index_sequence<I...>) -> decltype(auto) {
      return f(as_array<A>(inputs_[I])...);
    }(Each{});
  }
  std::array<const Tensor*, N> values() const {
    std::array<const Tensor*, N> out;
    for (size_t i = 0; i < N; ++i) out[i] = &inputs_[i].value();
    return out;
  }
  template <class A>
  A output_as() const {
    if constexpr (std::same_as<A, Tensor>) return output();
    else return Variable(output(), NodePtr(const_cast<OpNode*>(this)));
  }
  template <class A>
  static void store(std::array<A, N>&& from, Wanted wanted, std::span<A> grads) {
    for (size_t i = 0; i < N; ++i)
      if (wanted[int(i)]) grads[i] = std::move(from[i]);
  }
  /// Missing tangents as zeros that take no memory.
  template <class A>
  std::array<A, N> fill(std::span<const A> tangents) const {
    std::array<A, N> out;
    for (size_t i = 0; i < N; ++i)
      out[i] = tangents[i].defined() ? tangents[i] : A(pf::expand(zeros({}, inputs_[i].dtype()), inputs_[i].shape()));
    return out;
  }

  template <class A>
  void rule_vjp(const A& g, Wanted wanted, std::span<A> grads) const {
    if constexpr (pointwise && has_partials<Op>) {
      const A y = output_as<A>();
      with_inputs<A>([&](const auto&... x) {
        const auto partials = partials_of(op_, y, x...);
        for (size_t i = 0; i < N; ++i)
          if (wanted[int(i)]) grads[i] = times_partial(g, partials[i]);
      });
    } else if constexpr (pointwise || (composed && !has_general_vjp<Op, A>(Each{}))) {
      vjp_through([this](const auto&... x) { return run_composite(x...); }, g, wanted, grads);
    } else if constexpr (LinearOp<Op>) {
      if (wanted[0]) grads[0] = op_.adjoint(g, inputs_[0].shape());
    } else {
      with_inputs<A>([&](const auto&... x) { store(op_.vjp(wanted, g, x..., output_as<A>()), wanted, grads); });
    }
  }

  template <class A>
  A rule_jvp(std::span<const A> tangents) const {
    if constexpr (pointwise && has_partials<Op>) {
      const A y = output_as<A>();
      A sum;
      with_inputs<A>([&](const auto&... x) {
        const auto partials = partials_of(op_, y, x...);
        for (size_t i = 0; i < N; ++i) {
          if (!tangents[i].defined()) continue;
          A term = times_partial(tangents[i], partials[i]);
          if (!term.defined()) continue;
          sum = sum.defined() ? sum + term : term;
        }
      });
      return sum.defined() ? sum : A(zeros_like(output()));
    } else if constexpr (LinearOp<Op>) {
      return apply(op_, tangents[0]);
    } else if constexpr (requires { Op::bilinear; }) {
      A sum;
      with_inputs<A>([&](const auto&... x) {
        for (size_t i = 0; i < N; ++i) {
          if (!tangents[i].defined()) continue;
          std::array<A, N> mixed{x...};
          mixed[i] = tangents[i];
          A term = std::apply([this](const auto&... m) { return apply(op_, m...); }, mixed);
          sum = sum.defined() ? sum + term : term;
        }
      });
      return sum;
    } else if constexpr (has_jvp<Op, A, N>(Each{})) {
      return with_inputs<A>([&](const auto&... x) { return op_.jvp(fill(tangents), x..., output_as<A>()); });
    } else if constexpr (composed || pointwise) {
      std::array<Variable, N> aliases = make_aliases<A>();
      Variable y = std::apply([this](const auto&... x) { return run_composite(x...); }, aliases);
      return push_tangents<A>(y, aliases, tangents);
    } else {
      return jvp_from_vjp(tangents);
    }
  }

  template <class... X>
  Variable run_composite(const X&... x) const {
    if constexpr (composed) return op_.composite(x...);
    else return op_(x...);
  }

  /// The inputs as new starting points: differentiation stops there, whatever the inputs depend on.
  template <class A>
  std::array<Variable, N> make_aliases() const {
    std::array<Variable, N> out;
    for (size_t i = 0; i < N; ++i)
      out[i] = std::same_as<A, Tensor> ? tracked(inputs_[i].value()) : alias(inputs_[i]);
    return out;
  }

  /// Differentiates what the operation equals instead of the operation.
  template <class F, class A>
  void vjp_through(const F& f, const A& g, Wanted wanted, std::span<A> grads) const {
    std::array<Variable, N> aliases = make_aliases<A>();
    Variable y = std::apply(f, aliases);
    std::vector<Variable> targets;
    for (size_t i = 0; i < N; ++i)
      if (wanted[int(i)]) targets.push_back(aliases[i]);
    auto found = pull_cotangents<A>(y, targets, g, {.allow_unused = true, .stop_at_targets = true});
    for (size_t i = 0, k = 0; i < N; ++i)
      if (wanted[int(i)]) grads[i] = std::move(found[k++]);
  }

  /// Forward mode from the reverse rule: vjp is linear in g, so differentiating ⟨vjp(g), t⟩ with respect to g gives J t.
  template <class A>
  A jvp_from_vjp(std::span<const A> tangents) const {
    Variable g = tracked(zeros_like(output()));
    std::vector<Variable> grads(N);
    Wanted wanted{0};
    for (size_t i = 0; i < N; ++i)
      if (tangents[i].defined()) wanted.bits |= 1u << i;
    auto call = [&](const auto&... x) {
      store(op_.vjp(wanted, g, x..., output_for_trick<A>()), wanted, std::span<Variable>(grads));
    };
    if constexpr (std::same_as<A, Tensor>)
      with_inputs<Tensor>([&](const auto&... x) { call(Variable(x)...); });
    else with_inputs<Variable>(call);
    Variable inner;
    for (size_t i = 0; i < N; ++i) {
      if (!grads[i].defined()) continue;
      Variable term = pf::sum(grads[i] * Variable(tangents[i]));
      inner = inner.defined() ? inner + term : term;
    }
    if (!inner.defined()) return A(zeros_like(output()));
    const std::array<Variable, 1> target{g};
    return pull_cotangents<A>(inner, target, A(ones({}, output().dtype())), {.allow_unused = true})[0];
  }
  template <class A>
  Variable output_for_trick() const {
    if constexpr (std::same_as<A, Tensor>) return Variable(output());
    else return output_as<Variable>();
  }

  static Tensor times_partial(const Tensor& g, const Tensor& partial) { return g * partial; }
  static Variable times_partial(const Variable& g, const Variable& partial) { return detail::times_partial(g, partial); }

  Op op_;
  std::array<Variable, N> inputs_;
};

/// A node of an operation on any number of inputs.
template <class Op>
class ListNode final : public Node {
 public:
  ListNode(const Op& op, std::vector<Variable> inputs, const Tensor& output)
      : Node(output), op_(op), inputs_(std::move(inputs)) {
    for (const Variable& x : inputs_) shapes_.push_back(x.shape());
  }
  const char* name() const override { return Op::name; }
  std::span<const Variable> inputs() const override { return inputs_; }
  void vjp(const Tensor& g, Wanted wanted, std::span<Tensor> grads) const override { adjoint(g, wanted, grads); }
  void vjp(const Variable& g, Wanted wanted, std::span<Variable> grads) const override { adjoint(g, wanted, grads); }
  Tensor jvp(std::span<const Tensor> tangents) const override { return forward(tangents); }
  Variable jvp(std::span<const Variable> tangents) const override { return forward(tangents); }

 private:
  template <class A>
  void adjoint(const A& g, Wanted wanted, std::span<A> grads) const {
    for (size_t i = 0; i < inputs_.size(); ++i)
      if (i >= 32 || wanted[int(i)]) grads[i] = op_.adjoint(g, int(i), shapes_);
  }
  template <class A>
  A forward(std::span<const A> tangents) const {
    std::vector<A> all(tangents.begin(), tangents.end());
    for (size_t i = 0; i < all.size(); ++i)
      if (!all[i].defined()) all[i] = A(zeros(inputs_[i].shape(), inputs_[i].dtype()));
    return apply_list(op_, std::span<const A>(all));
  }

  Op op_;
  std::vector<Variable> inputs_;
  std::vector<Shape> shapes_;
};

}  // namespace detail

template <class Op, class... X>
  requires(std::same_as<X, Variable> || ...)
Variable apply_array(const Op& op, const X&... x) {
  constexpr size_t N = sizeof...(X);
  std::array<Variable, N> inputs{Variable(x)...};
  Tensor y = std::apply([&](const auto&... in) { return apply_array(op, in.value()...); }, inputs);
  if (anomaly_detection()) [[unlikely]]
    report_first_nan(Op::name, inputs, y);
  bool any = false;
  for (const Variable& in : inputs) any |= in.tracked();
  if (!any || !is_floating(y.dtype())) return Variable(std::move(y));
  if constexpr (PointwiseFormula<Op>) {
    // Kernels broadcast by themselves; the graph shows it as an operation, so that no rule has to mention it.
    for (Variable& in : inputs) {
      if (in.value().is_literal()) in = Variable(cast(in.value(), y.dtype()));
      if (!(in.shape() == y.shape())) in = expand(in, y.shape());
    }
  }
  NodePtr node(new detail::OpNode<Op, N>(op, std::move(inputs), y));
  return Variable(std::move(y), std::move(node));
}

template <class Op>
Variable apply_list(const Op& op, std::span<const Variable> x) {
  std::vector<Tensor> values;
  for (const Variable& in : x) values.push_back(in.value());
  Tensor y = apply_list(op, std::span<const Tensor>(values));
  if (anomaly_detection()) [[unlikely]]
    report_first_nan(Op::name, x, y);
  bool any = false;
  for (const Variable& in : x) any |= in.tracked();
  if (!any || !is_floating(y.dtype())) return Variable(std::move(y));
  NodePtr node(new detail::ListNode<Op>(op, std::vector<Variable>(x.begin(), x.end()), y));
  return Variable(std::move(y), std::move(node));
}

}  // namespace pf
