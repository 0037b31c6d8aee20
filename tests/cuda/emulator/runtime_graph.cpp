// Capture and graphs.

#include <algorithm>
#include <string>

#include "emulator/api_call.h"
#include "emulator/capture.h"
#include "emulator/counters.h"
#include "emulator/fault.h"
#include "emulator/stream.h"

using namespace pf::emulator;

namespace {

cudaGraphNodeType type_of(NodeKind kind) {
  switch (kind) {
    case NodeKind::kernel:
      return cudaGraphNodeTypeKernel;
    case NodeKind::copy:
      return cudaGraphNodeTypeMemcpy;
    case NodeKind::set:
      return cudaGraphNodeTypeMemset;
    case NodeKind::host_function:
      return cudaGraphNodeTypeHost;
    case NodeKind::allocation:
      return cudaGraphNodeTypeMemAlloc;
    case NodeKind::release:
      return cudaGraphNodeTypeMemFree;
    case NodeKind::empty:
      break;
  }
  return cudaGraphNodeTypeEmpty;
}

void fill(CUgraphExec_st& executable, const CUgraph_st& graph) {
  executable.nodes.clear();
  for (const auto& node : graph.nodes) executable.nodes.push_back(*node);
}

}  // namespace

extern "C" {

cudaError_t cudaStreamBeginCapture(cudaStream_t stream, cudaStreamCaptureMode mode) {
  PF_EMULATOR_CALL("cudaStreamBeginCapture");
  if (!is_stream(stream)) return call.refuse(cudaErrorInvalidResourceHandle, "the stream does not exist");
  return call.give(begin_capture(stream_of(stream), mode));
}

cudaError_t cudaStreamEndCapture(cudaStream_t stream, cudaGraph_t* graph) {
  const ApiCall call("cudaStreamEndCapture");
  if (!is_stream(stream)) return call.refuse(cudaErrorInvalidResourceHandle, "the stream does not exist");
  // Even when it fails the capture is over.
  const cudaError_t error = end_capture(stream_of(stream), graph);
  if (call.refused() == cudaSuccess) {
    if (error == cudaSuccess) counters().captured_nodes += (*graph)->nodes.size();
    return call.give(error);
  }
  delete *graph;
  *graph = nullptr;
  return call.give(call.refused());
}

cudaError_t cudaStreamIsCapturing(cudaStream_t handle, cudaStreamCaptureStatus* status) {
  PF_EMULATOR_CALL("cudaStreamIsCapturing");
  if (!is_stream(handle)) return call.refuse(cudaErrorInvalidResourceHandle, "the stream does not exist");
  const Capture* capture = stream_of(handle).capture;
  *status = !capture         ? cudaStreamCaptureStatusNone
            : capture->valid ? cudaStreamCaptureStatusActive
                             : cudaStreamCaptureStatusInvalidated;
  return cudaSuccess;
}

cudaError_t cudaStreamGetCaptureInfo(cudaStream_t handle, cudaStreamCaptureStatus* status, unsigned long long* id,
                                     cudaGraph_t* graph, const cudaGraphNode_t** dependencies,
                                     const cudaGraphEdgeData** edges, size_t* count) {
  if (cudaError_t error = cudaStreamIsCapturing(handle, status)) return error;
  CUstream_st& stream = stream_of(handle);
  if (!stream.capture) return cudaSuccess;
  if (id) *id = stream.capture->id;
  if (graph) *graph = stream.capture->graph.get();
  if (dependencies) *dependencies = stream.capture_tail.data();
  if (edges) *edges = nullptr;
  if (count) *count = stream.capture_tail.size();
  return cudaSuccess;
}

cudaError_t cudaGraphInstantiate(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long) {
  PF_EMULATOR_CALL("cudaGraphInstantiate");
  *executable = new CUgraphExec_st;
  fill(**executable, *graph);
  return cudaSuccess;
}
cudaError_t cudaGraphInstantiateWithFlags(cudaGraphExec_t* executable, cudaGraph_t graph, unsigned long long flags) {
  return cudaGraphInstantiate(executable, graph, flags);
}

cudaError_t cudaGraphExecUpdate(cudaGraphExec_t executable, cudaGraph_t graph, cudaGraphExecUpdateResultInfo* info) {
  PF_EMULATOR_CALL("cudaGraphExecUpdate");
  const bool same = same_shape(*graph, *executable);
  if (info) *info = {};
  if (info) info->result = same ? cudaGraphExecUpdateSuccess : cudaGraphExecUpdateErrorTopologyChanged;
  if (!same) return call.refuse(cudaErrorGraphExecUpdateFailure, "nodes or dependencies differ; instantiate anew");
  fill(*executable, *graph);
  return cudaSuccess;
}

cudaError_t cudaGraphUpload(cudaGraphExec_t, cudaStream_t) {
  PF_EMULATOR_CALL("cudaGraphUpload");
  return cudaSuccess;
}

cudaError_t cudaGraphLaunch(cudaGraphExec_t executable, cudaStream_t stream) {
  PF_EMULATOR_CALL("cudaGraphLaunch");
  if (!is_stream(stream)) return call.refuse(cudaErrorInvalidResourceHandle, "the stream does not exist");
  if (stream_of(stream).capture) return call.refuse(cudaErrorNotSupported, "a graph inside a captured graph");
  ++counters().graph_launches;
  return call.give(
      enqueue(stream, NodeKind::empty, nullptr,
              [nodes = std::make_shared<std::vector<CUgraphNode_st>>(executable->nodes)] { run_graph(*nodes); }));
}

cudaError_t cudaGraphGetNodes(cudaGraph_t graph, cudaGraphNode_t* nodes, size_t* count) {
  PF_EMULATOR_CALL("cudaGraphGetNodes");
  if (nodes) {
    for (size_t i = 0; i < *count; ++i) nodes[i] = i < graph->nodes.size() ? graph->nodes[i].get() : nullptr;
    *count = std::min(*count, graph->nodes.size());
  } else {
    *count = graph->nodes.size();
  }
  return cudaSuccess;
}
cudaError_t cudaGraphNodeGetType(cudaGraphNode_t node, cudaGraphNodeType* type) {
  PF_EMULATOR_CALL("cudaGraphNodeGetType");
  *type = type_of(node->kind);
  return cudaSuccess;
}

cudaError_t cudaGraphDestroy(cudaGraph_t graph) {
  PF_EMULATOR_CALL("cudaGraphDestroy");
  delete graph;
  return cudaSuccess;
}
cudaError_t cudaGraphExecDestroy(cudaGraphExec_t executable) {
  PF_EMULATOR_CALL("cudaGraphExecDestroy");
  delete executable;
  return cudaSuccess;
}

}  // extern "C"
