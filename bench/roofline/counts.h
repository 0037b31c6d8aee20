#pragma once
// What a device would have to do: counted by a CUDA library that computes nothing (counting_backend.cpp).

#include <cstdint>

extern "C" {
struct pf_roofline_counts {
  int64_t launches;  // operations, each of which is one kernel at least
  int64_t bytes;     // every operand of an operation read once, every result written once
  int64_t flops;     // of matrix products
  int64_t peak;      // the most bytes of device memory in use at once
};
/// Since the last call.
pf_roofline_counts pf_roofline_take_counts();
}
