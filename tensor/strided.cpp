#include "tensor/strided.h"

#include <algorithm>
#include <cstring>

#include "tensor/device_pass.h"

namespace pf {

Layout collapse(const Layout& layout) {
  Layout out{{}, {}, layout.offset};
  for (int i = 0; i < layout.rank(); ++i) {
    if (layout.shape[i] == 1) continue;
    const int last = out.rank() - 1;
    if (last >= 0 && out.strides[last] == layout.strides[i] * layout.shape[i]) {
      out.shape[last] *= layout.shape[i];
      out.strides[last] = layout.strides[i];
    } else {
      out.shape.push_back(layout.shape[i]);
      out.strides.push_back(layout.strides[i]);
    }
  }
  if (out.rank() == 0) {
    out.shape.push_back(1);
    out.strides.push_back(1);
  }
  return out;
}

StridedCursor::StridedCursor(const Layout& collapsed, int64_t position) : layout_(collapsed), at_(collapsed.offset) {
  for (int i = collapsed.rank() - 1; i >= 0; --i) {
    const int64_t size = std::max<int64_t>(collapsed.shape[i], 1);
    index_[i] = position % size;
    position /= size;
    at_ += index_[i] * collapsed.strides[i];
  }
}

namespace {
template <class T> void copy_run(const std::byte* base, int64_t at, int64_t stride, int64_t n, std::byte* out) {
  const T* source = reinterpret_cast<const T*>(base) + at;
  T* target = reinterpret_cast<T*>(out);
  if (stride == 1) std::memcpy(target, source, size_t(n) * sizeof(T));
  else if (stride == 0) std::fill_n(target, n, *source);
  else
    for (int64_t i = 0; i < n; ++i) target[i] = source[i * stride];
}
}  // namespace

void StridedCursor::read(const std::byte* base, int64_t element_size, int64_t n, void* out) {
  auto* target = static_cast<std::byte*>(out);
  const int inner = layout_.rank() - 1;
  const int64_t width = layout_.shape[inner], stride = layout_.strides[inner];
  while (n > 0) {
    const int64_t run = std::min(n, width - index_[inner]);
    switch (element_size) {
      case 1:
        copy_run<uint8_t>(base, at_, stride, run, target);
        break;
      case 2:
        copy_run<uint16_t>(base, at_, stride, run, target);
        break;
      case 4:
        copy_run<uint32_t>(base, at_, stride, run, target);
        break;
      default:
        copy_run<uint64_t>(base, at_, stride, run, target);
        break;
    }
    target += run * element_size;
    n -= run;
    index_[inner] += run;
    at_ += run * stride;
    for (int axis = inner; axis > 0 && index_[axis] == layout_.shape[axis]; --axis) {
      at_ += layout_.strides[axis - 1] - layout_.shape[axis] * layout_.strides[axis];
      index_[axis] = 0;
      ++index_[axis - 1];
    }
  }
}

namespace {

// One loop of a copy: so many steps, so far apart in the target and in the source.
struct CopyLoop {
  int64_t size, target, source;
};
struct CopyLoops {
  std::array<CopyLoop, max_rank> list;
  int count = 0;
};

// Outermost first. The innermost loop is the one with the smallest step in the target, so that writing is sequential;
// where the source is sequential along another axis, that one comes next to it and the pair is copied in tiles.
CopyLoops plan_copy(const Layout& target, const Layout& source) {
  CopyLoops loops;
  for (int i = 0; i < target.rank(); ++i)
    if (target.shape[i] != 1) loops.list[loops.count++] = {target.shape[i], target.strides[i], source.strides[i]};
  std::stable_sort(loops.list.begin(), loops.list.begin() + loops.count,
                   [](const CopyLoop& a, const CopyLoop& b) { return std::abs(a.target) > std::abs(b.target); });
  int last = 0;
  for (int i = 1; i < loops.count; ++i) {
    CopyLoop& outer = loops.list[last];
    const CopyLoop& inner = loops.list[i];
    if (outer.target == inner.target * inner.size && outer.source == inner.source * inner.size)
      outer = {outer.size * inner.size, inner.target, inner.source};
    else loops.list[++last] = inner;
  }
  loops.count = loops.count ? last + 1 : 0;
  if (loops.count == 0) loops.list[loops.count++] = {1, 1, 1};
  if (std::abs(loops.list[loops.count - 1].source) > 1)
    for (int i = 0; i + 2 < loops.count; ++i)
      if (std::abs(loops.list[i].source) == 1) {
        std::rotate(loops.list.begin() + i, loops.list.begin() + i + 1, loops.list.begin() + loops.count - 1);
        break;
      }
  return loops;
}

template <class T> void copy_line(T* target, const T* source, const CopyLoop& loop) {
  if (loop.target == 1 && loop.source == 1) std::memcpy(target, source, size_t(loop.size) * sizeof(T));
  else if (loop.target == 1 && loop.source == 0) std::fill_n(target, loop.size, *source);
  else
    for (int64_t i = 0; i < loop.size; ++i) target[i * loop.target] = source[i * loop.source];
}

// A transposition: the source is sequential along `outer`, the target along `inner`. Strips of eight source rows keep both
// within few cache lines.
template <class T> void copy_turned(T* target, const T* source, const CopyLoop& outer, const CopyLoop& inner) {
  constexpr int64_t strip = 8;
  for (int64_t j = 0; j < inner.size; j += strip)
    for (int64_t i = 0; i < outer.size; ++i) {
      T* to = target + i * outer.target + j * inner.target;
      const T* from = source + i * outer.source + j * inner.source;
      if (j + strip <= inner.size && inner.target == 1) {
#pragma GCC unroll 8
        for (int k = 0; k < strip; ++k) to[k] = from[k * inner.source];
      } else {
        copy_line(to, from, CopyLoop{std::min(strip, inner.size - j), inner.target, inner.source});
      }
    }
}

template <class T> void copy_loops(T* target, const T* source, const CopyLoops& loops, int depth) {
  const CopyLoop& loop = loops.list[depth];
  if (depth + 1 == loops.count) return copy_line(target, source, loop);
  if (depth + 2 == loops.count && std::abs(loop.source) == 1 && std::abs(loops.list[depth + 1].source) > 1)
    return copy_turned(target, source, loop, loops.list[depth + 1]);
  for (int64_t i = 0; i < loop.size; ++i)
    copy_loops(target + i * loop.target, source + i * loop.source, loops, depth + 1);
}

}  // namespace

void assign_strided(const Tensor& x, Tensor& out, const Layout& to) {
  check(x.shape() == to.shape, "copy: ", x.shape(), " to a place of shape ", to.shape);
  if (x.numel() == 0) return;
  void* base = out.mutable_raw();
  if (out.device().is_cuda()) {
    check(x.is_literal() || x.device() == out.device(), "copy: ", x.shape(), " is on ", x.device(),
          " and its place on ", out.device(), "; copy it there with to_device");
    const Tensor from = to_device(x, out.device());
    auto* target = static_cast<std::byte*>(base) + to.offset * size_of(x.dtype());
    return backend_of(out).copy(x.shape(), target, to.strides, x.dtype(), from.raw(), from.strides(), x.dtype());
  }
  check(!x.device().is_cuda(), "copy: ", x.shape(), " is on ", x.device(),
        " and its place on the CPU; copy it with to_device");
  const CopyLoops loops = plan_copy(to, x.layout());
  auto run = [&]<class T>(T*) {
    copy_loops(static_cast<T*>(base) + to.offset, static_cast<const T*>(x.raw()), loops, 0);
  };
  switch (size_of(x.dtype())) {
    case 1:
      return run(static_cast<uint8_t*>(nullptr));
    case 2:
      return run(static_cast<uint16_t*>(nullptr));
    case 4:
      return run(static_cast<uint32_t*>(nullptr));
    default:
      return run(static_cast<uint64_t*>(nullptr));
  }
}

}  // namespace pf
