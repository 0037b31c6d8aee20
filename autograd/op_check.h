#pragma once
// The laws that every operation of the catalogue keeps, on inputs of every layout in memory.

#include "autograd/catalogue.h"
#include "autograd/gradcheck.h"

namespace pf {

/// How a tensor lies in memory while its values stay the same; `repeated` takes the first slice for all (stride 0).
enum class MemoryLayout { contiguous, transposed, every_second, backwards, repeated };
std::string to_string(MemoryLayout layout);
/// x in that layout; x itself where it has too few axes.
Tensor laid_out(const Tensor& x, MemoryLayout layout);

/// One operation on one set of inputs.
struct OpCheck {
  std::string inputs;         // "matrix, transposed"
  GradcheckReport gradients;  // float64, all orders and modes
  double layout_error = 0;    // of the value, against that of contiguous inputs
  double float32_error = 0;   // of value and gradient in float32, against float64
  std::string failure;        // an exception's text

  bool ok() const;
};
std::string to_string(const OpCheck& check);

/// All samples of the entry in all layouts that make a difference and are not skipped.
std::vector<OpCheck> check_op(const OpEntry& entry, const GradcheckOptions& options = {});

}  // namespace pf
