#pragma once
// Stream capture and graphs: the calls of a captured stream become nodes with dependencies, which run when the graph is
// launched, in any order that the dependencies allow.

#include <cuda_runtime_api.h>

#include <functional>
#include <memory>
#include <thread>
#include <vector>

namespace pf::emulator {

enum class NodeKind { kernel, copy, set, host_function, empty, allocation, release };

/// An ongoing capture; it may have spread to several streams by events.
struct Capture {
  CUstream_st* origin = nullptr;
  std::unique_ptr<CUgraph_st> graph;
  cudaStreamCaptureMode mode = cudaStreamCaptureModeGlobal;
  std::thread::id thread;
  bool valid = true;
  unsigned long long id = 0;
};

}  // namespace pf::emulator

struct CUgraphNode_st {
  pf::emulator::NodeKind kind{};
  const void* kernel = nullptr;
  std::function<void()> run;
  std::vector<size_t> after;  // positions of nodes that must have run
  size_t position = 0;
};
struct CUgraph_st {
  std::vector<std::unique_ptr<CUgraphNode_st>> nodes;
};
struct CUgraphExec_st {
  std::vector<CUgraphNode_st> nodes;
};

namespace pf::emulator {

cudaError_t begin_capture(CUstream_st& stream, cudaStreamCaptureMode mode);
cudaError_t end_capture(CUstream_st& stream, cudaGraph_t* graph);
CUgraphNode_st* add_node(CUstream_st& stream, NodeKind kind, const void* kernel, std::function<void()> run);
/// The capturing stream's event is waited for by `stream`, which joins the capture.
cudaError_t join_capture(CUstream_st& stream, const CUevent_st& event);
/// For calls that a capture does not allow: makes it invalid and returns the error, or cudaSuccess without a capture.
cudaError_t refuse_in_capture(const char* call);
/// The same for a call that concerns one stream.
cudaError_t refuse_if_capturing(CUstream_st& stream, const char* call);

/// Runs the nodes in an order of the settings.
void run_graph(const std::vector<CUgraphNode_st>& nodes);
bool same_shape(const CUgraph_st& graph, const CUgraphExec_st& executable);

}  // namespace pf::emulator
