// Sorting rows: each chunk by a bitonic network in shared memory (Batcher 1968), then, for longer rows, chunks merged in
// pairs, where every element finds its place by a search in the other chunk. Items hold their own position, so all are
// different, and any order that sorts them is the stable one.

#include <algorithm>

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/for_each.h"
#include "tensor/ops/sort_key.h"

namespace pf::cuda {
namespace {

constexpr int sort_chunk = 2048;                     // items that a block sorts in shared memory
constexpr int64_t items_at_once = int64_t(1) << 24;  // of long rows, which need scratch memory
constexpr int most_sort_threads = 256;

struct WideItem {
  uint64_t key;
  uint32_t index, unused;
  __device__ static WideItem make(uint64_t key, uint32_t index) { return {key, index, 0}; }
  __device__ bool operator<(const WideItem& other) const {
    return key != other.key ? key < other.key : index < other.index;
  }
  __device__ uint32_t place() const { return index; }
};
struct NarrowItem {  // a 32-bit key and the position in one word
  uint64_t word;
  __device__ static NarrowItem make(uint32_t key, uint32_t index) { return {uint64_t(key) << 32 | index}; }
  __device__ bool operator<(const NarrowItem& other) const { return word < other.word; }
  __device__ uint32_t place() const { return uint32_t(word); }
};
template <class T> using ItemOf = std::conditional_t<sizeof(T) == 4, NarrowItem, WideItem>;

/// Chunks of `width` (a power of two) items, `chunks` a row. Writes the first `count` positions of each row, or where
/// rows have more chunks the sorted items.
template <class T>
__global__ void __launch_bounds__(most_sort_threads)
    sort_chunks(const T* rows, int n, int width, int chunks, int tasks, bool descending, int count, int64_t* to,
                ItemOf<T>* items) {
  using Item = ItemOf<T>;
  PF_DYNAMIC_SHARED(Item, shared);
  const int thread = int(threadIdx.x), threads = int(blockDim.x);
  for (int task = int(blockIdx.x); task < tasks; task += int(gridDim.x)) {
    const int row = task / chunks, first = task % chunks * width;
    __syncthreads();  // the last chunk may still be being written out
    for (int i = thread; i < width; i += threads) {
      const int at = first + i;
      // What fills the chunk up comes after all elements, also after NaN.
      shared[i] = at < n ? Item::make(pf::detail::sort_key(rows[int64_t(row) * n + at], descending), uint32_t(at))
                         : Item::make(decltype(pf::detail::sort_key(T(), false))(-1), uint32_t(at));
    }
    __syncthreads();
    for (int size = 2; size <= width; size *= 2)
      for (int stride = size / 2; stride > 0; stride /= 2) {
        for (int pair = thread; pair < width / 2; pair += threads) {
          const int i = 2 * pair - (pair & (stride - 1)), k = i + stride;
          const bool rising = (i & size) == 0;
          const Item low = shared[i], high = shared[k];
          if ((high < low) == rising) {
            shared[i] = high;
            shared[k] = low;
          }
        }
        __syncthreads();
      }
    if (items) {
      for (int i = thread; i < width && first + i < n; i += threads) items[int64_t(row) * n + first + i] = shared[i];
    } else {
      for (int i = thread; i < count; i += threads) to[int64_t(row) * count + i] = shared[i].place();
    }
  }
}

/// Runs of `run` sorted items, merged in pairs.
template <class Item> struct MergeBody {
  const Item* from;
  Item* to;
  uint32_t n, run;
  Divider by_n;
  __device__ void operator()(int64_t element) const {
    const uint32_t row = by_n(uint32_t(element)), at = uint32_t(element) - row * n;
    const uint32_t base = at & ~(2 * run - 1), middle = smaller(base + run), end = smaller(base + 2 * run);
    const Item* items = from + int64_t(row) * n;
    const Item own = items[at];
    const bool left = at < middle;
    uint32_t low = left ? middle : base, high = left ? end : middle;
    const uint32_t other = low;
    while (low < high) {
      const uint32_t half = low + (high - low) / 2;
      if (items[half] < own) low = half + 1;
      else high = half;
    }
    const uint32_t own_rank = left ? at - base : at - middle;
    to[int64_t(row) * n + base + own_rank + (low - other)] = own;
  }
  __device__ uint32_t smaller(uint32_t x) const { return x < n ? x : n; }
};
template <class Item> struct PlacesBody {
  const Item* items;
  int64_t* to;
  uint32_t n, count;
  Divider by_count;
  __device__ void operator()(int64_t element) const {
    const uint32_t row = by_count(uint32_t(element)), at = uint32_t(element) - row * count;
    to[element] = items[int64_t(row) * n + at].place();
  }
};

int64_t lines_at_once(int64_t lines, int64_t n) {
  const int64_t limit = n > sort_chunk ? items_at_once : int64_t(1) << 30;
  return std::min(lines, std::max<int64_t>(1, limit / n));
}

template <class T>
void sort_lines(const T* rows, int64_t lines, int64_t n, bool descending, int64_t count, int64_t* to, void* scratch,
                cudaStream_t stream) {
  using Item = ItemOf<T>;
  int width = 2;
  while (width < n && width < sort_chunk) width *= 2;
  const int chunks = int((n + width - 1) / width), tasks = int(lines) * chunks;
  const unsigned threads = unsigned(std::clamp(width / 2, 32, most_sort_threads));
  const Shape sizes{lines, n};
  Item* items = chunks > 1 ? static_cast<Item*>(scratch) : nullptr;
  check_launch(PF_LAUNCH((sort_chunks<T>), unsigned(std::min(tasks, 65535)), threads, size_t(width) * sizeof(Item),
                         stream, rows, int(n), width, chunks, tasks, descending, int(count), to, items),
               "sort", sizes);
  if (!items) return;
  Item* other = items + lines * n;
  for (int64_t run = width; run < n; run *= 2) {
    for_each_index("sort", lines * n, stream,
                   MergeBody<Item>{items, other, uint32_t(n), uint32_t(run), Divider(uint32_t(n))});
    std::swap(items, other);
  }
  if (count > 0)
    for_each_index("sort", lines * count, stream,
                   PlacesBody<Item>{items, to, uint32_t(n), uint32_t(count), Divider(uint32_t(count))});
}

template <class T> struct SearchBody {
  const T *rows, *values;
  int64_t n, each;  // values that share a row
  bool right;
  int64_t* to;
  __device__ void operator()(int64_t i) const {
    to[i] = pf::detail::place_in_row(rows + i / each * n, n, values[i], right);
  }
};

}  // namespace

size_t sort_scratch(DType dtype, int64_t lines, int64_t n) {
  if (n <= sort_chunk) return 0;
  const size_t item = dtype == float32 ? sizeof(NarrowItem) : sizeof(WideItem);
  return 2 * item * size_t(lines_at_once(lines, n) * n);
}

void launch_sort(DType dtype, const void* rows, int64_t lines, int64_t n, bool descending, int64_t count, int64_t* to,
                 void* scratch, cudaStream_t stream) {
  check(n < int64_t(1) << 30, "sort: a row of ", n, " elements: expected less than 2³⁰ on a GPU");
  if (lines == 0 || n == 0 || count == 0) return;
  dispatch_numeric(dtype, "sort", [&]<class T>() {
    const int64_t each = lines_at_once(lines, n);
    for (int64_t first = 0; first < lines; first += each)
      sort_lines(static_cast<const T*>(rows) + first * n, std::min(each, lines - first), n, descending, count,
                 to + first * count, scratch, stream);
  });
}

void launch_searchsorted(DType dtype, const void* rows, int64_t n, const void* values, int64_t total, int64_t each,
                         bool right, int64_t* to, cudaStream_t stream) {
  dispatch_numeric(dtype, "searchsorted", [&]<class T>() {
    for_each_index("searchsorted", total, stream,
                   SearchBody<T>{static_cast<const T*>(rows), static_cast<const T*>(values), n, each, right, to});
  });
}

}  // namespace pf::cuda
