#include "emulator/capture.h"

#include <algorithm>
#include <string>

#include "emulator/fault.h"
#include "emulator/settings.h"
#include "emulator/stream.h"

namespace pf::emulator {
namespace {

cudaError_t refuse(cudaError_t error, const std::string& why) {
  note_refusal(why);
  return error;
}

/// Whether the nodes or what they come after include all of `wanted`.
bool reached_from(const CUgraph_st& graph, const std::vector<CUgraphNode_st*>& from,
                  const std::vector<CUgraphNode_st*>& wanted) {
  std::vector<bool> seen(graph.nodes.size(), false);
  std::vector<size_t> open;
  for (const CUgraphNode_st* node : from) open.push_back(node->position);
  while (!open.empty()) {
    const size_t at = open.back();
    open.pop_back();
    if (seen[at]) continue;
    seen[at] = true;
    open.insert(open.end(), graph.nodes[at]->after.begin(), graph.nodes[at]->after.end());
  }
  return std::all_of(wanted.begin(), wanted.end(), [&](const CUgraphNode_st* node) { return seen[node->position]; });
}

void leave_capture(const Capture* capture) {
  for (CUstream_st* stream : all_streams()) {
    if (stream->capture != capture) continue;
    stream->capture = nullptr;
    stream->capture_tail.clear();
  }
}

}  // namespace

cudaError_t begin_capture(CUstream_st& stream, cudaStreamCaptureMode mode) {
  if (&stream == &stream_of(nullptr)) {
    return refuse(cudaErrorStreamCaptureUnsupported, "the default stream cannot be captured");
  }
  if (stream.capture) return refuse(cudaErrorIllegalState, "the stream is being captured already");
  static unsigned long long captures = 0;
  stream.capture =
      new Capture{&stream, std::make_unique<CUgraph_st>(), mode, std::this_thread::get_id(), true, ++captures};
  stream.capture_tail.clear();
  return cudaSuccess;
}

cudaError_t end_capture(CUstream_st& stream, cudaGraph_t* graph) {
  *graph = nullptr;
  if (!stream.capture) return refuse(cudaErrorIllegalState, "the stream is not being captured");
  if (stream.capture->origin != &stream) {
    return refuse(cudaErrorStreamCaptureUnmatched, "a capture ends on the stream where it began");
  }
  std::unique_ptr<Capture> capture(stream.capture);
  bool joined = true;
  for (CUstream_st* other : all_streams()) {
    if (other != &stream && other->capture == capture.get()) {
      joined = joined && reached_from(*capture->graph, stream.capture_tail, other->capture_tail);
    }
  }
  leave_capture(capture.get());
  if (!capture->valid) return cudaErrorStreamCaptureInvalidated;  // why was noted then
  if (!joined) {
    return refuse(cudaErrorStreamCaptureUnjoined,
                  "a stream that joined the capture by an event was not waited for by the capture's own stream");
  }
  *graph = capture->graph.release();
  return cudaSuccess;
}

CUgraphNode_st* add_node(CUstream_st& stream, NodeKind kind, const void* kernel, std::function<void()> run) {
  CUgraph_st& graph = *stream.capture->graph;
  auto node = std::make_unique<CUgraphNode_st>();
  node->kind = kind;
  node->kernel = kernel;
  node->run = std::move(run);
  node->position = graph.nodes.size();
  for (const CUgraphNode_st* before : stream.capture_tail) node->after.push_back(before->position);
  graph.nodes.push_back(std::move(node));
  stream.capture_tail = {graph.nodes.back().get()};
  return graph.nodes.back().get();
}

cudaError_t join_capture(CUstream_st& stream, const CUevent_st& event) {
  if (stream.capture && stream.capture != event.capture) {
    stream.capture->valid = event.capture->valid = false;
    return refuse(cudaErrorStreamCaptureMerge, "a stream under capture waits for an event of another capture");
  }
  stream.capture = event.capture;
  for (CUgraphNode_st* node : event.capture_tail) {
    if (std::find(stream.capture_tail.begin(), stream.capture_tail.end(), node) == stream.capture_tail.end()) {
      stream.capture_tail.push_back(node);
    }
  }
  return cudaSuccess;
}

cudaError_t refuse_in_capture(const char* call) {
  for (CUstream_st* stream : all_streams()) {
    Capture* capture = stream->capture;
    if (!capture || capture->mode == cudaStreamCaptureModeRelaxed) continue;
    if (capture->mode == cudaStreamCaptureModeThreadLocal && capture->thread != std::this_thread::get_id()) continue;
    capture->valid = false;
    return refuse(cudaErrorStreamCaptureUnsupported, std::string(call) + " while a stream is being captured");
  }
  return cudaSuccess;
}

cudaError_t refuse_if_capturing(CUstream_st& stream, const char* call) {
  if (!stream.capture) return cudaSuccess;
  stream.capture->valid = false;
  return refuse(cudaErrorStreamCaptureUnsupported, std::string(call) + " on a stream that is being captured");
}

void run_graph(const std::vector<CUgraphNode_st>& nodes) {
  std::vector<size_t> missing(nodes.size()), ready;
  std::vector<std::vector<size_t>> followers(nodes.size());
  for (size_t i = 0; i < nodes.size(); ++i) {
    missing[i] = nodes[i].after.size();
    for (size_t before : nodes[i].after) followers[before].push_back(i);
    if (missing[i] == 0) ready.push_back(i);
  }
  while (!ready.empty()) {
    auto next = settings().order == Order::forward   ? std::min_element(ready.begin(), ready.end())
                : settings().order == Order::reverse ? std::max_element(ready.begin(), ready.end())
                                                     : ready.begin() + int64_t(random_below(ready.size()));
    const size_t at = *next;
    ready.erase(next);
    if (nodes[at].run) nodes[at].run();
    for (size_t follower : followers[at]) {
      if (--missing[follower] == 0) ready.push_back(follower);
    }
  }
}

bool same_shape(const CUgraph_st& graph, const CUgraphExec_st& executable) {
  if (graph.nodes.size() != executable.nodes.size()) return false;
  for (size_t i = 0; i < graph.nodes.size(); ++i) {
    const CUgraphNode_st &a = *graph.nodes[i], &b = executable.nodes[i];
    if (a.kind != b.kind || a.kernel != b.kernel || a.after != b.after) return false;
  }
  return true;
}

}  // namespace pf::emulator
