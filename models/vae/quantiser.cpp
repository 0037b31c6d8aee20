#include "models/vae/quantiser.h"

#include <cmath>

#include "tensor/capture.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/hyperbolic.h"
#include "tensor/ops/index.h"
#include "tensor/ops/join.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/where.h"

namespace pf {
namespace {

class Codebook final : public Implements<Codebook, Quantiser> {
 public:
  Codebook(const QuantiserSettings& s, Rng& rng)
      : vectors_(rng.normal({s.entries, s.width})),
        counts_(zeros({s.entries})),
        sums_(zeros({s.entries, s.width})),
        decay_(s.decay) {}
  int64_t entries() const override { return vectors_.size(0); }
  /// argmin ‖e − v‖² = argmax e·v − ½ ‖v‖².
  Tensor code(const Tensor& e) const override {
    const Tensor v = cast(vectors_, e.dtype());
    return argmax(matmul(e, transpose(v)) - sum(square(v), -1) * 0.5, -1);
  }
  Tensor vector(const Tensor& code, DType dtype) const override { return index_select(cast(vectors_, dtype), 0, code); }
  Variable straight_through(const Variable& e) const override {
    return e + Variable(vector(code(e.value()), e.dtype()) - e.value());
  }
  Variable commitment(const Variable& e) const override {
    return sum(square(e - Variable(vector(code(e.value()), e.dtype()))), -1);
  }

  void update(const Tensor& e, Rng& rng) override {
    const int64_t n = e.size(0), k = entries();
    if (n == 0) return;
    const DType dtype = vectors_.dtype();
    const Tensor rows = cast(e, dtype), chosen = code(rows);
    Tensor counts = index_add(counts_ * decay_, 0, chosen, full({n}, 1 - decay_, dtype));
    Tensor sums = index_add(sums_ * decay_, 0, chosen, rows * (1 - decay_));
    // Nobody looks whether there is a dead entry at all: that would wait for a GPU in every step.
    const double fair = double(n) / double(k);
    const Tensor dead = counts < 0.1 * fair, random = index_select(rows, 0, rng.integers(n, {k}));
    sums = where(unsqueeze(dead, 1), random * fair, sums);
    counts = where(dead, full({k}, fair, dtype), counts);
    // In their place, where recorded steps read them.
    overwrite(vectors_, sums / unsqueeze(counts, 1));
    overwrite(counts_, counts);
    overwrite(sums_, sums);
  }

  static void fields(auto& self, auto&& visit) {
    visit("vectors", self.vectors_);
    visit("counts", self.counts_);
    visit("sums", self.sums_);
  }

 private:
  Tensor vectors_;        // [entries, width]
  Tensor counts_, sums_;  // N and m; zero before the first batch, whose vectors all entries are put on
  double decay_;
};

class FiniteScalars final : public Implements<FiniteScalars, Quantiser> {
 public:
  FiniteScalars(const QuantiserSettings& s)
      : width_(s.width), levels_(s.levels), entries_(1), offset_(s.levels % 2 ? 0 : 0.5) {
    for (int64_t j = 0; j < width_; ++j) {
      check(entries_ <= 65536 / levels_, "vae: ", width_, " coordinates of ", levels_,
            " levels make more than 65536 codes; set code-width or fsq-levels lower");
      entries_ *= levels_;
    }
  }
  int64_t entries() const override { return entries_; }
  Tensor code(const Tensor& e) const override {
    const Tensor digits = cast(round(bounded(e)) + double(levels_ / 2), int64);
    Tensor code = zeros({e.size(0)}, int64, e.device());
    for (int64_t j = 0; j < width_; ++j) code = code * levels_ + pick(digits, 1, j);
    return code;
  }
  Tensor vector(const Tensor& code, DType dtype) const override {
    // Whole numbers are exact in float64, and so are the quotients that matter here.
    Tensor rest = cast(code, float64);
    std::vector<Tensor> digits(static_cast<size_t>(width_));
    for (int64_t j = width_ - 1; j >= 0; --j) {
      const Tensor next = floor(rest / double(levels_));
      digits[size_t(j)] = (rest - next * double(levels_) - double(levels_ / 2)) / double(levels_ / 2);
      rest = next;
    }
    return cast(stack(digits, -1), dtype);
  }
  Variable straight_through(const Variable& e) const override {
    const Variable b = bounded(e);
    return (b + Variable(round(b.value()) - b.value())) * (1 / double(levels_ / 2));
  }
  Variable commitment(const Variable&) const override { return {}; }
  static void fields(auto&, auto&&) {}

 private:
  /// From −(L − 1)/2 − b to (L − 1)/2 − b, a little more so that the outermost levels are reached by rounding.
  template <Array A> A bounded(const A& e) const {
    const double half = double(levels_ - 1) * (1 + 1e-3) / 2;
    return tanh(e + std::atanh(offset_ / half)) * half - offset_;
  }
  int64_t width_, levels_, entries_;
  double offset_;
};

}  // namespace

std::unique_ptr<Quantiser> make_quantiser(const QuantiserSettings& settings, Rng& rng) {
  if (settings.finite_scalar) return std::make_unique<FiniteScalars>(settings);
  return std::make_unique<Codebook>(settings, rng);
}

}  // namespace pf
