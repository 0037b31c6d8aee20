// The norm of many tensors together, and the factor that clips it: sums of squares of pieces, added in a fixed tree.

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/block_reduce.h"
#include "tensor/cuda/complain.h"
#include "tensor/cuda/launch.h"
#include "tensor/cuda/pieces.h"
#include "tensor/math.h"

namespace pf::cuda {
namespace {

static_assert(piece_threads == reduce_threads);

template <class T, int capacity>
__global__ void __launch_bounds__(piece_threads) square_pieces(Pieces<T, 1, capacity> list, double* sums) {
  PF_SHARED(double, partial, [reduce_threads]);
  const Piece piece = list.find(blockIdx.x);
  const auto& target = list.target[piece.target];
  const T* x = target.array[0] + piece.first;
  constexpr int width = Pack<T>::size;
  T sum[width] = {};
  int first = int(threadIdx.x);
  if (target.aligned) {
    const int packs = piece.count / width;
    for (int i = int(threadIdx.x); i < packs; i += piece_threads) {
      const Pack<T> pack = load_pack(x + i * width);
      for (int e = 0; e < width; ++e) sum[e] = math::fma(pack.element[e], pack.element[e], sum[e]);
    }
    first += packs * width;
  }
  for (int i = first; i < piece.count; i += piece_threads) sum[0] = math::fma(x[i], x[i], sum[0]);
  double own = 0;
  for (int e = 0; e < width; ++e) own += double(sum[e]);
  const double total = block_reduce<SumPolicy>(own, &partial[0]);
  if (threadIdx.x == 0) sums[blockIdx.x] = total;
}

/// to = {norm, factor}; most = 0: only the norm is asked for.
__global__ void __launch_bounds__(reduce_threads)
    finish_norm(const double* sums, int64_t n, double most, double* to, Status* status) {
  PF_SHARED(double, partial, [reduce_threads]);
  double own = 0;
  for (int64_t i = threadIdx.x; i < n; i += reduce_threads) own += sums[i];
  const double total = block_reduce<SumPolicy>(own, &partial[0]);
  if (threadIdx.x != 0) return;
  const double norm = math::sqrt(total);
  const bool finite = math::isfinite(norm);
  to[0] = norm;
  to[1] = !finite ? 0 : most > 0 && norm > most ? most / norm : 1;
  if (most > 0 && !finite)
    complain(status, Complaint::norm_not_finite, StatusOperation::clip_by_norm, math::isnan(norm), 0, 0);
}

int64_t pieces_of(std::span<const UpdateTarget> targets) {
  int64_t n = 0;
  for (const UpdateTarget& t : targets) n += (t.n + piece_elements - 1) / piece_elements;
  return n;
}

template <class T> void run_squares(std::span<const UpdateTarget> targets, double* sums, cudaStream_t stream) {
  in_piece_lists<T, 1>(targets, [&]<int capacity>(const Pieces<T, 1, capacity>& list, int64_t before) {
    check_launch(PF_LAUNCH((square_pieces<T, capacity>), list.pieces, piece_threads, 0, stream, list, sums + before),
                 "global_norm", Shape{list.pieces, piece_elements});
  });
}

}  // namespace

size_t global_norm_scratch(std::span<const UpdateTarget> singles, std::span<const UpdateTarget> doubles) {
  return size_t(pieces_of(singles) + pieces_of(doubles)) * sizeof(double);
}

void launch_global_norm(std::span<const UpdateTarget> singles, std::span<const UpdateTarget> doubles, double most,
                        double* to, void* scratch, Status* status, cudaStream_t stream) {
  auto* sums = static_cast<double*>(scratch);
  const int64_t first = pieces_of(singles), n = first + pieces_of(doubles);
  run_squares<float>(singles, sums, stream);
  run_squares<double>(doubles, sums + first, stream);
  check_launch(
      PF_LAUNCH(finish_norm, 1u, reduce_threads, 0, stream, static_cast<const double*>(sums), n, most, to, status),
      "global_norm", Shape{n});
}

}  // namespace pf::cuda
