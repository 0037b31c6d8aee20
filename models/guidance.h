#pragma once
// Classifier-free guidance (Ho & Salimans 2022, arXiv 2207.12598): one network learns with and without the condition, which
// is left out of some rows in training, and answers are pushed away from those without it (their eq. 6):
//
//   answer = (1 + w) answer(condition) − w answer(none)
//
// That is right for whatever is affine in the score with the same point: scores, velocities, x̂₀, ε̂, v̂. A condition that is
// left out is a row of zeros. Zeros may be a condition as well, so a further input says whether there is one: 1 or 0.
// What the guided flow ends at is not the density p(x | c)^(1 + w) / p(x)^w, but it is a flow, and has its own density.

#include "autograd/apply.h"
#include "models/settings.h"
#include "tensor/random.h"

namespace pf {

/// How a map takes its condition.
struct Guidance {
  int64_t width = 0;   // of the condition; 0: the map takes none
  double dropout = 0;  // part of the rows that learn without the condition
  double weight = 0;   // w; other than 0 only where dropout > 0

  /// Further inputs of the network.
  int64_t inputs() const { return width == 0 ? 0 : width + (dropout > 0 ? 1 : 0); }
  /// Those inputs for n points: [n, inputs()], undefined where there are none. Checked as in context_rows.
  Tensor rows(const char* who, const Tensor& context, int64_t n, DType dtype) const;
  /// The same for training: some rows are without.
  Tensor training_rows(const char* who, const Tensor& context, int64_t n, DType dtype, Rng& rng) const;
  /// The inputs of n points without condition.
  Tensor null_rows(int64_t n, DType dtype) const;
  /// (1 + w) given − w without.
  Variable mix(const Variable& given, const Variable& without) const { return given * (1 + weight) - without * weight; }
};

/// label-dropout and guidance.
Setting label_dropout_setting();
Setting guidance_setting();
/// Throws where guidance is asked for and there is nothing to guide by.
Guidance read_guidance(const Settings& settings, int64_t context_width);

}  // namespace pf
