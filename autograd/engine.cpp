#include "autograd/engine.h"

#include <algorithm>

#include "autograd/apply.h"

namespace pf {

// The nodes that y depends on and that lie at or above the oldest target, in creation order.
struct Tape {
  std::vector<const Node*> nodes;
  std::vector<int32_t> input_slots;  // of all nodes, one after the other; -1: a constant or out of reach
  std::vector<int32_t> first_input;  // where a node's inputs begin in input_slots

  Tape(const Node* result, std::span<const Variable> targets, bool stop_at_targets) {
    static std::atomic<uint64_t> walks{0};
    const uint64_t walk = ++walks;
    uint64_t oldest = UINT64_MAX;
    for (const Variable& x : targets)
      if (x.node()) oldest = std::min(oldest, x.node()->number());
    auto is_target = [&](const Node* node) {
      return std::any_of(targets.begin(), targets.end(), [&](const Variable& x) { return x.node() == node; });
    };
    auto visit = [&](const Node* node) {
      if (!node || node->walk_ == walk || node->number() < oldest) return;
      node->walk_ = walk;
      nodes.push_back(node);
    };
    visit(result);
    for (size_t at = 0; at < nodes.size(); ++at) {
      if (stop_at_targets && is_target(nodes[at])) continue;
      for (const Variable& in : nodes[at]->inputs()) visit(in.node());
    }
    std::sort(nodes.begin(), nodes.end(), [](const Node* a, const Node* b) { return a->number() < b->number(); });
    for (size_t i = 0; i < nodes.size(); ++i) nodes[i]->slot_ = int32_t(i);
    first_input.reserve(nodes.size() + 1);
    for (const Node* node : nodes) {
      first_input.push_back(int32_t(input_slots.size()));
      const bool stop = stop_at_targets && is_target(node);
      for (const Variable& in : node->inputs()) {
        const Node* from = in.node();
        input_slots.push_back(!stop && from && from->walk_ == walk ? from->slot_ : -1);
      }
    }
    first_input.push_back(int32_t(input_slots.size()));
    for (const Variable& x : targets)
      target_slots.push_back(x.node() && x.node()->walk_ == walk ? x.node()->slot_ : -1);
    reaches.assign(nodes.size(), false);
    for (int32_t slot : target_slots)
      if (slot >= 0) reaches[size_t(slot)] = true;
    for (size_t i = 0; i < nodes.size(); ++i)
      for (int32_t slot : inputs_of(i))
        if (slot >= 0 && reaches[size_t(slot)]) reaches[i] = true;
  }

  std::span<const int32_t> inputs_of(size_t node) const {
    return std::span(input_slots).subspan(size_t(first_input[node]), size_t(first_input[node + 1] - first_input[node]));
  }

  std::vector<int32_t> target_slots;  // -1: not reached
  std::vector<char> reaches;          // whether a target lies at or below this node
};

namespace {

void accumulate(Tensor& sum, Tensor&& more) {
  if (!sum.defined()) sum = std::move(more);
  else sum = sum + more;
}
void accumulate(Variable& sum, Variable&& more) {
  if (!sum.defined()) sum = std::move(more);
  else sum = sum + more;
}

std::string describe_unused(const Variable& x, size_t index) {
  const std::string label = x.node() ? x.node()->label() : "";
  if (!x.node()) return join("grad: input ", index, " ", x.shape(), " is a constant; make it with tracked(…)");
  return join("grad: ", label.empty() ? join("input ", index) : "`" + label + "`", " ", x.shape(),
              " does not influence the result; leave it out, or pass allow_unused for zeros");
}

}  // namespace

template <Array A>
std::vector<A> pull_cotangents(const Variable& y, std::span<const Variable> targets, const A& g, WalkOptions options) {
  check(y.defined(), "grad: the result is an empty handle");
  check(g.shape() == y.shape(), "grad: cotangent ", g.shape(), " for a result ", y.shape(), ": shapes must agree");
  const Tape tape(y.node(), targets, options.stop_at_targets);
  const size_t n = tape.nodes.size();
  std::vector<A> cotangents(n);
  std::vector<char> wanted_result(n, false);
  for (int32_t slot : tape.target_slots)
    if (slot >= 0) wanted_result[size_t(slot)] = true;
  if (n > 0) cotangents[n - 1] = g;
  std::vector<A> grads;
  for (size_t i = n; i-- > 0;) {
    if (!tape.reaches[i] || !cotangents[i].defined()) continue;
    const auto inputs = tape.inputs_of(i);
    if (inputs.empty()) continue;
    Wanted wanted{0};
    bool any = false;
    for (size_t k = 0; k < inputs.size(); ++k) {
      const bool want = inputs[k] >= 0 && tape.reaches[size_t(inputs[k])];
      any |= want;
      if (want && k < 32) wanted.bits |= 1u << k;
    }
    if (!any) continue;
    grads.assign(inputs.size(), A());
    if (wanted_result[i]) {
      tape.nodes[i]->vjp(cotangents[i], wanted, grads);
    } else {
      const A cotangent = std::move(cotangents[i]);
      cotangents[i] = A();
      tape.nodes[i]->vjp(cotangent, wanted, grads);
    }
    for (size_t k = 0; k < inputs.size(); ++k) {
      if (inputs[k] < 0 || !tape.reaches[size_t(inputs[k])] || !grads[k].defined()) continue;
      if (anomaly_detection()) [[unlikely]]
        report_nan_gradient(tape.nodes[i]->name(), tape.nodes[i]->inputs()[k].shape(), value_of(grads[k]));
      accumulate(cotangents[size_t(inputs[k])], std::move(grads[k]));
    }
  }
  std::vector<A> out;
  for (size_t k = 0; k < targets.size(); ++k) {
    const int32_t slot = tape.target_slots[k];
    if (slot >= 0 && cotangents[size_t(slot)].defined()) {
      out.push_back(cotangents[size_t(slot)]);
    } else {
      if (!options.allow_unused) throw Error(describe_unused(targets[k], k));
      out.push_back(A(zeros_like(targets[k].value())));
    }
  }
  return out;
}

template <Array A>
A push_tangents(const Variable& y, std::span<const Variable> inputs, std::span<const A> tangents) {
  check(inputs.size() == tangents.size(), "jvp: ", inputs.size(), " inputs and ", tangents.size(), " tangents");
  for (size_t k = 0; k < inputs.size(); ++k)
    check(!tangents[k].defined() || tangents[k].shape() == inputs[k].shape(), "jvp: tangent ", tangents[k].shape(),
          " for an input ", inputs[k].shape(), ": shapes must agree");
  const Tape tape(y.node(), inputs, true);
  const size_t n = tape.nodes.size();
  std::vector<A> rising(n);
  std::vector<char> given(n, false);
  for (size_t k = 0; k < inputs.size(); ++k)
    if (const int32_t slot = tape.target_slots[k]; slot >= 0) {
      given[size_t(slot)] = true;
      if (tangents[k].defined()) accumulate(rising[size_t(slot)], A(tangents[k]));
    }
  std::vector<A> below;
  for (size_t i = 0; i < n; ++i) {
    if (given[i] || !tape.reaches[i]) continue;
    const auto slots = tape.inputs_of(i);
    below.assign(slots.size(), A());
    bool any = false;
    for (size_t k = 0; k < slots.size(); ++k)
      if (slots[k] >= 0 && rising[size_t(slots[k])].defined()) {
        below[k] = rising[size_t(slots[k])];
        any = true;
      }
    if (any) rising[i] = tape.nodes[i]->jvp(std::span<const A>(below));
  }
  return n > 0 && rising[n - 1].defined() ? rising[n - 1] : A(zeros_like(y.value()));
}

template std::vector<Tensor> pull_cotangents(const Variable&, std::span<const Variable>, const Tensor&, WalkOptions);
template std::vector<Variable> pull_cotangents(const Variable&, std::span<const Variable>, const Variable&, WalkOptions);
template Tensor push_tangents(const Variable&, std::span<const Variable>, std::span<const Tensor>);
template Variable push_tangents(const Variable&, std::span<const Variable>, std::span<const Variable>);

namespace {
struct Alias {
  static constexpr auto name = "alias";
  Tensor eval(const Tensor& x) const { return x; }
  template <Array A>
  A adjoint(const A& g, const Shape&) const {
    return g;
  }
};
}  // namespace

Variable alias(const Variable& x) { return x.tracked() ? apply(Alias{}, x) : tracked(x.value()); }

Variable detail::times_partial(const Variable& g, const Variable& partial) {
  if (partial.value().is_literal() && partial.numel() == 1) {
    const double number = partial.item();
    if (number == 1) return g;
    if (number == 0) return {};
    return number == -1 ? -g : g * number;
  }
  return g * partial;
}

namespace {
template <Array A>
A seed_of(const Variable& y) {
  check(y.numel() == 1, "grad: the result has shape ", y.shape(),
        ": expected one element; sum or average it first, or use vjp with a cotangent");
  return A(ones(y.shape(), y.dtype()));
}
}  // namespace

std::vector<Tensor> grad(const Variable& y, std::span<const Variable> x, WalkOptions options) {
  return pull_cotangents<Tensor>(y, x, seed_of<Tensor>(y), options);
}
Tensor grad(const Variable& y, const Variable& x, WalkOptions options) { return grad(y, std::span(&x, 1), options)[0]; }
std::vector<Variable> recorded_grad(const Variable& y, std::span<const Variable> x, WalkOptions options) {
  return pull_cotangents<Variable>(y, x, seed_of<Variable>(y), options);
}
Variable recorded_grad(const Variable& y, const Variable& x, WalkOptions options) {
  return recorded_grad(y, std::span(&x, 1), options)[0];
}

}  // namespace pf
