#pragma once
// The engine of reductions: any associative operation over any axes of a strided tensor, without copying it. Used by the
// sources that define a reduction; each instantiates it with a policy such as Adding below.
//
// The order of combination is fixed by the shape alone: blocks of a row, then pairwise; panels of rows, then pairwise. So
// sums are accurate and have the same bits for any number of threads.

#include <algorithm>
#include <bit>
#include <vector>

#include "tensor/cuda_backend.h"
#include "tensor/parallel.h"
#include "tensor/simd.h"
#include "tensor/tensor.h"

namespace pf::detail {

struct Adding {
  static constexpr auto on_device = cuda::Reduction::sum;
  template <class V> static V identity() { return V(0); }
  template <class V> static V combine(V a, V b) { return a + b; }
};

/// One loop of a reduction.
struct ReduceLoop {
  int64_t size, stride;
};
struct ReduceLoops {
  std::array<ReduceLoop, max_rank> list;
  int count = 0;
  int64_t positions() const {
    int64_t n = 1;
    for (int i = 0; i < count; ++i) n *= list[i].size;
    return n;
  }
  const ReduceLoop& inner() const { return list[count - 1]; }
};

/// What to loop over: kept axes in order of memory, reduced axes in order of memory, both with neighbours merged.
struct ReducePlan {
  ReduceLoops kept, reduced;
  int64_t offset = 0;  // of the first element read
  Shape order;         // memory order of the kept axes: axis i of the fresh result is kept axis order[i] of x
  bool reordered = false;
};
ReducePlan plan_reduction(const Layout& layout, const std::array<bool, max_rank>& reduce);

/// The reduction by the kernels of x's GPU; a sum of 16-bit numbers as float32.
Tensor reduce_on_device(cuda::Reduction kind, const Tensor& x, const std::array<bool, max_rank>& flags,
                        const Shape& shape);

/// Visits the positions of some loops in order, without division.
class LoopCursor {
 public:
  LoopCursor(const ReduceLoop* loops, int count, int64_t position = 0) : loops_(loops), count_(count) {
    for (int i = count - 1; i >= 0; --i) {
      index_[i] = position % loops[i].size;
      position /= loops[i].size;
      at_ += index_[i] * loops[i].stride;
    }
  }
  int64_t at() const { return at_; }
  void next() {
    for (int i = count_ - 1; i >= 0; --i) {
      at_ += loops_[i].stride;
      if (++index_[i] < loops_[i].size || i == 0) return;
      at_ -= loops_[i].size * loops_[i].stride;
      index_[i] = 0;
    }
  }

 private:
  const ReduceLoop* loops_;
  int count_;
  std::array<int64_t, max_rank> index_{};
  int64_t at_ = 0;
};

/// One lane of a type that has no batch.
template <class T> struct OneLane {
  static constexpr int width = 1;
  T value;
  OneLane() = default;
  OneLane(T value) : value(value) {}
  static OneLane load(const T* p) { return *p; }
  void store(T* p) const { *p = value; }
};
template <class T> using Lanes = std::conditional_t<std::is_floating_point_v<T>, Vec<T>, OneLane<T>>;

template <class P, class T> OneLane<T> combine(OneLane<T> a, OneLane<T> b) { return P::combine(a.value, b.value); }
template <class P, class V> V combine(V a, V b) { return P::combine(a, b); }

/// Combines a stream of values pairwise, as if in a balanced tree.
template <class P, class T> class PairwiseStream {
 public:
  void add(T value) {
    stack_[top_++] = value;
    for (uint64_t n = ++count_; !(n & 1); n >>= 1) {
      --top_;
      stack_[top_ - 1] = P::combine(stack_[top_ - 1], stack_[top_]);
    }
  }
  T result() const {
    if (top_ == 0) return P::template identity<T>();
    T out = stack_[top_ - 1];
    for (int i = top_ - 2; i >= 0; --i) out = P::combine(stack_[i], out);
    return out;
  }

 private:
  T stack_[64];
  int top_ = 0;
  uint64_t count_ = 0;
};

inline constexpr int64_t reduce_block = 1024;     // elements added before the pairwise tree begins
inline constexpr int64_t reduce_chunk = 1 << 15;  // elements a thread takes

/// A run of neighbours of 1 to reduce_block elements.
template <class P, class T> T reduce_block_run(const T* p, int64_t n) {
  using V = Lanes<T>;
  constexpr int64_t w = V::width;
  T out = p[0];
  int64_t i = 1;
  if (n >= w) {
    V a = V::load(p);
    i = w;
    if (n >= 8 * w) {
      V b = V::load(p + w), c = V::load(p + 2 * w), d = V::load(p + 3 * w);
      for (i = 4 * w; i + 4 * w <= n; i += 4 * w) {
        a = combine<P>(a, V::load(p + i));
        b = combine<P>(b, V::load(p + i + w));
        c = combine<P>(c, V::load(p + i + 2 * w));
        d = combine<P>(d, V::load(p + i + 3 * w));
      }
      a = combine<P>(combine<P>(a, b), combine<P>(c, d));
    }
    for (; i + w <= n; i += w) a = combine<P>(a, V::load(p + i));
    alignas(64) T lane[w];
    a.store(lane);
    for (int64_t half = w / 2; half > 0; half /= 2)
      for (int64_t k = 0; k < half; ++k) lane[k] = P::combine(lane[k], lane[k + half]);
    out = lane[0];
  }
  for (; i < n; ++i) out = P::combine(out, p[i]);
  return out;
}

template <class P, class T> T reduce_strided_run(const T* p, int64_t n, int64_t stride) {
  if (n < 4) {
    T out = p[0];
    for (int64_t i = 1; i < n; ++i) out = P::combine(out, p[i * stride]);
    return out;
  }
  T a = p[0], b = p[stride], c = p[2 * stride], d = p[3 * stride];
  int64_t i = 4;
  for (; i + 4 <= n; i += 4) {
    a = P::combine(a, p[i * stride]);
    b = P::combine(b, p[(i + 1) * stride]);
    c = P::combine(c, p[(i + 2) * stride]);
    d = P::combine(d, p[(i + 3) * stride]);
  }
  for (; i < n; ++i) a = P::combine(a, p[i * stride]);
  return P::combine(P::combine(a, b), P::combine(c, d));
}

/// A run of any length.
template <class P, class T> T reduce_run(const T* p, int64_t n, int64_t stride) {
  if (n <= reduce_block) return stride == 1 ? reduce_block_run<P>(p, n) : reduce_strided_run<P>(p, n, stride);
  const int64_t half = int64_t(std::bit_ceil(uint64_t(n)) / 2);
  return P::combine(reduce_run<P>(p, half, stride), reduce_run<P>(p + half * stride, n - half, stride));
}

/// All reduced positions of one result, the innermost loop as runs.
template <class P, class T> T reduce_one(const T* p, const ReduceLoops& loops) {
  const ReduceLoop& inner = loops.inner();
  if (loops.count == 1) return reduce_run<P>(p, inner.size, inner.stride);
  PairwiseStream<P, T> stream;
  LoopCursor cursor(loops.list.data(), loops.count - 1);
  for (int64_t i = loops.positions() / inner.size; i > 0; --i, cursor.next())
    stream.add(reduce_run<P>(p + cursor.at(), inner.size, inner.stride));
  return stream.result();
}

template <class P, int R, class T>
void reduce_short_rows(const T* p, int64_t rows, int64_t row_stride, int64_t stride, T* out) {
  for (int64_t i = 0; i < rows; ++i) {
    T value = p[i * row_stride];
    for (int r = 1; r < R; ++r) value = P::combine(value, p[i * row_stride + r * stride]);
    out[i] = value;
  }
}

/// Rows: each result comes from runs of its own.
template <class P, class T> void reduce_rows(const T* p, const ReducePlan& plan, T* out) {
  const int64_t results = plan.kept.positions(), each = plan.reduced.positions();
  if (results == 1 && plan.reduced.count == 1 && each > reduce_chunk) {  // one long run: its chunks in parallel
    const int64_t stride = plan.reduced.inner().stride, chunks = (each + reduce_chunk - 1) / reduce_chunk;
    std::vector<T> partial(static_cast<size_t>(chunks));
    parallel_for(chunks, [&](int64_t c) {
      const int64_t first = c * reduce_chunk;
      partial[size_t(c)] = reduce_run<P>(p + first * stride, std::min(reduce_chunk, each - first), stride);
    });
    PairwiseStream<P, T> stream;
    for (T value : partial) stream.add(value);
    *out = stream.result();
    return;
  }
  const int64_t per_chunk = std::max<int64_t>(1, reduce_chunk / each);
  parallel_for((results + per_chunk - 1) / per_chunk, [&](int64_t c) {
    const int64_t first = c * per_chunk, count = std::min(per_chunk, results - first);
    if (plan.kept.count == 1 && plan.reduced.count == 1 && each <= 8) {
      const int64_t row = plan.kept.inner().stride, stride = plan.reduced.inner().stride;
      const T* from = p + first * row;
      auto rows = [&]<int R>() {
        if (stride == 1 && row == R) reduce_short_rows<P, R>(from, count, R, 1, out + first);
        else reduce_short_rows<P, R>(from, count, row, stride, out + first);
      };
      switch (each) {
        case 2:
          return rows.template operator()<2>();
        case 3:
          return rows.template operator()<3>();
        case 4:
          return rows.template operator()<4>();
        case 5:
          return rows.template operator()<5>();
        case 6:
          return rows.template operator()<6>();
        case 7:
          return rows.template operator()<7>();
        case 8:
          return rows.template operator()<8>();
        default:
          break;
      }
    }
    LoopCursor cursor(plan.kept.list.data(), plan.kept.count, first);
    for (int64_t i = 0; i < count; ++i, cursor.next()) out[first + i] = reduce_one<P>(p + cursor.at(), plan.reduced);
  });
}

/// acc[0 … width) gets `rows` rows combined, eight at a time; the rows lie where the cursor goes.
template <class P, class T> void reduce_panel(const T* p, LoopCursor cursor, int64_t rows, int64_t width, T* acc) {
  using V = Lanes<T>;
  constexpr int64_t w = V::width;
  bool fresh = true;
  while (rows > 0) {
    const int n = int(std::min<int64_t>(rows, 8));
    const T* row[8];
    for (int i = 0; i < n; ++i, cursor.next()) row[i] = p + cursor.at();
    auto go = [&]<class W>(int64_t j) {
      W v;
      if (n == 8) {
        const W ab = combine<P>(W::load(row[0] + j), W::load(row[1] + j)),
                cd = combine<P>(W::load(row[2] + j), W::load(row[3] + j));
        const W ef = combine<P>(W::load(row[4] + j), W::load(row[5] + j)),
                gh = combine<P>(W::load(row[6] + j), W::load(row[7] + j));
        v = combine<P>(combine<P>(ab, cd), combine<P>(ef, gh));
      } else {
        v = W::load(row[0] + j);
        for (int i = 1; i < n; ++i) v = combine<P>(v, W::load(row[i] + j));
      }
      if (!fresh) v = combine<P>(W::load(acc + j), v);
      v.store(acc + j);
    };
    int64_t j = 0;
    for (; j + w <= width; j += w) go.template operator()<V>(j);
    for (; j < width; ++j) go.template operator()<OneLane<T>>(j);
    fresh = false;
    rows -= n;
  }
}

/// Columns: the innermost kept axis lies in sequence, so whole rows are combined.
template <class P, class T> void reduce_columns(const T* p, const ReduceLoops& reduced, int64_t width, T* out) {
  int64_t rows = reduced.positions();
  if (reduced.count == 1 && reduced.inner().stride == width && width < 64 && rows >= 16) {
    // Short rows without gaps: several of them make one long row, which is folded at the end.
    const int64_t group = int64_t(std::bit_floor(uint64_t(std::min(256 / width, rows / 8))));
    if (group > 1) {
      T wide[256];
      ReduceLoops grouped;
      grouped.list[grouped.count++] = {rows / group, group * width};
      reduce_columns<P>(p, grouped, group * width, wide);
      for (int64_t half = group * width / 2; half >= width; half /= 2)
        for (int64_t i = 0; i < half; ++i) wide[i] = P::combine(wide[i], wide[i + half]);
      for (int64_t r = rows / group * group; r < rows; ++r)
        for (int64_t j = 0; j < width; ++j) wide[j] = P::combine(wide[j], p[r * width + j]);
      std::copy_n(wide, width, out);
      return;
    }
  }
  constexpr int64_t tile = 2048;  // columns whose accumulators stay in the first-level cache
  const int64_t per_panel = std::clamp<int64_t>(reduce_chunk / std::min(width, tile) / 8 * 8, 64, 1024);
  const int64_t panels = (rows + per_panel - 1) / per_panel, tiles = (width + tile - 1) / tile;
  std::vector<T> partial(panels > 1 ? size_t(panels * width) : 0);
  auto panel = [&](int64_t task) {
    const int64_t i = task / tiles, j = task % tiles * tile;
    reduce_panel<P>(p + j, LoopCursor(reduced.list.data(), reduced.count, i * per_panel),
                    std::min(per_panel, rows - i * per_panel), std::min(tile, width - j),
                    (panels > 1 ? partial.data() + i * width : out) + j);
  };
  if (rows * width <= 2 * reduce_chunk) {
    for (int64_t task = 0; task < panels * tiles; ++task) panel(task);
  } else {
    parallel_for(panels * tiles, panel);
  }
  if (panels == 1) return;
  for (int64_t step = 1; step < panels; step *= 2)
    for (int64_t i = 0; i + step < panels; i += 2 * step)
      for (int64_t j = 0; j < width; ++j)
        partial[size_t(i * width + j)] =
            P::combine(partial[size_t(i * width + j)], partial[size_t((i + step) * width + j)]);
  std::copy_n(partial.data(), width, out);
}

/// x reduced over the flagged axes; `shape` is the shape of the result. Empty reductions give the identity.
template <class P, class T>
Tensor reduce(const Tensor& x, const std::array<bool, max_rank>& flags, const Shape& shape) {
  if (x.device().is_cuda()) return reduce_on_device(P::on_device, x, flags, shape);
  Shape kept;
  for (int i = 0; i < x.rank(); ++i)
    if (!flags[i]) kept.push_back(x.shape()[i]);
  const ReducePlan plan = plan_reduction(x.layout(), flags);
  Shape fresh = kept;
  if (plan.reordered)
    for (int i = 0; i < kept.rank(); ++i) fresh[i] = kept[plan.order[i]];
  Tensor out = Tensor::empty(fresh, x.dtype());
  T* to = out.mutable_data<T>();
  const T* p = x.data<T>() - x.layout().offset + plan.offset;
  if (out.numel() == 0) {
  } else if (x.numel() == 0) {
    std::fill_n(to, out.numel(), P::template identity<T>());
  } else if (plan.kept.inner().stride == 1 && plan.kept.inner().size > 1 && plan.reduced.inner().stride != 1) {
    const int64_t width = plan.kept.inner().size, outer = plan.kept.positions() / width;
    const int64_t work = width * plan.reduced.positions();
    auto one = [&](int64_t i) {
      LoopCursor cursor(plan.kept.list.data(), plan.kept.count - 1, i);
      reduce_columns<P>(p + cursor.at(), plan.reduced, width, to + i * width);
    };
    const int64_t per_chunk = std::max<int64_t>(1, reduce_chunk / work);
    if (outer == 1) one(0);
    else
      parallel_for((outer + per_chunk - 1) / per_chunk, [&](int64_t c) {
        for (int64_t i = c * per_chunk; i < std::min(outer, (c + 1) * per_chunk); ++i) one(i);
      });
  } else {
    reduce_rows<P>(p, plan, to);
  }
  if (plan.reordered) {
    Shape inverse = plan.order;
    for (int i = 0; i < inverse.rank(); ++i) inverse[int(plan.order[i])] = i;
    out = contiguous(out.view(out.layout().permute(inverse)));
  }
  return out.view(Layout::contiguous(shape));
}

}  // namespace pf::detail
