#include "autograd/checkpoint.h"

#include <algorithm>
#include <cstring>

#include "autograd/tape.h"
#include "tensor/device_pass.h"

namespace pf {
namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
  if (!(a.shape() == b.shape()) || a.dtype() != b.dtype()) return false;
  const Tensor x = contiguous(a), y = contiguous(b);
  if (x.device().is_cuda()) {  // says so later: an answer now would have to wait for the device
    if (y.device() != x.device()) return false;
    if (x.numel() > 0) backend_of(x).check_same(size_t(size_of(x.dtype())), x.raw(), y.raw(), x.numel());
    return true;
  }
  return x.numel() == 0 || std::memcmp(x.raw(), y.raw(), size_t(x.numel() * size_of(x.dtype()))) == 0;
}

bool contains(std::span<const Variable> list, const Node* node) {
  return std::any_of(list.begin(), list.end(), [&](const Variable& x) { return x.node() == node; });
}

/// The inputs as new starting points, so that the graph made from them ends there. With A = Tensor it ends for good,
/// with A = Variable the derivatives go on behind them.
template <Array A> std::vector<Variable> starts(std::span<const Variable> inputs) {
  std::vector<Variable> out;
  for (const Variable& x : inputs) {
    if (!x.tracked()) out.push_back(x);
    else out.push_back(std::same_as<A, Tensor> ? tracked(x.value()) : alias(x));
  }
  return out;
}

class CheckpointNode final : public Node {
 public:
  /// `inputs`: those of f, then what f captured.
  CheckpointNode(ListMap f, std::vector<Variable> inputs, size_t arguments, const Tensor& output)
      : Node(output), f_(std::move(f)), inputs_(std::move(inputs)), arguments_(arguments) {}
  const char* name() const override { return "checkpoint"; }
  std::span<const Variable> inputs() const override { return inputs_; }
  void vjp(const Tensor& g, Wanted wanted, std::span<Tensor> grads) const override { pull(g, wanted, grads); }
  void vjp(const Variable& g, Wanted wanted, std::span<Variable> grads) const override { pull(g, wanted, grads); }
  Tensor jvp(std::span<const Tensor> tangents) const override { return push(tangents); }
  Variable jvp(std::span<const Variable> tangents) const override { return push(tangents); }

 private:
  struct Again {
    Variable result;
    std::vector<Variable> inputs;  // in the places of inputs_, untracked where nothing is to be found out
  };
  template <Array A> Again run_again() const {
    const std::span<const Variable> inputs(inputs_);
    std::vector<Variable> from = starts<A>(inputs.first(arguments_));
    const uint64_t first = Node::next_number();
    Variable y = f_(from);
    check(same_bits(y.value(), output()), "checkpoint: the second run of the function gave another value, ", y.dtype(),
          " ", y.shape(), ": it must compute the same each time; draw random numbers outside and pass them in");
    from.insert(from.end(), inputs.begin() + int64_t(arguments_), inputs.end());
    for (const Variable& x : captured_since(first, y.node()))
      check(contains(from, x.node()), "checkpoint: the second run of the function used something tracked, ", x.shape(),
            ", that the first did not: it must compute the same each time");
    return {std::move(y), std::move(from)};
  }
  template <Array A> void pull(const A& g, Wanted wanted, std::span<A> grads) const {
    Again again = run_again<A>();
    std::vector<Variable> targets;
    std::vector<size_t> places;
    for (size_t i = 0; i < inputs_.size(); ++i) {
      if (!inputs_[i].tracked() || (i < 32 && !wanted[int(i)])) continue;
      targets.push_back(again.inputs[i]);
      places.push_back(i);
    }
    again.inputs.clear();
    auto found =
        pull_cotangents<A>(std::move(again.result), targets, g, {.allow_unused = true, .stop_at_targets = true});
    for (size_t k = 0; k < places.size(); ++k) grads[places[k]] = std::move(found[k]);
  }
  template <Array A> A push(std::span<const A> tangents) const {
    const Again again = run_again<A>();
    return push_tangents<A>(again.result, again.inputs, tangents);
  }

  ListMap f_;
  std::vector<Variable> inputs_;
  size_t arguments_;
};

}  // namespace

Variable detail::checkpoint(const ListMap& f, std::span<const Variable> inputs) {
  const std::vector<Variable> from = starts<Tensor>(inputs);
  const uint64_t first = Node::next_number();
  const Variable y = f(from);
  if (!y.tracked()) return y;
  std::vector<Variable> all(inputs.begin(), inputs.end());
  for (const Variable& x : captured_since(first, y.node()))
    if (!contains(from, x.node())) all.push_back(x);
  // The graph of this run ends with `y`; the node keeps the value alone.
  return Variable(y.value(), NodePtr(new CheckpointNode(f, std::move(all), inputs.size(), y.value())));
}

}  // namespace pf
