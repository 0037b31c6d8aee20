#include "emulator/stream.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "emulator/device_memory.h"
#include "emulator/fault.h"
#include "emulator/settings.h"

namespace pf::emulator {
namespace {

constexpr size_t queue_limit = 1024;  // as a real launch queue, it does not grow for ever

std::vector<CUstream_st*>& streams() {
  static CUstream_st standard{
      .queue = {}, .blocking = true, .device = 0, .priority = 0, .capture = nullptr, .capture_tail = {}};
  static std::vector<CUstream_st*> all{&standard};
  return all;
}

}  // namespace

const std::vector<CUstream_st*>& all_streams() { return streams(); }

CUstream_st& stream_of(cudaStream_t handle) {
  return handle == nullptr || handle == cudaStreamLegacy ? *streams()[0] : *handle;
}
bool is_stream(cudaStream_t handle) {
  if (handle == nullptr || handle == cudaStreamLegacy) return true;
  return std::find(streams().begin(), streams().end(), handle) != streams().end();
}

CUstream_st* create_stream(bool blocking, int device, int priority) {
  auto* stream = new CUstream_st;
  stream->blocking = blocking;
  stream->device = device;
  stream->priority = priority;
  streams().push_back(stream);
  return stream;
}

void destroy_stream(CUstream_st& stream) {
  drain(stream);
  streams().erase(std::find(streams().begin(), streams().end(), &stream));
  delete &stream;
}

bool run_one(CUstream_st& stream) {
  if (stream.queue.empty()) return false;
  OpenMemory open;
  StreamOperation operation = std::move(stream.queue.front());
  stream.queue.pop_front();
  if (operation.wait_for) finish(*operation.wait_for);
  // After a fault nothing runs, but waits are over and memory is released.
  if (operation.run) operation.run();
  return true;
}

void drain(CUstream_st& stream) {
  if (stream.queue.empty()) return;
  OpenMemory open;
  while (run_one(stream)) {}
}

void drain_all() {
  OpenMemory open;
  for (size_t i = 0; i < streams().size(); ++i) drain(*streams()[i]);
}

void finish(const Completion& completion) {
  while (!completion.done) {
    if (!run_one(*completion.stream)) {
      std::fprintf(stderr, "emulator: a stream waits for an event that never comes\n");
      std::_Exit(66);
    }
  }
}

void run_some_work() {
  if (settings().streams != StreamMode::random) return;
  OpenMemory open;
  for (uint64_t steps = random_below(4); steps > 0; --steps) { run_one(*streams()[random_below(streams().size())]); }
}

void enqueue_uncaptured(CUstream_st& stream, StreamOperation operation) {
  CUstream_st& standard = *streams()[0];
  if (&stream == &standard) {  // comes after all that blocking streams were given before
    for (CUstream_st* other : streams()) {
      if (other->blocking) drain(*other);
    }
  }
  stream.queue.push_back(std::move(operation));
  if (settings().streams == StreamMode::eager || &stream == &standard) drain(stream);
  if (stream.queue.size() > queue_limit) drain(stream);
  run_some_work();
}

cudaError_t enqueue(cudaStream_t handle, NodeKind kind, const void* kernel, std::function<void()> run) {
  if (!is_stream(handle)) {
    note_refusal("the stream does not exist (any more)");
    return cudaErrorInvalidResourceHandle;
  }
  CUstream_st& stream = stream_of(handle);
  if (stream.capture) {
    if (!stream.capture->valid) return cudaErrorStreamCaptureInvalidated;
    add_node(stream, kind, kernel, std::move(run));
    return cudaSuccess;
  }
  if (&stream == streams()[0]) {
    if (cudaError_t error = refuse_in_capture("work on the default stream")) return error;
  }
  enqueue_uncaptured(stream, {std::move(run), nullptr});
  return device_error;
}

}  // namespace pf::emulator
