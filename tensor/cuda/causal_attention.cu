// The weights of causal attention from its scores, and back: a warp a query. The matrix products around them are cuBLAS's.

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/warp_reduce.h"
#include "tensor/math.h"

namespace pf::cuda {
namespace {

/// softmax of the scaled scores up to the query itself, in their place; zero behind it.
template <class T> struct CausalSoftmaxRow {
  T* scores;
  int tokens;
  T scale;
  __device__ void operator()(int64_t row, int lane) const {
    const int n = int(row % tokens) + 1;
    T* x = scores + row * tokens;
    T top = x[0];
    for (int i = lane; i < n; i += warp_lanes) top = math::max(top, x[i]);
    top = warp_largest(top);
    T total = 0;
    PF_UNROLL(sizeof(T) < 8 ? 4 : 1)
    for (int i = lane; i < n; i += warp_lanes) total += math::exp((x[i] - top) * scale);
    const T factor = T(1) / warp_sum(total);
    __syncwarp();  // all lanes have read x[0]
    PF_UNROLL(sizeof(T) < 8 ? 4 : 1)
    for (int i = lane; i < tokens; i += warp_lanes) x[i] = i < n ? math::exp((x[i] - top) * scale) * factor : T(0);
  }
};

/// dS = P ∘ (dP − Σ P ∘ dP) · scale, in the place of dP.
template <class T> struct CausalSoftmaxRowVjp {
  const T* weights;
  T* slopes;
  int tokens;
  T scale;
  __device__ void operator()(int64_t row, int lane) const {
    const int n = int(row % tokens) + 1;
    const T* p = weights + row * tokens;
    T* dp = slopes + row * tokens;
    T dot = 0;
    for (int i = lane; i < n; i += warp_lanes) dot += p[i] * dp[i];
    dot = warp_sum(dot);
    for (int i = lane; i < tokens; i += warp_lanes) dp[i] = i < n ? p[i] * (dp[i] - dot) * scale : T(0);
  }
};

}  // namespace

void launch_causal_softmax(DType dtype, void* scores, int64_t heads, int64_t tokens, double scale,
                           cudaStream_t stream) {
  dispatch_floating(dtype, "causal_attention", [&]<class T>() {
    for_each_row("causal_attention", heads * tokens, tokens, stream,
                 CausalSoftmaxRow<T>{static_cast<T*>(scores), int(tokens), T(scale)});
  });
}

void launch_causal_softmax_vjp(DType dtype, const void* weights, void* slopes, int64_t heads, int64_t tokens,
                               double scale, cudaStream_t stream) {
  dispatch_floating(dtype, "causal_attention", [&]<class T>() {
    for_each_row(
        "causal_attention", heads * tokens, tokens, stream,
        CausalSoftmaxRowVjp<T>{static_cast<const T*>(weights), static_cast<T*>(slopes), int(tokens), T(scale)});
  });
}

}  // namespace pf::cuda
