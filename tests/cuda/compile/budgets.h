#pragma once
// The budget of every kernel: one line each. The program cuda_budget holds the compiled library to it.

#include <string_view>

namespace pf::budget {

/// Limits of a kernel, of one body of it where that is named. Streaming kernels ask for at most 1.05 times the bytes they
/// must move; occupancy is at least 50 %. What is allowed more says why.
struct Budget {
  std::string_view kernel, body;
  int threads;       // of a block
  double occupancy;  // least percentage of an SM's threads, on every architecture
  double sectors;    // most bytes of sectors asked for, for each byte that has to be moved; 0: not measured
  std::string_view why = "";
};

inline constexpr Budget budgets[] = {
    {"flat_pass", "", 256, 50, 1.05},
    {"flat_pass", "VjpBody", 256, 50, 1.1, "a gradient that is one number for all is asked for by every warp"},
    {"strided_pass", "", 256, 50, 4.5,
     "neighbouring threads read a transposed operand a row apart; what else is in a sector waits in the cache"},
    {"strided_loop", "", 256, 50, 1.6, "one number for all is asked for by every warp"},
    {"plain_loop", "", 256, 50, 1.05},
    {"plain_loop", "AddBody", 256, 50, 2, "every thread looks through the same index"},
    {"plain_loop", "AddToElement", 256, 50, 40, "every thread looks through the whole index, which stays in the cache"},
    {"plain_loop", "FillBody", 256, 50, 0},
    {"plain_loop", "GatherBody", 256, 50, 2, "picked elements do not lie beside each other"},
    {"plain_loop", "SelectBody", 256, 50, 1.5, "an index is asked for by every thread of its row"},
    {"plain_loop", "SearchBody", 256, 50, 4, "a search reads what it is compared with, from the cache"},
    {"plain_loop", "RowBody", 256, 50, 2.1, "a row is read for its largest element, its sum and the result"},
    {"plain_loop", "PanelSums", 256, 50, 1.3, "the mean and factor of a row are read with each of its elements"},
    {"plain_loop", "SplineBody", 256, 50, 22, "a thread reads the parameters of its element, a row of them"},
    {"plain_loop", "SplineVjpBody", 256, 25, 22,
     "a thread reads the parameters of its element, a row of them; float64 takes 98 registers"},
    {"warp_rows", "AddToRow", 128, 50, 40, "every warp looks through the whole index, which stays in the cache"},
    {"warp_rows", "CumsumRow", 128, 50, 8.1, "few sums along a first axis go by warps, whose lanes read rows apart"},
    {"warp_rows", "NormRow", 128, 50, 3.1, "a row is read for its mean, its deviation and the result, from the cache"},
    {"warp_rows", "NormRowVjp", 128, 50, 3.1, "a row is read for two sums and the result, from the cache"},
    {"warp_rows", "CausalSoftmaxRow", 128, 50, 2.1, "a row is read for its largest element, its sum and the result"},
    {"warp_rows", "CausalSoftmaxRowVjp", 128, 50, 2.1, "a row is read for its sum and the result"},
    {"long_rows", "", 128, 50, 2.1, "a row is read for its largest element, its sum and the result, from the cache"},
    {"reduce_rows", "", 128, 50, 1.05},
    {"reduce_rows", "LargestPolicy", 128, 50, 1.1, "a block writes one number"},
    {"arg_rows", "", 128, 50, 1.1, "a block writes one number"},
    {"matrix_blocks", "", 128, 50, 22, "a matrix is worked on in place, in the cache"},
    {"sort_chunks", "", 256, 50, 1.05},
    {"square_pieces", "", 128, 50, 1.05},
    {"finish_norm", "", 128, 50, 0},
    {"update_pieces", "", 128, 50, 1.05},
    {"update_pieces", "AdamRule", 128, 35, 1.05, "in float64, four arrays of two numbers are in registers at a time"},
};

}  // namespace pf::budget
