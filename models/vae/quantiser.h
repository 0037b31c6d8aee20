#pragma once
// From vectors to a finite number of codes and back.
//
//   vq    the nearest of K learned vectors (van den Oord et al. 2017, arXiv 1711.00937, eq. 1–3). They follow the vectors that
//         chose them by exponential moving averages (appendix A.1): N_k ← γ N_k + (1 − γ) n_k, m_k ← γ m_k + (1 − γ) Σ e,
//         entry = m_k / N_k. One that hardly any vector chooses is put on a random vector of the batch (Dhariwal et al.
//         2020, arXiv 2005.00341, section 3.1).
//   fsq   each coordinate rounded to one of L levels: round(f(e)), f(e) = (L − 1)/2 tanh(e + a) − b, where b = ½ for an even
//         L and f(0) = 0 (Mentzer et al. 2023, arXiv 2309.15505, section 3.1). Nothing to learn, nothing to die.
//
// Rounding has no slope; the gradient passes straight through: q = e + (q − e), the second part held still.

#include "autograd/apply.h"
#include "nn/module.h"
#include "tensor/random.h"

namespace pf {

struct QuantiserSettings {
  bool finite_scalar = false;
  int64_t width = 3;     // numbers of a vector
  int64_t entries = 64;  // of a codebook
  int64_t levels = 4;    // of a coordinate, for finite scalars
  double decay = 0.99;   // γ
};

/// Vectors e: [n, width].
class Quantiser {
 public:
  virtual ~Quantiser() = default;
  virtual void visit_fields(const std::string& name, FieldVisitor& visitor) = 0;
  virtual void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const = 0;
  /// How many codes there are.
  virtual int64_t entries() const = 0;
  /// The code of each vector: int64 [n].
  virtual Tensor code(const Tensor& e) const = 0;
  /// The vector of each code: [n] → [n, width], of this type.
  virtual Tensor vector(const Tensor& code, DType dtype) const = 0;
  /// The vector of e's code, with the derivative of e itself.
  virtual Variable straight_through(const Variable& e) const = 0;
  /// ‖e − sg(q)‖² for each row, [n]; undefined where nothing has to be drawn to its code.
  virtual Variable commitment(const Variable& e) const = 0;
  /// What moves without a gradient, after a step of training. It keeps its memory (`overwrite` in tensor/capture.h).
  virtual void update(const Tensor& /*e*/, Rng& /*rng*/) {}
};
std::unique_ptr<Quantiser> make_quantiser(const QuantiserSettings& settings, Rng& rng);

}  // namespace pf
