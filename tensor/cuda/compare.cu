// Whether two arrays hold the same bits; if not, the host hears of it with its next reading.

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/complain.h"
#include "tensor/cuda/for_each.h"

namespace pf::cuda {
namespace {

template <class Bits> struct SameBody {
  const Bits *a, *b;
  int64_t n;
  Status* status;
  __device__ void operator()(int64_t i) const {
    if (a[i] != b[i]) complain(status, Complaint::not_the_same, StatusOperation::checkpoint, 0, i, n);
  }
};

}  // namespace

void launch_check_same(size_t element, const void* a, const void* b, int64_t n, Status* status, cudaStream_t stream) {
  const auto run = [&]<class Bits>(Bits) {
    for_each_index("checkpoint", n, stream,
                   SameBody<Bits>{static_cast<const Bits*>(a), static_cast<const Bits*>(b), n, status});
  };
  if (element == 1) run(uint8_t());
  else if (element == 2) run(uint16_t());
  else if (element == 4) run(uint32_t());
  else run(uint64_t());
}

}  // namespace pf::cuda
