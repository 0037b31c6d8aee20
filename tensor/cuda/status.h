#pragma once
// What a kernel has to complain of. Nothing waits for it: the first complaint stays on the device until the host reads
// anything back, which then throws it as a sentence.

#include <cstdint>

namespace pf::cuda {

enum class Complaint : int {
  none,
  index_out_of_range,
  not_positive_definite,
  singular,
  norm_not_finite,
  zero_on_diagonal,
  not_the_same
};

struct Status {
  int complaint = 0;
  int operation = 0;  // its number in operation_names
  int64_t value = 0, position = 0, limit = 0;
  double number = 0;
};

enum class StatusOperation : int {
  gather,
  scatter_add,
  index_select,
  index_add,
  one_hot,
  cholesky,
  solve,
  inverse,
  solve_triangular,
  clip_by_norm,
  checkpoint
};

}  // namespace pf::cuda
