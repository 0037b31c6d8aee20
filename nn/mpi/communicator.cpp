// The processes that mpirun started. A library of its own, loaded by nn/data_parallel.cpp.

#include "nn/communicator.h"

#include <mpi.h>

#include <algorithm>

namespace pf {
namespace {

constexpr int64_t at_once = int64_t(1) << 30;  // counts are of type int

class MpiCommunicator final : public Communicator {
 public:
  MpiCommunicator() {
    int initialised = 0, level = 0;
    MPI_Initialized(&initialised);
    if (!initialised) MPI_Init_thread(nullptr, nullptr, MPI_THREAD_FUNNELED, &level);
    finalise_ = !initialised;
    MPI_Comm_rank(MPI_COMM_WORLD, &rank_);
    MPI_Comm_size(MPI_COMM_WORLD, &size_);
  }
  ~MpiCommunicator() override {
    if (finalise_) MPI_Finalize();
  }
  int rank() const override { return rank_; }
  int size() const override { return size_; }
  void sum(float* x, int64_t n) override { sum_of(x, n, MPI_FLOAT); }
  void sum(double* x, int64_t n) override { sum_of(x, n, MPI_DOUBLE); }
  void broadcast(void* bytes, int64_t n, int from) override {
    for (int64_t at = 0; at < n; at += at_once)
      MPI_Bcast(static_cast<char*>(bytes) + at, int(std::min(at_once, n - at)), MPI_BYTE, from, MPI_COMM_WORLD);
  }
  [[noreturn]] void abort(int code) override {
    MPI_Abort(MPI_COMM_WORLD, code);
    std::_Exit(code);
  }

 private:
  template <class T> void sum_of(T* x, int64_t n, MPI_Datatype type) {
    for (int64_t at = 0; at < n; at += at_once) {
      const int count = int(std::min(at_once, n - at));
      MPI_Allreduce(MPI_IN_PLACE, x + at, count, type, MPI_SUM, MPI_COMM_WORLD);
    }
  }

  int rank_ = 0, size_ = 1;
  bool finalise_ = false;
};

}  // namespace
}  // namespace pf

extern "C" [[gnu::visibility("default")]] pf::Communicator* pf_mpi_communicator() {
  static pf::MpiCommunicator communicator;  // its end is that of the program, and of MPI
  return &communicator;
}
