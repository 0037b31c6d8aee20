#pragma once
// Node: one recorded operation. It keeps its inputs, its output's value (or only their shapes, where the derivative
// does not read them), and a creation number; since an operation's inputs exist before it does, the numbers are a
// topological order for free. All walks over the graph are loops over nodes sorted by number, and destruction is a loop
// too, so a graph may be as deep as memory allows.

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "autograd/variable.h"

namespace pf {

class Node {
 public:
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  virtual const char* name() const = 0;
  virtual std::span<const Variable> inputs() const = 0;
  /// The plain result; where the derivative does not read it, only its shape and type.
  const Tensor& output() const { return output_; }
  uint64_t number() const { return number_; }
  /// For leaves: what `tracked` was given.
  virtual std::string label() const { return {}; }
  /// Whether one handle alone keeps this node alive.
  bool unique() const { return references_.load(std::memory_order_acquire) == 1; }

  /// Given the cotangent g of the output, sets grads[i] for every wanted input that is tracked. With tensors this
  /// computes; with variables it is recorded, for derivatives of derivatives. An undefined grad means zero.
  virtual void vjp(const Tensor& g, Wanted wanted, std::span<Tensor> grads) const = 0;
  virtual void vjp(const Variable& g, Wanted wanted, std::span<Variable> grads) const = 0;
  /// The tangent of the output, given those of the inputs (undefined means zero; at least one is defined). An undefined
  /// result means zero.
  virtual Tensor jvp(std::span<const Tensor> tangents) const = 0;
  virtual Variable jvp(std::span<const Variable> tangents) const = 0;

  /// The number that the next node will get: nodes made from now on have this one or a larger one.
  static uint64_t next_number() { return next_.load(std::memory_order_relaxed); }

  static void* operator new(size_t bytes) { return allocate(bytes); }
  static void operator delete(void* node, size_t bytes) { release(node, bytes); }

 protected:
  /// With `keep_value` false the output's memory is not held, only its shape and type.
  explicit Node(const Tensor& output, bool keep_value = true)
      : output_(keep_value ? output.storage() : Storage(), output.layout(), output.dtype()),
        number_(next_.fetch_add(1, std::memory_order_relaxed)) {}
  virtual ~Node() = default;

 private:
  friend class NodePtr;
  friend struct Tape;
  friend std::vector<Variable> captured_since(uint64_t first_number, const Node* result);
  void drop() noexcept;

  inline static std::atomic<uint64_t> next_{1};

  Tensor output_;
  uint64_t number_;
  std::atomic<int64_t> references_{0};
  // Scratch of the walk that is collecting nodes right now (tape.cpp); a graph belongs to one thread at a time.
  mutable uint64_t walk_ = 0;
  mutable int32_t slot_ = 0;
  Node* next_doomed_ = nullptr;
};

inline NodePtr::NodePtr(Node* node) : node_(node) {
  if (node_) node_->references_.fetch_add(1, std::memory_order_relaxed);
}
inline NodePtr::~NodePtr() {
  if (node_ && node_->references_.fetch_sub(1, std::memory_order_acq_rel) == 1) node_->drop();
}

}  // namespace pf
