#include "tensor/capture.h"

#include <algorithm>
#include <cstring>
#include <mutex>
#include <optional>
#include <unordered_set>

#include "tensor/device_errors.h"
#include "tensor/device_pass.h"
#include "tensor/recording.h"

namespace pf {
namespace {

struct Signature {
  Shape shape;
  DType dtype;
  Device device;
  bool operator==(const Signature&) const = default;
};

std::vector<const void*> places(const std::vector<Tensor>& list) {
  std::vector<const void*> out;
  for (const Tensor& x : list) out.push_back(x.defined() ? x.raw() : nullptr);
  return out;
}

// A graph of the CUDA library, and where it belongs.
class DeviceGraph {
 public:
  DeviceGraph(cuda::Graph* graph, Device device) : graph_(graph), device_(device) {}
  DeviceGraph(const DeviceGraph&) = delete;
  ~DeviceGraph() { cuda::backend().release(graph_); }
  void launch() { backend_of(device_).launch(*graph_); }

 private:
  cuda::Graph* graph_;
  Device device_;
};

constexpr int most_recordings = 4;

struct Places {
  std::mutex mutex;
  std::unordered_set<const void*> set;
};
Places& rewritten_places() {
  static auto* const places = new Places;  // for whoever writes while the program ends, too
  return *places;
}

}  // namespace

void overwrite(const Tensor& to, const Tensor& x) {
  check(to.shape() == x.shape() && to.dtype() == x.dtype() && to.device() == x.device() && to.is_contiguous(),
        "overwrite: ", to.dtype(), " ", to.shape(), " on ", to.device(), " with ", x.dtype(), " ", x.shape(), " on ",
        x.device(), ": expected contiguous memory of the same kind");
  if (x.numel() == 0) return;
  void* const target = const_cast<void*>(to.raw());
  {
    const std::lock_guard lock(rewritten_places().mutex);
    rewritten_places().set.insert(target);
  }
  if (x.device().is_cuda())
    return backend_of(x).copy(x.shape(), target, to.strides(), x.dtype(), x.raw(), x.strides(), x.dtype());
  std::memcpy(target, contiguous(x).raw(), size_t(x.numel() * size_of(x.dtype())));
}

bool rewritten(const Tensor& x) {
  const std::lock_guard lock(rewritten_places().mutex);
  return rewritten_places().set.contains(x.raw());
}

struct Capture::State {
  Function function;
  std::vector<Rng*> generators;
  std::function<std::vector<Tensor>()> state;
  std::string obstacle;
  bool replayed = false;
  int recordings = 0, misses = 0;
  std::optional<std::vector<Signature>> seen;  // of the call before, which was not recorded

  // What was recorded. Outputs come last and so go first: they may be in the graph's memory.
  std::unique_ptr<DeviceGraph> graph;
  std::unique_ptr<detail::Recording> recording;
  std::vector<Signature> signature;
  std::vector<const void*> state_places;
  std::vector<Tensor> inputs, outputs;

  std::vector<Tensor> state_now() const { return state ? state() : std::vector<Tensor>(); }

  void forget() {
    outputs.clear();
    inputs.clear();
    recording.reset();
    graph.reset();
    misses = 0;
  }

  // As always. What changes its state by itself would do so in a replay without anybody seeing it.
  std::vector<Tensor> run(std::span<const Tensor> in) {
    const std::vector<const void*> before = places(state_now());
    std::vector<Tensor> out = function(in);
    if (obstacle.empty() && !(places(state_now()) == before)) obstacle = "it changes its own state";
    return out;
  }

  std::vector<Tensor> record(std::span<const Tensor> in, const std::vector<Signature>& now) {
    const Device device = in.empty() ? default_device() : in[0].device();
    forget();
    try {
      for (const Tensor& x : in) inputs.push_back(copy(x));
      const std::vector<Tensor> held = state_now();
      state_places = places(held);
      std::vector<Tensor> given = inputs;
      given.insert(given.end(), held.begin(), held.end());
      recording = std::make_unique<detail::Recording>(given, generators, device);
      given.clear();
      signature = now;
      if (device.is_cuda()) backend_of(device).begin_capture();
      {
        const Watch watch(recording.get());
        for (const Tensor& x : function(inputs))
          outputs.push_back(!x.defined() || recording->owns(x) ? x
                                                               : copy(x));  // an input would change under the caller
      }
      recording->close();
      if (device.is_cuda()) {
        graph = std::make_unique<DeviceGraph>(cuda::backend().end_capture(), device);
        graph->launch();
      }
    } catch (const detail::NotReplayable& reason) {
      abandon(device);
      obstacle = reason.why;
      return function(in);
    } catch (const OutOfDeviceMemory& error) {
      // A recording keeps the memory of a whole step. Given back, it may be enough to run as always.
      obstacle = join("there is no room for a recording: ", error.what());
      abandon(device);
      return function(in);
    } catch (...) {
      abandon(device);
      throw;
    }
    ++recordings;
    return outputs;
  }

  void abandon(Device device) {
    if (recording) recording->restore_generators();
    outputs.clear();
    if (device.is_cuda()) backend_of(device).abandon_capture();
    forget();
  }

  std::vector<Tensor> replay(std::span<const Tensor> in) {
    for (size_t i = 0; i < in.size(); ++i) overwrite(inputs[i], in[i]);
    recording->advance_generators();
    if (graph) graph->launch();
    else recording->replay();
    replayed = true;
    return outputs;
  }

  struct Watch {
    explicit Watch(detail::Recording* recording) { detail::watching = recording; }
    ~Watch() { detail::watching = nullptr; }
    Watch(const Watch&) = delete;
  };
};

Capture::Capture(Function function, std::vector<Rng*> generators, std::function<std::vector<Tensor>()> state)
    : self_(
          new State{.function = std::move(function), .generators = std::move(generators), .state = std::move(state)}) {}
Capture::~Capture() = default;
Capture::Capture(Capture&&) noexcept = default;
Capture& Capture::operator=(Capture&&) noexcept = default;

std::vector<Tensor> Capture::operator()(std::span<const Tensor> inputs) {
  State& s = *self_;
  s.replayed = false;
  // A capture within another one, or within a kernel, is part of that one.
  if (!s.obstacle.empty() || detail::watching || detail::kernel_arena) return s.function(inputs);
  std::vector<Signature> now;
  for (const Tensor& x : inputs) now.push_back({x.shape(), x.dtype(), x.device()});
  if (s.recording) {
    const bool fits = now == s.signature && s.recording->same_seeds();
    if (fits && places(s.state_now()) == s.state_places) {
      s.misses = 0;
      return s.replay(inputs);
    }
    // One odd batch now and then does not make the recording useless.
    if (!fits && ++s.misses == 1) return s.run(inputs);
    s.forget();
    if (s.recordings >= most_recordings) {
      s.obstacle = "its inputs or its state have moved too often";
      return s.run(inputs);
    }
  }
  if (s.seen == now) return s.record(inputs, now);
  s.seen = now;
  return s.run(inputs);
}

bool Capture::replayed() const { return self_->replayed; }
const std::string& Capture::obstacle() const { return self_->obstacle; }
int64_t Capture::kernels() const { return self_->recording && !self_->graph ? self_->recording->kernels() : 0; }

}  // namespace pf
