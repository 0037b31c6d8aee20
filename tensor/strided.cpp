#include "tensor/strided.h"

#include <algorithm>
#include <cstring>

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
template <class T>
void copy_run(const std::byte* base, int64_t at, int64_t stride, int64_t n, std::byte* out) {
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
      case 1: copy_run<uint8_t>(base, at_, stride, run, target); break;
      case 4: copy_run<uint32_t>(base, at_, stride, run, target); break;
      default: copy_run<uint64_t>(base, at_, stride, run, target); break;
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

void copy_strided(const Tensor& x, void* out) {
  const int64_t n = x.numel();
  if (n == 0) return;
  const Layout collapsed = collapse(x.layout());
  StridedCursor(collapsed, 0).read(x.storage().data(), size_of(x.dtype()), n, out);
}

}  // namespace pf
