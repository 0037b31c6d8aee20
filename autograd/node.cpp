#include "autograd/node.h"

namespace pf {
namespace {

class Leaf final : public Node {
 public:
  Leaf(const Tensor& value, std::string label) : Node(value), label_(std::move(label)) {}
  const char* name() const override { return "leaf"; }
  std::string label() const override { return label_; }
  std::span<const Variable> inputs() const override { return {}; }
  void vjp(const Tensor&, Wanted, std::span<Tensor>) const override {}
  void vjp(const Variable&, Wanted, std::span<Variable>) const override {}
  Tensor jvp(std::span<const Tensor>) const override { return {}; }
  Variable jvp(std::span<const Variable>) const override { return {}; }

 private:
  std::string label_;
};

}  // namespace

// Deleting a node releases its inputs, whose nodes may die in turn: those are put on a list instead of being deleted
// inside this call, so that a long chain needs no stack.
void Node::drop() noexcept {
  static constinit thread_local Node* doomed = nullptr;
  static constinit thread_local bool deleting = false;
  next_doomed_ = doomed;
  doomed = this;
  if (deleting) return;
  deleting = true;
  while (Node* node = doomed) {
    doomed = node->next_doomed_;
    delete node;
  }
  deleting = false;
}

Variable tracked(const Tensor& value, std::string label) {
  check(value.defined(), "tracked: an empty Tensor handle", label.empty() ? "" : " for ", label);
  check(is_floating(value.dtype()), "tracked: ", label, label.empty() ? "" : " is ", value.dtype(), " ", value.shape(),
        ": only float32 and float64 have derivatives; convert with cast(x, float32)");
  return Variable(value, NodePtr(new Leaf(value, std::move(label))));
}

}  // namespace pf
