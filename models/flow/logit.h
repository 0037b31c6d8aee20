#pragma once
// The way between numbers in an interval, such as dequantised pixels, and all real numbers, where a flow is at home:
//
//   y = logit(α + (1 − 2α) u),  u = (x + 1) / 2 in (0, 1)        Dinh et al. 2017, arXiv 1605.08803, section 4.1
//   log|dy/dx| = log (1 − 2α)/2 − log s (1 − s),  s = sigmoid(y)  in the symmetric form of Papamakarios et al. 2017,
//                                                                 arXiv 1705.07057, appendix E.2
//
// α keeps the ends of the interval, which images are full of, from infinity. Noise far out leads a little beyond the ends.

#include "models/objective.h"

namespace pf {

class LogitMap final : public Implements<LogitMap, Transform> {
 public:
  /// For data in (−1, 1). margin: α, from 0 to below ½.
  LogitMap(int64_t width, double margin);
  const Distribution& base() const override { return base_; }
  int64_t width() const override { return base_.width(); }
  Traits traits() const override;
  Variable push(const Variable& y, const Tensor& context = {}) const override;
  /// Points that nothing is pushed to have log|det| −∞.
  Variable pull(const Variable& x, const Tensor& context = {}) const override;
  Mapped push_with_log_det(const Variable& y, const Tensor& context = {}) const override;
  Mapped pull_with_log_det(const Variable& x, const Tensor& context = {}) const override;

  static void fields(auto&, auto&&) {}

 private:
  const char* family() const override { return "logit"; }
  /// Of y → x, at y: [n].
  Variable log_det(const Variable& y) const;
  Normal base_;
  double margin_;
};

/// An objective for the inner map of a composition, on data that are given on the outer scale: its loss of the batch pulled
/// through the fixed outer map, minus the mean log-determinant of that, which makes a likelihood that of the data.
class Preprocessed final : public Objective {
 public:
  Preprocessed(const Transform& outer, std::unique_ptr<Objective> inner) : outer_(outer), inner_(std::move(inner)) {}
  std::string name() const override { return inner_->name(); }
  Variable loss(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  std::vector<VitalSign> vital_signs(const Tensor& batch, Rng& rng, const Tensor& context = {}) const override;
  AdamOptions optimizer() const override { return inner_->optimizer(); }

 private:
  const Transform& outer_;
  std::unique_ptr<Objective> inner_;
};

}  // namespace pf
