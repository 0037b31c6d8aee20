// Gather and scatter-add along an axis. The sums of a scatter are taken in the order of the index, so they have the same bits
// every time, and those of the CPU; no atomics. Where there are enough columns a thread goes over the index for each of them;
// where there are few (the gradient of an embedding) each target looks through the index for what is its own.

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/complain.h"
#include "tensor/cuda/for_each.h"
#include "tensor/cuda/warp_reduce.h"

namespace pf::cuda {
namespace {

// The position of an index entry, or -1 and a complaint.
struct CheckedIndex {
  const int64_t* index;
  int64_t n;
  Status* status;
  StatusOperation where;
  __device__ int64_t at(int64_t i) const {
    const int64_t position = index[i];
    if (position >= 0 && position < n) return position;
    complain(status, Complaint::index_out_of_range, where, position, i, n);
    return -1;
  }
};

template <class T> struct GatherBody {
  const T* from;
  T* to;
  int64_t n, indexed, inner;
  CheckedIndex index;
  __device__ void operator()(int64_t i) const {
    const int64_t at = index.at(i);
    if (at >= 0) to[i] = from[(i / (indexed * inner) * n + at) * inner + i % inner];
  }
};
template <class T> struct SelectBody {
  const T* from;
  T* to;
  int64_t n, indexed, inner;
  CheckedIndex index;
  __device__ void operator()(int64_t i) const {
    const int64_t at = index.at(i / inner % indexed);
    if (at >= 0) to[i] = from[(i / (indexed * inner) * n + at) * inner + i % inner];
  }
};

// One thread for each (o, k); `shared`: one index for all of them.
template <class T> struct AddBody {
  const T* from;
  T* to;
  int64_t n, indexed, inner;
  bool shared;
  CheckedIndex index;
  __device__ void operator()(int64_t line) const {
    const int64_t o = line / inner, k = line % inner;
    for (int64_t i = 0; i < indexed; ++i) {
      const int64_t place = (o * indexed + i) * inner + k, at = index.at(shared ? i : place);
      if (at >= 0) to[(o * n + at) * inner + k] += from[place];
    }
  }
};

/// One warp for each row of the target and each 32 columns of it: the lanes read the index together, and what they find is
/// added in its order. There are few of them (most_targets), which makes their numbers 32-bit.
template <class T> struct AddToRow {
  const T* from;
  T* to;
  uint32_t n, tiles;
  int64_t indexed, inner;
  CheckedIndex index;
  __device__ void operator()(int64_t task, int lane) const {
    constexpr unsigned all = 0xffffffffu;
    const uint32_t row = uint32_t(task) / tiles, o = row / n, own = row - o * n;
    const int64_t k = int64_t(uint32_t(task) - row * tiles) * warp_lanes + lane;
    const int64_t start = o * indexed * inner + k;
    T* target = to + row * inner + k;
    T sum = k < inner ? *target : T(0);
    for (int64_t first = 0; first < indexed; first += warp_lanes) {
      const int64_t i = first + lane, at = i < indexed ? index.index[i] : 0;
      if (task == 0) {
        const unsigned wrong = __ballot_sync(all, at < 0 || at >= n);
        if (wrong && lane == __ffs(int(wrong)) - 1) index.at(i);
      }
      for (unsigned hits = __ballot_sync(all, at == own && i < indexed); hits; hits &= hits - 1)
        if (k < inner) sum += from[start + (first + __ffs(int(hits)) - 1) * inner];
    }
    if (k < inner) *target = sum;
  }
};
/// The same with an index entry for each element: one thread for each element of the target.
template <class T> struct AddToElement {
  const T* from;
  T* to;
  uint32_t n, inner;
  int64_t indexed;
  CheckedIndex index;
  __device__ void operator()(int64_t element) const {
    const uint32_t line = uint32_t(element) / inner, o = line / n, own = line - o * n;
    T sum = to[element];
    for (int64_t i = 0; i < indexed; ++i) {
      const int64_t place = (o * indexed + i) * inner + (uint32_t(element) - line * inner);
      const int64_t at = own == 0 ? index.at(place) : index.index[place];
      if (at == own) sum += from[place];
    }
    to[element] = sum;
  }
};

// A column that waits for one addition after the other takes some 800 clocks for each index entry; a target that looks through the
// index takes few, but there are more of them. Above these numbers the GPU is busy either way.
constexpr int64_t enough_columns = 16384, most_targets = int64_t(1) << 20;
bool by_target(const AroundAxis& size, int64_t tasks) {
  return size.n > 0 && size.outer * size.inner < enough_columns && tasks <= most_targets;
}

// Which bits are moved depends on the size of an element alone.
template <class Run> void by_size(size_t element, const Run& run) {
  if (element == 1) run(uint8_t());
  else if (element == 2) run(uint16_t());
  else if (element == 4) run(uint32_t());
  else run(uint64_t());
}

}  // namespace

void launch_gather(size_t element, const void* from, AroundAxis size, const int64_t* index, int64_t indexed, void* to,
                   Status* status, cudaStream_t stream) {
  by_size(element, [&]<class T>(T) {
    for_each_index("gather", size.outer * indexed * size.inner, stream,
                   GatherBody<T>{static_cast<const T*>(from),
                                 static_cast<T*>(to),
                                 size.n,
                                 indexed,
                                 size.inner,
                                 {index, size.n, status, StatusOperation::gather}});
  });
}

void launch_index_select(size_t element, const void* from, AroundAxis size, const int64_t* index, int64_t indexed,
                         void* to, Status* status, cudaStream_t stream) {
  by_size(element, [&]<class T>(T) {
    for_each_index("index_select", size.outer * indexed * size.inner, stream,
                   SelectBody<T>{static_cast<const T*>(from),
                                 static_cast<T*>(to),
                                 size.n,
                                 indexed,
                                 size.inner,
                                 {index, size.n, status, StatusOperation::index_select}});
  });
}

void launch_scatter_add(DType dtype, const void* from, AroundAxis size, const int64_t* index, int64_t indexed, void* to,
                        Status* status, cudaStream_t stream) {
  dispatch_numeric(dtype, "scatter_add", [&]<class T>() {
    const int64_t targets = size.outer * size.n * size.inner;
    if (by_target(size, targets))
      return for_each_index("scatter_add", targets, stream,
                            AddToElement<T>{static_cast<const T*>(from),
                                            static_cast<T*>(to),
                                            uint32_t(size.n),
                                            uint32_t(size.inner),
                                            indexed,
                                            {index, size.n, status, StatusOperation::scatter_add}});
    for_each_index("scatter_add", size.outer * size.inner, stream,
                   AddBody<T>{static_cast<const T*>(from),
                              static_cast<T*>(to),
                              size.n,
                              indexed,
                              size.inner,
                              false,
                              {index, size.n, status, StatusOperation::scatter_add}});
  });
}

void launch_index_add(DType dtype, const void* from, AroundAxis size, const int64_t* index, int64_t indexed, void* to,
                      Status* status, cudaStream_t stream) {
  dispatch_numeric(dtype, "index_add", [&]<class T>() {
    const int64_t tiles = (size.inner + warp_lanes - 1) / warp_lanes, tasks = size.outer * size.n * tiles;
    if (by_target(size, tasks))
      return for_each_row("index_add", tasks, warp_lanes, stream,
                          AddToRow<T>{static_cast<const T*>(from),
                                      static_cast<T*>(to),
                                      uint32_t(size.n),
                                      uint32_t(tiles),
                                      indexed,
                                      size.inner,
                                      {index, size.n, status, StatusOperation::index_add}});
    for_each_index("index_add", size.outer * size.inner, stream,
                   AddBody<T>{static_cast<const T*>(from),
                              static_cast<T*>(to),
                              size.n,
                              indexed,
                              size.inner,
                              true,
                              {index, size.n, status, StatusOperation::index_add}});
  });
}

}  // namespace pf::cuda
