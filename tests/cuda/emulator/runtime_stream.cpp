// Streams and events.

#include <string>

#include "emulator/api_call.h"
#include "emulator/counters.h"
#include "emulator/device.h"
#include "emulator/fault.h"
#include "emulator/settings.h"
#include "emulator/stream.h"

using namespace pf::emulator;

namespace {

constexpr int highest_priority = -5;

cudaError_t check_stream(const ApiCall& call, cudaStream_t stream) {
  if (is_stream(stream)) return cudaSuccess;
  return call.refuse(cudaErrorInvalidResourceHandle, "the stream does not exist (any more)");
}

cudaError_t make_stream(const ApiCall& call, cudaStream_t* stream, unsigned flags, int priority) {
  if (flags & ~unsigned(cudaStreamNonBlocking)) return call.refuse(cudaErrorInvalidValue, "unknown flags");
  *stream = create_stream(!(flags & cudaStreamNonBlocking), current_device(), priority);
  return cudaSuccess;
}

}  // namespace

extern "C" {

cudaError_t cudaStreamCreate(cudaStream_t* stream) {
  PF_EMULATOR_CALL("cudaStreamCreate");
  return make_stream(call, stream, cudaStreamDefault, 0);
}
cudaError_t cudaStreamCreateWithFlags(cudaStream_t* stream, unsigned flags) {
  PF_EMULATOR_CALL("cudaStreamCreateWithFlags");
  return make_stream(call, stream, flags, 0);
}
cudaError_t cudaStreamCreateWithPriority(cudaStream_t* stream, unsigned flags, int priority) {
  PF_EMULATOR_CALL("cudaStreamCreateWithPriority");
  return make_stream(call, stream, flags, priority);
}
cudaError_t cudaDeviceGetStreamPriorityRange(int* least, int* greatest) {
  PF_EMULATOR_CALL("cudaDeviceGetStreamPriorityRange");
  *least = 0;
  *greatest = highest_priority;
  return cudaSuccess;
}

cudaError_t cudaStreamDestroy(cudaStream_t stream) {
  PF_EMULATOR_CALL("cudaStreamDestroy");
  if (cudaError_t error = check_stream(call, stream)) return error;
  if (&stream_of(stream) == &stream_of(nullptr)) {
    return call.refuse(cudaErrorInvalidResourceHandle, "the default stream cannot be destroyed");
  }
  if (stream->capture) return call.refuse(cudaErrorStreamCaptureUnsupported, "the stream is being captured");
  destroy_stream(*stream);
  return call.give(device_error);
}

cudaError_t cudaStreamSynchronize(cudaStream_t handle) {
  PF_EMULATOR_CALL("cudaStreamSynchronize");
  if (cudaError_t error = check_stream(call, handle)) return error;
  ++counters().synchronisations;
  CUstream_st& stream = stream_of(handle);
  if (cudaError_t error = refuse_if_capturing(stream, "cudaStreamSynchronize")) return call.give(error);
  drain(stream);
  return call.give(device_error);
}

cudaError_t cudaStreamQuery(cudaStream_t handle) {
  PF_EMULATOR_CALL("cudaStreamQuery");
  if (cudaError_t error = check_stream(call, handle)) return error;
  CUstream_st& stream = stream_of(handle);
  if (cudaError_t error = refuse_if_capturing(stream, "cudaStreamQuery")) return call.give(error);
  run_one(stream);  // one who asks again and again is answered in the end
  return stream.queue.empty() ? call.give(device_error) : cudaErrorNotReady;
}

cudaError_t cudaStreamWaitEvent(cudaStream_t handle, cudaEvent_t event, unsigned) {
  PF_EMULATOR_CALL("cudaStreamWaitEvent");
  if (cudaError_t error = check_stream(call, handle)) return error;
  CUstream_st& stream = stream_of(handle);
  if (event->capture) return call.give(join_capture(stream, *event));
  if (stream.capture) {
    if (!event->completion || event->completion->done) return cudaSuccess;
    stream.capture->valid = false;
    return call.refuse(cudaErrorStreamCaptureIsolation,
                       "a stream that is being captured waits for an event that was recorded outside of the capture");
  }
  if (event->completion && !event->completion->done) enqueue_uncaptured(stream, {nullptr, event->completion});
  return call.give(device_error);
}

cudaError_t cudaLaunchHostFunc(cudaStream_t stream, cudaHostFn_t function, void* argument) {
  PF_EMULATOR_CALL("cudaLaunchHostFunc");
  return call.give(enqueue(stream, NodeKind::host_function, nullptr, [=] { function(argument); }));
}

cudaError_t cudaEventCreateWithFlags(cudaEvent_t* event, unsigned) {
  PF_EMULATOR_CALL("cudaEventCreateWithFlags");
  *event = new CUevent_st;
  return cudaSuccess;
}
cudaError_t cudaEventCreate(cudaEvent_t* event) { return cudaEventCreateWithFlags(event, cudaEventDefault); }
cudaError_t cudaEventDestroy(cudaEvent_t event) {
  PF_EMULATOR_CALL("cudaEventDestroy");
  delete event;
  return cudaSuccess;
}

cudaError_t cudaEventRecord(cudaEvent_t event, cudaStream_t handle) {
  PF_EMULATOR_CALL("cudaEventRecord");
  if (cudaError_t error = check_stream(call, handle)) return error;
  CUstream_st& stream = stream_of(handle);
  event->capture = stream.capture;
  event->capture_tail = stream.capture_tail;
  if (stream.capture) {
    event->completion = nullptr;
    return cudaSuccess;
  }
  auto completion = std::make_shared<Completion>(Completion{false, &stream});
  event->completion = completion;
  enqueue_uncaptured(stream, {[completion] { completion->done = true; }, nullptr});
  return call.give(device_error);
}
cudaError_t cudaEventRecordWithFlags(cudaEvent_t event, cudaStream_t stream, unsigned) {
  return cudaEventRecord(event, stream);
}

cudaError_t cudaEventSynchronize(cudaEvent_t event) {
  PF_EMULATOR_CALL("cudaEventSynchronize");
  ++counters().synchronisations;
  if (event->capture) return call.refuse(cudaErrorCapturedEvent, "the event was recorded in a capture");
  if (event->completion) finish(*event->completion);
  return call.give(device_error);
}

cudaError_t cudaEventQuery(cudaEvent_t event) {
  PF_EMULATOR_CALL("cudaEventQuery");
  if (event->capture) return call.refuse(cudaErrorCapturedEvent, "the event was recorded in a capture");
  if (!event->completion || event->completion->done) return call.give(device_error);
  run_one(*event->completion->stream);
  return event->completion->done ? call.give(device_error) : cudaErrorNotReady;
}

cudaError_t cudaEventElapsedTime(float* milliseconds, cudaEvent_t start, cudaEvent_t end) {
  PF_EMULATOR_CALL("cudaEventElapsedTime");
  for (const CUevent_st* event : {start, end}) {
    if (!event->completion) return call.refuse(cudaErrorInvalidResourceHandle, "an event was never recorded");
    if (!event->completion->done) return cudaErrorNotReady;
  }
  *milliseconds = 0;  // the time of a GPU is not known here
  return cudaSuccess;
}

}  // extern "C"
