#pragma once
// What an autoregressive model's conditionals come from: a network whose outputs for coordinate i are a function of the
// condition and of the coordinates before it. It can be evaluated for all coordinates at once, where these are known, and
// one coordinate after the other, where each is drawn from the outputs for it.

#include <memory>

#include "nn/module.h"

namespace pf {

/// What a network is told.
struct NetworkInput {
  int64_t width = 0;     // coordinates
  int64_t levels = 0;    // they are whole numbers 0 … levels − 1; 0: real numbers
  bool classes = false;  // whole numbers whose order means nothing
  int64_t context = 0;   // numbers of the condition
};

/// One evaluation, coordinate by coordinate. What is recorded for differentiation is what the calls compute.
class ConditionalSequence {
 public:
  virtual ~ConditionalSequence() = default;
  /// The outputs for the next coordinate, [rows, outputs]. `previous`: the coordinate before it, [rows, 1]; none for the
  /// first. Of a whole number that is relaxed, the share of each level in it, [rows, levels] (ConditionalHead::shares).
  virtual Variable next(const Variable& previous = {}) = 0;
};

class ConditionalNetwork {
 public:
  virtual ~ConditionalNetwork() = default;
  virtual void visit_fields(const std::string& name, FieldVisitor& visitor) = 0;
  virtual void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const = 0;

  /// x: [n, width], context: [n, context] or undefined → [n, width, outputs]
  virtual Variable operator()(const Variable& x, const Tensor& context = {}) const = 0;
  /// The same network unrolled, for so many rows. It refers to the network.
  virtual std::unique_ptr<ConditionalSequence> unroll(int64_t rows, const Tensor& context = {}) const = 0;
};

}  // namespace pf
