// Gather and scatter-add along an axis. The sums of a scatter are taken in the order of the index by one thread each, so
// they have the same bits every time; no atomics.

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/complain.h"
#include "tensor/cuda/for_each.h"

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
