// What device code takes from the standard library. A deduction guide is a host function to clang unless told otherwise;
// to nvcc it is not (--expt-relaxed-constexpr).
#pragma clang force_cuda_host_device begin
#include <array>
#pragma clang force_cuda_host_device end
