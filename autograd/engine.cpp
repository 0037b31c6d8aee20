#include "autograd/engine.h"

#include "autograd/apply.h"
#include "autograd/tape.h"
#include "tensor/device_pass.h"
#include "tensor/pointwise.h"

namespace pf {
namespace {

/// to += more, in the memory of `to`.
void add_into(const Tensor& to, const Tensor& more) {
  const DType dtype = to.dtype();
  void* const target = const_cast<void*>(to.raw());
  const Add op;
  if (to.device().is_cuda()) {
    if (more.device() != to.device()) common_dtype("add", std::array<const Tensor*, 2>{&to, &more});  // says so
    std::vector<Tensor> kept;
    cuda::Pass pass = device_pass(to.shape(), dtype, std::array<const Tensor*, 2>{&to, &more}, {}, kept);
    pass.targets[size_t(pass.target_count++)] = target;
    return backend_of(to).pointwise(cuda::find_launchers(pointwise_kernels<Add>()), cuda::PointwiseKind::forward,
                                    Add::name, &op, pass);
  }
  const auto kernel = pointwise_kernels<Add>().forward[int(dtype)];
  PointwisePass pass;
  pass.shape = to.shape();
  pass.read(to);
  pass.read(more);
  pass.write(target, dtype);
  run_pass(pass, [&](int64_t n, const void* const* x, void* const* y) { kernel(&op, n, x, y[0]); });
}

/// The same where nobody else holds `to`. A constant of a recording stays as it is.
void add_in_place(Tensor& to, const Tensor& more) {
  if (detail::watching && !detail::watching->owns(to)) [[unlikely]]
    to = to + more;
  else detail::replayable([](const Tensor& sum, const Tensor& term) { add_into(sum, term); }, to, more);
}

void accumulate(Tensor& sum, Tensor&& more) {
  if (!sum.defined()) {
    sum = std::move(more);
  } else if (sum.dtype() != more.dtype() || !(sum.shape() == more.shape())) {
    sum = sum + more;  // says what is wrong
  } else if (is_half(sum.dtype())) {
    sum = sum + more;
  } else if (sum.donatable()) {
    add_in_place(sum, more);
  } else if (more.donatable()) {
    add_in_place(more, sum);
    sum = std::move(more);
  } else {
    sum = sum + more;
  }
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
std::vector<A> pull_cotangents(Variable y, std::span<const Variable> targets, const A& g, WalkOptions options) {
  check(y.defined(), "grad: the result is an empty handle");
  check(g.shape() == y.shape(), "grad: cotangent ", g.shape(), " for a result ", y.shape(), ": shapes must agree");
  check(g.dtype() == y.dtype(), "grad: cotangent ", g.dtype(), " for a result ", y.dtype(), ": types must agree");
  const Tape tape(y.node(), targets, options.stop_at_targets);
  const size_t n = tape.size();
  // Where the caller has given the result away, nodes are released as the walk passes them, and their memory with them.
  std::vector<NodePtr> held;
  if (n > 0 && y.node()->unique()) {
    held.reserve(n);
    for (const Tape::Entry& entry : tape.entries) held.emplace_back(const_cast<Node*>(entry.node));
    y = Variable();
  }
  const bool anomaly = anomaly_detection();
  std::vector<A> cotangents(n);
  if (n > 0) cotangents[n - 1] = g;
  std::vector<A> grads;  // of one node; all undefined between nodes
  for (size_t i = n; i-- > 0;) {
    const Tape::Entry& entry = tape.entries[i];
    const auto slots = tape.inputs_of(i);
    Wanted wanted{0};
    bool any = false;
    if (cotangents[i].defined())
      for (size_t k = 0; k < slots.size(); ++k) {
        if (slots[k] < 0 || !tape.entries[size_t(slots[k])].reaches) continue;
        any = true;
        if (k < 32) wanted.bits |= 1u << k;
      }
    if (any) {
      if (grads.size() < slots.size()) grads.resize(slots.size());
      const std::span<A> here = std::span(grads).first(slots.size());
      entry.node->vjp(cotangents[i], wanted, here);
      if (!entry.is_target) cotangents[i] = A();  // before adding up, so that what was passed on is not shared with it
      for (size_t k = 0; k < slots.size(); ++k) {
        if (!here[k].defined()) continue;
        if (slots[k] >= 0 && tape.entries[size_t(slots[k])].reaches) {
          if (anomaly) [[unlikely]]
            report_nan_gradient(entry.node->name(), entry.node->inputs()[k].shape(), value_of(here[k]));
          accumulate(cotangents[size_t(slots[k])], std::move(here[k]));
        }
        if (here[k].defined()) here[k] = A();
      }
    }
    if (!held.empty()) held.pop_back();
  }
  std::vector<A> out;
  out.reserve(targets.size());
  for (size_t k = 0; k < targets.size(); ++k) {
    const int32_t slot = tape.target_slots[k];
    if (slot < 0 && !options.allow_unused) throw Error(describe_unused(targets[k], k));
    if (slot >= 0 && cotangents[size_t(slot)].defined()) out.push_back(cotangents[size_t(slot)]);
    else out.push_back(A(zeros_like(targets[k].value())));
  }
  return out;
}

template <Array A> A push_tangents(const Variable& y, std::span<const Variable> inputs, std::span<const A> tangents) {
  check(inputs.size() == tangents.size(), "jvp: ", inputs.size(), " inputs and ", tangents.size(), " tangents");
  for (size_t k = 0; k < inputs.size(); ++k)
    check(!tangents[k].defined() || tangents[k].shape() == inputs[k].shape(), "jvp: tangent ", tangents[k].shape(),
          " for an input ", inputs[k].shape(), ": shapes must agree");
  const Tape tape(y.node(), inputs, true);
  const size_t n = tape.size();
  std::vector<A> rising(n);
  for (size_t k = 0; k < inputs.size(); ++k)
    if (const int32_t slot = tape.target_slots[k]; slot >= 0 && tangents[k].defined())
      accumulate(rising[size_t(slot)], A(tangents[k]));
  std::vector<A> below;
  for (size_t i = 0; i < n; ++i) {
    const auto slots = tape.inputs_of(i);
    below.assign(slots.size(), A());
    bool any = false;
    for (size_t k = 0; k < slots.size(); ++k)
      if (slots[k] >= 0 && rising[size_t(slots[k])].defined()) {
        below[k] = rising[size_t(slots[k])];
        any = true;
      }
    if (any) rising[i] = tape.entries[i].node->jvp(std::span<const A>(below));
  }
  return n > 0 && rising[n - 1].defined() ? rising[n - 1] : A(zeros_like(y.value()));
}

template std::vector<Tensor> pull_cotangents(Variable, std::span<const Variable>, const Tensor&, WalkOptions);
template std::vector<Variable> pull_cotangents(Variable, std::span<const Variable>, const Variable&, WalkOptions);
template Tensor push_tangents(const Variable&, std::span<const Variable>, std::span<const Tensor>);
template Variable push_tangents(const Variable&, std::span<const Variable>, std::span<const Variable>);

template <Array A>
A transposed_vjp(const Tensor& output, std::span<const A> tangents,
                 const std::function<std::vector<Variable>(const Variable& g)>& vjp) {
  const Variable g = tracked(zeros(output.shape(), output.dtype(), output.device()));
  const std::vector<Variable> grads = vjp(g);
  Variable inner;
  for (size_t i = 0; i < tangents.size(); ++i) {
    if (!tangents[i].defined() || !grads[i].defined()) continue;
    accumulate(inner, sum(grads[i] * Variable(tangents[i])));
  }
  if (!inner.tracked()) return A();
  const A one(ones({}, output.dtype(), output.device()));
  return pull_cotangents<A>(std::move(inner), std::span(&g, 1), one, {.allow_unused = true})[0];
}
template Tensor transposed_vjp(const Tensor&, std::span<const Tensor>,
                               const std::function<std::vector<Variable>(const Variable&)>&);
template Variable transposed_vjp(const Tensor&, std::span<const Variable>,
                                 const std::function<std::vector<Variable>(const Variable&)>&);

namespace {
struct Alias {
  static constexpr auto name = "alias";
  Tensor eval(const Tensor& x) const { return x; }
  template <Array A> A adjoint(const A& g, const Shape&) const { return g; }
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
template <Array A> A seed_of(const Variable& y) {
  check(y.numel() == 1, "grad: the result has shape ", y.shape(),
        ": expected one element; sum or average it first, or use vjp with a cotangent");
  return A(ones(y.shape(), y.dtype(), y.device()));
}
}  // namespace

std::vector<Tensor> grad(Variable y, std::span<const Variable> x, WalkOptions options) {
  const Tensor g = seed_of<Tensor>(y);
  return pull_cotangents<Tensor>(std::move(y), x, g, options);
}
Tensor grad(Variable y, const Variable& x, WalkOptions options) {
  return grad(std::move(y), std::span(&x, 1), options)[0];
}
std::vector<Variable> recorded_grad(Variable y, std::span<const Variable> x, WalkOptions options) {
  const Variable g = seed_of<Variable>(y);
  return pull_cotangents<Variable>(std::move(y), x, g, options);
}
Variable recorded_grad(Variable y, const Variable& x, WalkOptions options) {
  return recorded_grad(std::move(y), std::span(&x, 1), options)[0];
}

}  // namespace pf
