#pragma once
// The launchers of the CUDA library's own kernels; CudaBackend calls them with its stream.

#include <cuda_runtime_api.h>

#include "tensor/cuda_backend.h"

namespace pf::cuda {

struct Status;

void launch_elementwise(Elementwise kind, const Pass& pass, cudaStream_t stream);
void launch_copy(const Shape& shape, void* to, const Shape& to_strides, DType to_dtype, const void* from,
                 const Shape& from_strides, DType from_dtype, cudaStream_t stream);
void launch_fill(void* to, int64_t n, DType dtype, double value, cudaStream_t stream);
void launch_count_up(void* to, int64_t n, DType dtype, double first, double step, cudaStream_t stream);

/// A few bytes of the host's, as parameters of a kernel: nothing is waited for, now or later, and a graph keeps them.
inline constexpr size_t most_put_bytes = 4032;
void launch_put(void* to, const void* from, size_t bytes, cudaStream_t stream);

void launch_draw(Draw kind, DType source, const RandomStart& start, double p, int64_t n, DType dtype, void* to,
                 cudaStream_t stream);

void launch_update(Update kind, DType dtype, const void* rules, int rule_count, std::span<const UpdateTarget> targets,
                   cudaStream_t stream);
size_t global_norm_scratch(std::span<const UpdateTarget> singles, std::span<const UpdateTarget> doubles);
void launch_global_norm(std::span<const UpdateTarget> singles, std::span<const UpdateTarget> doubles, double most,
                        double* to, void* scratch, Status* status, cudaStream_t stream);

/// Memory for partial results: at least reduce_scratch bytes.
size_t reduce_scratch(DType dtype, const Layout& kept, const Layout& reduced);
void launch_reduce(Reduction kind, DType dtype, const void* from, const Layout& kept, const Layout& reduced, void* to,
                   void* scratch, cudaStream_t stream);
void launch_arg_reduce(bool largest, DType dtype, const void* rows, int64_t count, int64_t n, int64_t* to,
                       cudaStream_t stream);
void launch_rows(RowOperation kind, DType dtype, const void* a, const void* b, AroundAxis size, void* to,
                 cudaStream_t stream);
void launch_cumsum(DType dtype, const void* from, AroundAxis size, void* to, cudaStream_t stream);

void launch_gather(size_t element, const void* from, AroundAxis size, const int64_t* index, int64_t indexed, void* to,
                   Status* status, cudaStream_t stream);
void launch_scatter_add(DType dtype, const void* from, AroundAxis size, const int64_t* index, int64_t indexed, void* to,
                        Status* status, cudaStream_t stream);
void launch_index_select(size_t element, const void* from, AroundAxis size, const int64_t* index, int64_t indexed,
                         void* to, Status* status, cudaStream_t stream);
void launch_index_add(DType dtype, const void* from, AroundAxis size, const int64_t* index, int64_t indexed, void* to,
                      Status* status, cudaStream_t stream);

size_t sort_scratch(DType dtype, int64_t lines, int64_t n);
void launch_sort(DType dtype, const void* rows, int64_t lines, int64_t n, bool descending, int64_t count, int64_t* to,
                 void* scratch, cudaStream_t stream);
void launch_searchsorted(DType dtype, const void* rows, int64_t n, const void* values, int64_t total, int64_t each,
                         bool right, int64_t* to, cudaStream_t stream);

size_t lu_scratch(DType dtype, int64_t count, int64_t n);
void launch_cholesky(DType dtype, const void* a, int64_t count, int64_t n, void* to, Status* status,
                     cudaStream_t stream);
void launch_solve(DType dtype, const void* a, const void* b, int64_t count, int64_t n, int64_t columns, void* to,
                  void* scratch, Status* status, cudaStream_t stream);
void launch_solve_triangular(DType dtype, const void* a, int64_t count, int64_t n, int64_t columns, bool upper,
                             bool transposed, void* x, Status* status, cudaStream_t stream);
void launch_determinant(Determinant kind, DType dtype, const void* a, int64_t count, int64_t n, void* to, void* scratch,
                        cudaStream_t stream);

void launch_layer_norm(DType dtype, const void* x, const void* weight, const void* bias, int64_t rows, int64_t n,
                       double epsilon, void* y, cudaStream_t stream);
size_t layer_norm_scratch(DType dtype, int64_t rows, int64_t n);
void launch_layer_norm_vjp(DType dtype, const void* g, const void* x, const void* weight, int64_t rows, int64_t n,
                           double epsilon, void* dx, void* dweight, void* dbias, void* scratch, cudaStream_t stream);
void launch_causal_softmax(DType dtype, void* scores, int64_t heads, int64_t tokens, double scale, cudaStream_t stream);
void launch_causal_softmax_vjp(DType dtype, const void* weights, void* slopes, int64_t heads, int64_t tokens,
                               double scale, cudaStream_t stream);

void launch_spline(DType dtype, const SplineSize& size, const void* x, const void* parameters, void* to,
                   cudaStream_t stream);
void launch_spline_vjp(DType dtype, const SplineSize& size, const void* g, const void* x, const void* parameters,
                       void* to_x, void* to_parameters, cudaStream_t stream);
void launch_check_same(size_t element, const void* a, const void* b, int64_t n, Status* status, cudaStream_t stream);

}  // namespace pf::cuda
