// Sums over the GPUs of several processes by NCCL. A library of its own beside the CUDA library, loaded by
// nn/data_parallel.cpp: NCCL is large, and one GPU does without it.

#include <nccl.h>

#include "nn/communicator.h"
#include "tensor/error.h"

extern "C" cudaStream_t pf_cuda_stream();  // of the CUDA library: all work of a device is queued on one stream

namespace pf {
namespace {

void check_nccl(ncclResult_t result, const char* what) {
  check(result == ncclSuccess, "nccl: ", what, ": ", ncclGetErrorString(result),
        "; NCCL_DEBUG=INFO in the environment makes it say more");
}

class NcclCommunicator final : public DeviceCommunicator {
 public:
  /// On the device in use. The processes find each other by an id that the first one makes.
  explicit NcclCommunicator(Communicator& processes) {
    ncclUniqueId id{};
    if (processes.rank() == 0) check_nccl(ncclGetUniqueId(&id), "making an id");
    processes.broadcast(&id, sizeof id, 0);
    check_nccl(ncclCommInitRank(&communicator_, processes.size(), id, processes.rank()),
               "connecting the GPUs of the processes, which must be different ones");
  }
  void sum(float* x, int64_t n) override { sum_of(x, n, ncclFloat32); }
  void sum(double* x, int64_t n) override { sum_of(x, n, ncclFloat64); }

 private:
  void sum_of(void* x, int64_t n, ncclDataType_t type) {
    check_nccl(ncclAllReduce(x, x, size_t(n), type, ncclSum, communicator_, pf_cuda_stream()), "summing gradients");
  }

  ncclComm_t communicator_ = nullptr;
};

}  // namespace
}  // namespace pf

/// Lives as long as the program, like the CUDA library's backend.
extern "C" [[gnu::visibility("default")]] pf::DeviceCommunicator* pf_nccl_communicator(pf::Communicator* processes) {
  return new pf::NcclCommunicator(*processes);
}
