#pragma once
// Streams: queued work, which runs when the settings say so: lazily (only when something waits for it), at once, or after
// a random delay. Lazy and random streams show the orderings that a host program forgot to ask for.

#include <cuda_runtime_api.h>

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "emulator/capture.h"

namespace pf::emulator {

struct Completion {
  bool done = false;
  CUstream_st* stream = nullptr;
};

struct StreamOperation {
  std::function<void()> run;
  std::shared_ptr<Completion> wait_for;  // of another stream's event
};

}  // namespace pf::emulator

struct CUstream_st {
  std::deque<pf::emulator::StreamOperation> queue;
  bool blocking = false;  // ordered with the default stream
  int device = 0;
  int priority = 0;
  pf::emulator::Capture* capture = nullptr;
  std::vector<CUgraphNode_st*> capture_tail;  // what the next captured node depends on
};

struct CUevent_st {
  std::shared_ptr<pf::emulator::Completion> completion;  // of the last record; null: never recorded
  pf::emulator::Capture* capture = nullptr;              // the last record was captured
  std::vector<CUgraphNode_st*> capture_tail;
};

namespace pf::emulator {

/// null is the default stream.
CUstream_st& stream_of(cudaStream_t handle);
/// Whether the handle is a stream that exists.
bool is_stream(cudaStream_t handle);
CUstream_st* create_stream(bool blocking, int device, int priority);
void destroy_stream(CUstream_st& stream);
const std::vector<CUstream_st*>& all_streams();

/// Queues work, or records it where the stream is captured.
cudaError_t enqueue(cudaStream_t stream, NodeKind kind, const void* kernel, std::function<void()> run);
/// Queues work that a capture does not record.
void enqueue_uncaptured(CUstream_st& stream, StreamOperation operation);

/// Runs the next operation, and what it waits for; false if there is none.
bool run_one(CUstream_st& stream);
void drain(CUstream_st& stream);
void drain_all();
void finish(const Completion& completion);
/// In random mode: some work of some streams.
void run_some_work();

}  // namespace pf::emulator
