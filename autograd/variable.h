#pragma once
// Variable: a tensor that remembers how it was made. Without a node it is a constant, so code that nobody
// differentiates costs nothing and needs no "no-grad" mode. Gradients are returned by the functions in engine.h and
// functional.h; they are never stored in a Variable.

#include <string>

#include "tensor/ops/comparison.h"
#include "tensor/ops/op.h"

namespace pf {

class Node;

/// Shared ownership of a graph node (intrusive count).
class NodePtr {
 public:
  NodePtr() = default;
  explicit NodePtr(Node* node);  // takes a reference
  NodePtr(const NodePtr& other) : NodePtr(other.node_) {}
  NodePtr(NodePtr&& other) noexcept : node_(std::exchange(other.node_, nullptr)) {}
  NodePtr& operator=(NodePtr other) noexcept {
    std::swap(node_, other.node_);
    return *this;
  }
  ~NodePtr();
  Node* get() const { return node_; }
  Node* operator->() const { return node_; }
  explicit operator bool() const { return node_ != nullptr; }

 private:
  Node* node_ = nullptr;
};

class Variable {
 public:
  Variable() = default;
  Variable(const Tensor& value) : value_(value) {}
  Variable(Tensor&& value) : value_(std::move(value)) {}
  /// A number in a formula; see Tensor(double).
  explicit Variable(double literal) : value_(literal) {}
  Variable(const Tensor& value, NodePtr node) : value_(value), node_(std::move(node)) {}
  Variable(Tensor&& value, NodePtr node) : value_(std::move(value)), node_(std::move(node)) {}

  const Tensor& value() const { return value_; }
  Node* node() const { return node_.get(); }
  const NodePtr& shared_node() const { return node_; }
  /// Whether derivatives with respect to something reach this value.
  bool tracked() const { return bool(node_); }

  bool defined() const { return value_.defined(); }
  const Shape& shape() const { return value_.shape(); }
  int rank() const { return value_.rank(); }
  int64_t size(int axis) const { return value_.size(axis); }
  int64_t numel() const { return value_.numel(); }
  DType dtype() const { return value_.dtype(); }
  Device device() const { return value_.device(); }
  double item() const { return value_.item(); }

 private:
  Tensor value_;
  NodePtr node_;
};

template <> inline constexpr bool is_array<Variable> = true;
namespace detail {
template <> struct Stronger<Variable, Tensor> : std::type_identity<Variable> {};
template <> struct Stronger<Tensor, Variable> : std::type_identity<Variable> {};
}  // namespace detail

inline const Tensor& value_of(const Variable& x) { return x.value(); }
inline std::string to_string(const Variable& x) { return to_string(x.value()); }

/// A starting point of differentiation with this value. The label appears in errors and graph drawings.
Variable tracked(const Tensor& value, std::string label = "");

/// The value as a constant: no derivative passes.
inline Variable stop_gradient(const Variable& x) { return Variable(x.value()); }
inline Tensor stop_gradient(const Tensor& x) { return x; }

}  // namespace pf
