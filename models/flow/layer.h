#pragma once
// FlowLayer: one invertible step of a normalizing flow on R^width. A FlowStack of them is a Transform.

#include "models/transform.h"

namespace pf {

/// Both directions carry the log-determinant of their own Jacobian, [n]. Pulling, from data to noise, is what training
/// evaluates, so layers of which only one direction is cheap make it that one, unless the family is known for the other.
/// A context is a row for each point, [n, k]; layers whose map does not depend on it ignore it.
class FlowLayer {
 public:
  virtual ~FlowLayer() = default;
  virtual void visit_fields(const std::string& name, FieldVisitor& visitor) = 0;
  virtual void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const = 0;
  virtual Mapped push(const Variable& z, const Tensor& context = {}) const = 0;
  virtual Mapped pull(const Variable& x, const Tensor& context = {}) const = 0;
};

}  // namespace pf
