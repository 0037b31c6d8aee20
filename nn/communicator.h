#pragma once
// What data parallel training asks of an engine. MPI and NCCL are libraries of their own (nn/mpi/, nn/cuda/), loaded where
// a program was started as one of several; this header is all that they know of the rest.

#include <cstddef>
#include <cstdint>
#include <cstdlib>

namespace pf {

/// Some processes with one program, numbered by rank, and what they tell each other. Every call but abort is made by all of them,
/// in the same order. The base class is a process by itself.
class Communicator {
 public:
  virtual ~Communicator() = default;
  virtual int rank() const { return 0; }
  virtual int size() const { return 1; }
  /// x ← Σ of all processes' x, element by element; the same bits everywhere.
  virtual void sum(float* /*x*/, int64_t /*n*/) {}
  virtual void sum(double* /*x*/, int64_t /*n*/) {}
  /// Process `from` gives these bytes to all.
  virtual void broadcast(void* /*bytes*/, int64_t /*n*/, int /*from*/) {}
  /// Ends all the processes, wherever they are.
  [[noreturn]] virtual void abort(int code) { std::_Exit(code); }
};

/// The same for arrays on GPUs, one for each process: queued like a kernel, nobody waits.
class DeviceCommunicator {
 public:
  virtual ~DeviceCommunicator() = default;
  virtual void sum(float* x, int64_t n) = 0;
  virtual void sum(double* x, int64_t n) = 0;
};

}  // namespace pf
