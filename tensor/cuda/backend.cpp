// The CUDA library's side of the interface: one state a device, calls passed on to the kernels with its stream.

#include <memory>

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/device_state.h"
#include "tensor/cuda/matmul.h"

namespace pf::cuda {

namespace {

class CudaBackend final : public Backend {
 public:
  int device_count() override {
    int count = 0;
    const cudaError_t status = cudaGetDeviceCount(&count);
    if (status != cudaSuccess) {
      cudaGetLastError();
      reason_ = cudaGetErrorString(status);
      return 0;
    }
    return count;
  }

  DeviceDescription describe(int device) override {
    cudaDeviceProp p{};
    check_call(cudaGetDeviceProperties(&p, device), "asking what the device is");
    DeviceDescription out{.name = p.name,
                          .memory = int64_t(p.totalGlobalMem),
                          .major = p.major,
                          .minor = p.minor,
                          .multiprocessors = p.multiProcessorCount};
    size_t left = 0, total = 0;
    used_ = -1;  // whichever was in use is chosen again at the next call
    check_call(cudaSetDevice(device), "choosing the device");
    check_call(cudaMemGetInfo(&left, &total), "asking how much memory is free");
    out.free_memory = int64_t(left);
    check_call(cudaDriverGetVersion(&out.driver), "asking for the driver's version");
    check_call(cudaRuntimeGetVersion(&out.runtime), "asking for the runtime's version");
    return out;
  }

  void use(int device) override {
    if (device == used_) return;
    if (states_.empty()) states_.resize(size_t(device_count()));
    const int64_t count = int64_t(states_.size());
    check(device >= 0 && device < count, "device cuda:", device, ": this machine has ", count,
          count == 1 ? " CUDA device, cuda:0" : join(" CUDA devices, cuda:0 to cuda:", count - 1));
    used_ = -1;  // until all has gone well; making a state, too, chooses its device
    DeviceState*& current = DeviceState::in_use();
    current = nullptr;
    if (!states_[size_t(device)]) states_[size_t(device)] = std::make_unique<DeviceState>(device);
    check_call(cudaSetDevice(device), "choosing the device");
    current = states_[size_t(device)].get();
    used_ = device;
  }

  void* allocate(size_t bytes) override { return now().memory().allocate(bytes); }
  void release(void* block, size_t bytes, int device) noexcept override {
    states_[size_t(device)]->memory().release(block, bytes);
  }
  MemoryStatistics memory() override { return now().memory().statistics(); }
  void trim() override { now().memory().trim(); }
  void begin_capture() override { now().begin_capture(); }
  Graph* end_capture() override { return now().end_capture(); }
  void abandon_capture() noexcept override {
    if (DeviceState* current = DeviceState::in_use()) current->abandon_capture();
  }
  void launch(Graph& graph) override { graph.state.launch(graph); }
  void release(Graph* graph) noexcept override { delete graph; }
  void upload(void* to, const void* from, size_t bytes) override { now().upload(to, from, bytes); }
  void download(void* to, const void* from, size_t bytes) override { now().download(to, from, bytes); }
  void synchronize() override { now().synchronize(); }

  void pointwise(const PointwiseLaunchers& launchers, PointwiseKind kind, const char* op_name, const void* op,
                 const Pass& pass) override {
    const auto launch = launchers.launch[size_t(kind)][size_t(pass.dtype)];
    check(launch, op_name, ": ", pass.dtype, " ", pass.shape,
          " has no kernel on the GPU; convert with cast(x, float32)");
    launch(op, pass, now().stream());
  }
  void elementwise(Elementwise kind, const Pass& pass) override { launch_elementwise(kind, pass, now().stream()); }
  void copy(const Shape& shape, void* to, const Shape& to_strides, DType to_dtype, const void* from,
            const Shape& from_strides, DType from_dtype) override {
    launch_copy(shape, to, to_strides, to_dtype, from, from_strides, from_dtype, now().stream());
  }
  void fill(void* to, int64_t n, DType dtype, double value) override {
    launch_fill(to, n, dtype, value, now().stream());
  }
  void count_up(void* to, int64_t n, DType dtype, double first, double step) override {
    launch_count_up(to, n, dtype, first, step, now().stream());
  }

  void draw(Draw kind, DType source, const RandomStart& start, double p, int64_t n, DType dtype, void* to) override {
    launch_draw(kind, source, start, p, n, dtype, to, now().stream());
  }

  void update(Update kind, DType dtype, const void* rules, int rule_count,
              std::span<const UpdateTarget> targets) override {
    launch_update(kind, dtype, rules, rule_count, targets, now().stream());
  }
  void global_norm(std::span<const UpdateTarget> singles, std::span<const UpdateTarget> doubles, double most,
                   double* to) override {
    const Scratch scratch(now().memory(), global_norm_scratch(singles, doubles));
    launch_global_norm(singles, doubles, most, to, scratch.data, now().status(), now().stream());
  }

  void reduce(Reduction kind, DType dtype, const void* from, const Layout& kept, const Layout& reduced,
              void* to) override {
    const Scratch scratch(now().memory(), reduce_scratch(dtype, kept, reduced));
    launch_reduce(kind, dtype, from, kept, reduced, to, scratch.data, now().stream());
  }
  void arg_reduce(bool largest, DType dtype, const void* rows, int64_t count, int64_t n, int64_t* to) override {
    launch_arg_reduce(largest, dtype, rows, count, n, to, now().stream());
  }
  void rows(RowOperation kind, DType dtype, const void* a, const void* b, AroundAxis size, void* to) override {
    launch_rows(kind, dtype, a, b, size, to, now().stream());
  }
  void cumsum(DType dtype, const void* from, AroundAxis size, void* to) override {
    launch_cumsum(dtype, from, size, to, now().stream());
  }
  void gemm(DType dtype, const Matrix& a, int64_t a_step, const Matrix& b, int64_t b_step, void* c, int64_t c_step,
            int64_t count, bool add) override {
    multiply(now(), dtype, a, a_step, b, b_step, c, c_step, count, add);
  }

  void gather(size_t element, const void* from, AroundAxis size, const int64_t* index, int64_t indexed,
              void* to) override {
    launch_gather(element, from, size, index, indexed, to, now().status(), now().stream());
  }
  void scatter_add(DType dtype, const void* from, AroundAxis size, const int64_t* index, int64_t indexed,
                   void* to) override {
    launch_scatter_add(dtype, from, size, index, indexed, to, now().status(), now().stream());
  }
  void index_select(size_t element, const void* from, AroundAxis size, const int64_t* index, int64_t indexed,
                    void* to) override {
    launch_index_select(element, from, size, index, indexed, to, now().status(), now().stream());
  }
  void index_add(DType dtype, const void* from, AroundAxis size, const int64_t* index, int64_t indexed,
                 void* to) override {
    launch_index_add(dtype, from, size, index, indexed, to, now().status(), now().stream());
  }

  void sort(DType dtype, const void* rows, int64_t lines, int64_t n, bool descending, int64_t count,
            int64_t* to) override {
    const Scratch scratch(now().memory(), sort_scratch(dtype, lines, n));
    launch_sort(dtype, rows, lines, n, descending, count, to, scratch.data, now().stream());
  }
  void searchsorted(DType dtype, const void* rows, int64_t n, const void* values, int64_t total, int64_t each,
                    bool right, int64_t* to) override {
    launch_searchsorted(dtype, rows, n, values, total, each, right, to, now().stream());
  }

  void cholesky(DType dtype, const void* a, int64_t count, int64_t n, void* to) override {
    launch_cholesky(dtype, a, count, n, to, now().status(), now().stream());
  }
  void solve(DType dtype, const void* a, const void* b, int64_t count, int64_t n, int64_t columns, void* to) override {
    const Scratch scratch(now().memory(), lu_scratch(dtype, count, n));
    launch_solve(dtype, a, b, count, n, columns, to, scratch.data, now().status(), now().stream());
  }
  void solve_triangular(DType dtype, const void* a, int64_t count, int64_t n, int64_t columns, bool upper,
                        bool transposed, void* x) override {
    launch_solve_triangular(dtype, a, count, n, columns, upper, transposed, x, now().status(), now().stream());
  }
  void determinant(Determinant kind, DType dtype, const void* a, int64_t count, int64_t n, void* to) override {
    const Scratch scratch(now().memory(), lu_scratch(dtype, count, n));
    launch_determinant(kind, dtype, a, count, n, to, scratch.data, now().stream());
  }

  void layer_norm(DType dtype, const void* x, const void* weight, const void* bias, int64_t rows, int64_t n,
                  double epsilon, void* y) override {
    launch_layer_norm(dtype, x, weight, bias, rows, n, epsilon, y, now().stream());
  }
  void layer_norm_vjp(DType dtype, const void* g, const void* x, const void* weight, int64_t rows, int64_t n,
                      double epsilon, void* dx, void* dweight, void* dbias) override {
    const Scratch scratch(now().memory(), layer_norm_scratch(dtype, rows, n));
    launch_layer_norm_vjp(dtype, g, x, weight, rows, n, epsilon, dx, dweight, dbias, scratch.data, now().stream());
  }
  void causal_softmax(DType dtype, void* scores, int64_t heads, int64_t tokens, double scale) override {
    launch_causal_softmax(dtype, scores, heads, tokens, scale, now().stream());
  }
  void causal_softmax_vjp(DType dtype, const void* weights, void* slopes, int64_t heads, int64_t tokens,
                          double scale) override {
    launch_causal_softmax_vjp(dtype, weights, slopes, heads, tokens, scale, now().stream());
  }

  void spline(DType dtype, const SplineSize& size, const void* x, const void* parameters, void* to) override {
    launch_spline(dtype, size, x, parameters, to, now().stream());
  }
  void spline_vjp(DType dtype, const SplineSize& size, const void* g, const void* x, const void* parameters, void* to_x,
                  void* to_parameters) override {
    launch_spline_vjp(dtype, size, g, x, parameters, to_x, to_parameters, now().stream());
  }

  void check_same(size_t element, const void* a, const void* b, int64_t n) override {
    launch_check_same(element, a, b, n, now().status(), now().stream());
  }

  std::string why_no_device() override { return reason_; }
  cudaStream_t stream() { return now().stream(); }

 private:
  // Released at once after the launch: what writes to it next comes later on the same stream.
  struct Scratch {
    MemoryPool& pool;
    size_t bytes;
    void* data;
    Scratch(MemoryPool& pool, size_t bytes) : pool(pool), bytes(bytes), data(bytes ? pool.allocate(bytes) : nullptr) {}
    ~Scratch() {
      if (data) pool.release(data, bytes);
    }
  };

  DeviceState& now() {
    if (!DeviceState::in_use()) use(0);
    return *DeviceState::in_use();
  }

  std::vector<std::unique_ptr<DeviceState>> states_;
  // The runtime, too, keeps the device for each thread.
  inline static thread_local int used_ = -1;
  std::string reason_;
};

}  // namespace

}  // namespace pf::cuda

extern "C" {
/// What the loader looks for. The backend lives as long as the program.
[[gnu::visibility("default")]] pf::cuda::Backend* pf_cuda_backend() {
  static auto* backend = new pf::cuda::CudaBackend;
  return backend;
}
/// For libraries beside this one that queue work of their own: the stream of the device in use.
[[gnu::visibility("default")]] cudaStream_t pf_cuda_stream() {
  return static_cast<pf::cuda::CudaBackend*>(pf_cuda_backend())->stream();
}
}
