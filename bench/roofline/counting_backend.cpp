// A CUDA library in which every operation counts its operands and does nothing; memory is the host's, and full of zeros. The
// host's side of a step is the real one: it asks for what it would ask of a GPU.

#include <algorithm>
#include <cstdlib>
#include <cstring>
#include <map>
#include <vector>

#include "bench/roofline/counts.h"
#include "tensor/cuda_backend.h"

namespace pf::cuda {
namespace {

/// Elements that a layout of this shape reaches: an axis of stride 0 is one element.
int64_t distinct(const Shape& shape, const Shape& strides) {
  int64_t n = 1;
  for (int i = 0; i < shape.rank(); ++i)
    if (strides[i] != 0 || shape[i] == 0) n *= shape[i];
  return n;
}
int64_t all(AroundAxis s) { return s.outer * s.n * s.inner; }

class CountingBackend final : public Backend {
 public:
  pf_roofline_counts counts{};

  int device_count() override { return 1; }
  std::string why_no_device() override { return {}; }
  DeviceDescription describe(int) override { return {.name = "none: operations are counted"}; }
  void use(int) override {}

  void* allocate(size_t bytes) override {
    live_ += int64_t(bytes);
    counts.peak = std::max(counts.peak, live_);
    // Kept for the next of its size, as the device's pool keeps it.
    auto& kept = free_[bytes];
    if (kept.empty()) return std::calloc(std::max<size_t>(bytes, 1), 1);
    void* block = kept.back();
    kept.pop_back();
    return block;
  }
  void release(void* block, size_t bytes, int) noexcept override {
    live_ -= int64_t(bytes);
    free_[bytes].push_back(block);
  }
  MemoryStatistics memory() override { return {.live_bytes = live_, .peak_bytes = counts.peak}; }
  void trim() override {}
  void upload(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void download(void* to, const void* from, size_t bytes) override { std::memcpy(to, from, bytes); }
  void synchronize() override {}
  void begin_capture() override { fail("capture: a library that counts operations keeps none of them"); }
  Graph* end_capture() override { return nullptr; }
  void abandon_capture() noexcept override {}
  void launch(Graph&) override {}
  void release(Graph*) noexcept override {}
  void take() {
    counts = {};
    counts.peak = live_;
  }

  void pointwise(const PointwiseLaunchers&, PointwiseKind, const char*, const void*, const Pass& pass) override {
    int64_t n = 0;
    for (int i = 0; i < pass.source_count; ++i)
      if (pass.sources[size_t(i)].data) n += distinct(pass.shape, pass.sources[size_t(i)].strides);
    for (int i = 0; i < pass.target_count; ++i)
      if (pass.targets[size_t(i)]) n += pass.shape.numel();
    count(n, pass.dtype);
  }
  void elementwise(Elementwise kind, const Pass& pass) override {
    int64_t bytes = pass.shape.numel() * (kind == Elementwise::where ? size(pass.dtype) : 1);
    for (int i = 0; i < pass.source_count; ++i)
      if (pass.sources[size_t(i)].data)
        bytes += distinct(pass.shape, pass.sources[size_t(i)].strides) *
                 (kind == Elementwise::where && i == 0 ? 1 : size(pass.dtype));
    count(bytes);
  }
  void copy(const Shape& shape, void*, const Shape&, DType to, const void*, const Shape& from_strides,
            DType from) override {
    count(shape.numel() * size(to) + distinct(shape, from_strides) * size(from));
  }
  void fill(void*, int64_t n, DType dtype, double) override { count(n, dtype); }
  void count_up(void*, int64_t n, DType dtype, double, double) override { count(n, dtype); }
  void draw(Draw, DType, const RandomStart&, double, int64_t n, DType dtype, void*) override { count(n, dtype); }

  void update(Update kind, DType dtype, const void*, int, std::span<const UpdateTarget> targets) override {
    // arrays read and written
    const int64_t passes = kind == Update::adam ? 7 : kind == Update::momentum ? 5 : kind <= Update::average ? 3 : 2;
    int64_t n = 0;
    for (const UpdateTarget& target : targets) n += target.n;
    count(n * passes, dtype, (int64_t(targets.size()) + update_targets - 1) / update_targets);
  }
  void global_norm(std::span<const UpdateTarget> singles, std::span<const UpdateTarget> doubles, double,
                   double*) override {
    int64_t bytes = 0;
    for (const UpdateTarget& target : singles) bytes += target.n * 4;
    for (const UpdateTarget& target : doubles) bytes += target.n * 8;
    count(bytes, 2);
  }

  void reduce(Reduction, DType dtype, const void*, const Layout& kept, const Layout& reduced, void*) override {
    count(distinct(kept.shape, kept.strides) * distinct(reduced.shape, reduced.strides) + kept.numel(), dtype);
  }
  void arg_reduce(bool, DType dtype, const void*, int64_t rows, int64_t n, int64_t*) override {
    count(rows * n * size(dtype) + rows * 8);
  }
  void rows(RowOperation kind, DType dtype, const void*, const void* b, AroundAxis s, void*) override {
    count(all(s) * (b ? 2 : 1) + (kind == RowOperation::logsumexp ? s.outer * s.inner : all(s)), dtype);
  }
  void cumsum(DType dtype, const void*, AroundAxis s, void*) override { count(2 * all(s), dtype); }

  void gemm(DType dtype, const Matrix& a, int64_t a_step, const Matrix& b, int64_t b_step, void*, int64_t,
            int64_t matrices, bool add) override {
    const int64_t of_a = a.rows * a.columns, of_b = b.rows * b.columns, of_c = a.rows * b.columns;
    counts.flops += 2 * of_a * b.columns * matrices;
    count(of_a * (a_step ? matrices : 1) + of_b * (b_step ? matrices : 1) + of_c * matrices * (add ? 2 : 1), dtype);
  }

  void gather(size_t element, const void*, AroundAxis s, const int64_t*, int64_t indexed, void*) override {
    count(s.outer * indexed * s.inner * (2 * int64_t(element) + 8));
  }
  void scatter_add(DType dtype, const void*, AroundAxis s, const int64_t*, int64_t indexed, void*) override {
    count(s.outer * indexed * s.inner * (size(dtype) + 8) + all(s) * size(dtype));
  }
  void index_select(size_t element, const void*, AroundAxis s, const int64_t*, int64_t indexed, void*) override {
    count(s.outer * indexed * s.inner * 2 * int64_t(element) + indexed * 8);
  }
  void index_add(DType dtype, const void*, AroundAxis s, const int64_t*, int64_t indexed, void*) override {
    count((s.outer * indexed * s.inner + all(s)) * size(dtype) + indexed * 8);
  }

  void sort(DType dtype, const void*, int64_t lines, int64_t n, bool, int64_t kept, int64_t*) override {
    count(lines * (n * size(dtype) + kept * 8));
  }
  void searchsorted(DType dtype, const void*, int64_t n, const void*, int64_t total, int64_t each, bool,
                    int64_t*) override {
    count((total / std::max<int64_t>(each, 1) * n + total) * size(dtype) + total * 8);
  }

  void cholesky(DType dtype, const void*, int64_t c, int64_t n, void*) override { count(2 * c * n * n, dtype); }
  void solve(DType dtype, const void*, const void* b, int64_t c, int64_t n, int64_t columns, void*) override {
    count(c * n * (b ? n + 2 * columns : 2 * n), dtype);
  }
  void solve_triangular(DType dtype, const void*, int64_t c, int64_t n, int64_t columns, bool, bool, void*) override {
    count(c * n * (n + 2 * columns), dtype);
  }
  void determinant(Determinant, DType dtype, const void*, int64_t c, int64_t n, void*) override {
    count(c * (n * n + 1), dtype);
  }

  void layer_norm(DType dtype, const void*, const void*, const void*, int64_t rows, int64_t n, double, void*) override {
    count(2 * rows * n + 2 * n, dtype);
  }
  void layer_norm_vjp(DType dtype, const void*, const void*, const void*, int64_t rows, int64_t n, double, void*, void*,
                      void*) override {
    count(3 * rows * n + 3 * n, dtype);
  }
  void causal_softmax(DType dtype, void*, int64_t heads, int64_t tokens, double) override {
    count(heads * tokens * (tokens + 1) / 2 + heads * tokens * tokens, dtype);
  }
  void causal_softmax_vjp(DType dtype, const void*, void*, int64_t heads, int64_t tokens, double) override {
    count(heads * tokens * (tokens + 1) + heads * tokens * tokens, dtype);
  }
  void check_same(size_t element, const void*, const void*, int64_t n) override { count(2 * n * int64_t(element)); }
  void spline(DType dtype, const SplineSize& s, const void*, const void*, void*) override {
    count(s.n * (3 * s.bins + 2), dtype);
  }
  void spline_vjp(DType dtype, const SplineSize& s, const void*, const void*, const void*, void* to_x,
                  void* to_parameters) override {
    count(s.n * (3 * s.bins + 2 + (to_x ? 1 : 0) + (to_parameters ? 3 * s.bins - 1 : 0)), dtype);
  }

 private:
  static int64_t size(DType dtype) { return int64_t(size_of(dtype)); }
  void count(int64_t bytes, int64_t launches = 1) {
    counts.bytes += bytes;
    counts.launches += launches;
  }
  void count(int64_t n, DType dtype, int64_t launches = 1) { count(n * size(dtype), launches); }

  int64_t live_ = 0;
  std::map<size_t, std::vector<void*>> free_;
};

CountingBackend& counting() {
  static auto* backend = new CountingBackend;
  return *backend;
}

}  // namespace
}  // namespace pf::cuda

extern "C" {
[[gnu::visibility("default")]] pf::cuda::Backend* pf_cuda_backend() { return &pf::cuda::counting(); }
/// Of every formula: they are not asked to do anything.
[[gnu::visibility("default")]] const pf::cuda::PointwiseLaunchers* pf_cuda_launchers(const char*) {
  static const pf::cuda::PointwiseLaunchers none{};
  return &none;
}
[[gnu::visibility("default")]] pf_roofline_counts pf_roofline_take_counts() {
  const pf_roofline_counts out = pf::cuda::counting().counts;
  pf::cuda::counting().take();
  return out;
}
}
