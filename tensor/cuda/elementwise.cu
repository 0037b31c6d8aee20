// Comparisons, masks, choices, copies with conversion, constants: element-wise work that is no formula.

#include <vector>

#include "tensor/cuda/backend_kernels.h"
#include "tensor/cuda/for_each.h"

namespace pf::cuda {
namespace {

template <class T> struct Input {
  const T* data;
  T number;
  __device__ T at(int32_t offset) const { return data ? data[offset] : number; }
};

// Where array k of a pass begins in this piece.
template <class T> Input<T> input(const Pass& pass, int k, const auto& starts) {
  const Source& source = pass.sources[size_t(k)];
  return {source.data ? static_cast<const T*>(source.data) + starts[size_t(k)] : nullptr, T(source.number)};
}

struct Less {
  template <class T> __device__ bool operator()(T a, T b) const { return a < b; }
};
struct LessEqual {
  template <class T> __device__ bool operator()(T a, T b) const { return a <= b; }
};
struct Equal {
  template <class T> __device__ bool operator()(T a, T b) const { return a == b; }
};
struct NotEqual {
  template <class T> __device__ bool operator()(T a, T b) const { return a != b; }
};
struct And {
  template <class T> __device__ bool operator()(T a, T b) const { return a && b; }
};
struct Or {
  template <class T> __device__ bool operator()(T a, T b) const { return a || b; }
};
struct IsNan {
  template <class T> __device__ bool operator()(T x) const { return x != x; }
};
struct IsInf {
  template <class T> __device__ bool operator()(T x) const { return x == x && x - x != x - x; }
};
struct IsFinite {
  template <class T> __device__ bool operator()(T x) const { return x - x == x - x; }
};

template <class F, class T> struct PairBody {
  F f;
  Input<T> a, b;
  bool* to;
  __device__ void operator()(const int32_t (&at)[3]) const { to[at[2]] = f(a.at(at[0]), b.at(at[1])); }
};
template <class F, class T> struct SingleBody {
  F f;
  Input<T> a;
  bool* to;
  __device__ void operator()(const int32_t (&at)[2]) const { to[at[1]] = f(a.at(at[0])); }
};
template <class T> struct WhereBody {
  Input<bool> condition;
  Input<T> a, b;
  T* to;
  __device__ void operator()(const int32_t (&at)[4]) const {
    to[at[3]] = condition.at(at[0]) ? a.at(at[1]) : b.at(at[2]);
  }
};

// The strides of a pass's sources, zero for numbers, and of its row-major target.
struct PassStrides {
  Shape none, row_major;
  std::vector<const Shape*> list;
  explicit PassStrides(const Pass& pass)
      : none(Shape::filled(pass.shape.rank(), 0)), row_major(Layout::contiguous(pass.shape).strides) {
    for (int k = 0; k < pass.source_count; ++k)
      list.push_back(pass.sources[size_t(k)].data ? &pass.sources[size_t(k)].strides : &none);
    list.push_back(&row_major);
  }
};

template <class F> void run_pair(const char* name, const Pass& pass, cudaStream_t stream) {
  const PassStrides strides(pass);
  dispatch_arithmetic(pass.dtype, name, [&]<class T>() {
    for_each_strided<3>(name, pass.shape, strides.list, stream, [&](const auto& starts) {
      return PairBody<F, T>{
          {}, input<T>(pass, 0, starts), input<T>(pass, 1, starts), static_cast<bool*>(pass.targets[0]) + starts[2]};
    });
  });
}
template <class F> void run_single(const char* name, const Pass& pass, cudaStream_t stream) {
  const PassStrides strides(pass);
  dispatch_floating(pass.dtype, name, [&]<class T>() {
    for_each_strided<2>(name, pass.shape, strides.list, stream, [&](const auto& starts) {
      return SingleBody<F, T>{{}, input<T>(pass, 0, starts), static_cast<bool*>(pass.targets[0]) + starts[1]};
    });
  });
}
void run_where(const Pass& pass, cudaStream_t stream) {
  const PassStrides strides(pass);
  dispatch(pass.dtype, [&]<class T>() {
    for_each_strided<4>("where", pass.shape, strides.list, stream, [&](const auto& starts) {
      return WhereBody<T>{input<bool>(pass, 0, starts), input<T>(pass, 1, starts), input<T>(pass, 2, starts),
                          static_cast<T*>(pass.targets[0]) + starts[3]};
    });
  });
}

template <class S, class T> struct CopyBody {
  const S* from;
  T* to;
  __device__ void operator()(const int32_t (&at)[2]) const { to[at[0]] = T(from[at[1]]); }
};

template <class T> struct FillBody {
  T* to;
  T value;
  __device__ void operator()(int64_t i) const { to[i] = value; }
};
template <class T> struct CountBody {
  T* to;
  double first, step;
  __device__ void operator()(int64_t i) const { to[i] = T(first + double(i) * step); }
};

template <int capacity> struct PutBody {
  alignas(16) unsigned char bytes[capacity];
  unsigned char* to;
  int n;
  __device__ void operator()(int64_t pack) const {
    const int first = int(pack) * 16;
    if (first + 16 <= n && pack_aligned(to)) {
      Pack<unsigned char> whole;
      for (int i = 0; i < 16; ++i) whole.element[i] = bytes[first + i];
      return store_pack(to + first, whole);
    }
    for (int i = first; i < first + 16 && i < n; ++i) to[i] = bytes[i];
  }
};
template <int capacity> void put(void* to, const void* from, size_t bytes, cudaStream_t stream) {
  PutBody<capacity> body;
  std::memcpy(body.bytes, from, bytes);
  std::memset(body.bytes + bytes, 0, capacity - bytes);
  body.to = static_cast<unsigned char*>(to);
  body.n = int(bytes);
  for_each_index("upload", int64_t(bytes + 15) / 16, stream, body);
}

}  // namespace

void launch_put(void* to, const void* from, size_t bytes, cudaStream_t stream) {
  if (bytes <= 128) put<128>(to, from, bytes, stream);
  else put<most_put_bytes>(to, from, bytes, stream);
}

void launch_elementwise(Elementwise kind, const Pass& pass, cudaStream_t stream) {
  switch (kind) {
    case Elementwise::less:
      return run_pair<Less>("less", pass, stream);
    case Elementwise::less_equal:
      return run_pair<LessEqual>("less_equal", pass, stream);
    case Elementwise::equal:
      return run_pair<Equal>("equal", pass, stream);
    case Elementwise::not_equal:
      return run_pair<NotEqual>("not_equal", pass, stream);
    case Elementwise::logical_and:
      return run_pair<And>("logical_and", pass, stream);
    case Elementwise::logical_or:
      return run_pair<Or>("logical_or", pass, stream);
    case Elementwise::isnan:
      return run_single<IsNan>("isnan", pass, stream);
    case Elementwise::isinf:
      return run_single<IsInf>("isinf", pass, stream);
    case Elementwise::isfinite:
      return run_single<IsFinite>("isfinite", pass, stream);
    case Elementwise::where:
      return run_where(pass, stream);
  }
}

void launch_copy(const Shape& shape, void* to, const Shape& to_strides, DType to_dtype, const void* from,
                 const Shape& from_strides, DType from_dtype, cudaStream_t stream) {
  const Shape* strides[] = {&to_strides, &from_strides};
  dispatch(from_dtype, [&]<class S>() {
    dispatch(to_dtype, [&]<class T>() {
      for_each_strided<2>("copy", shape, strides, stream, [&](const auto& starts) {
        return CopyBody<S, T>{static_cast<const S*>(from) + starts[1], static_cast<T*>(to) + starts[0]};
      });
    });
  });
}

void launch_fill(void* to, int64_t n, DType dtype, double value, cudaStream_t stream) {
  dispatch(dtype, [&]<class T>() { for_each_index("fill", n, stream, FillBody<T>{static_cast<T*>(to), T(value)}); });
}

void launch_count_up(void* to, int64_t n, DType dtype, double first, double step, cudaStream_t stream) {
  dispatch(dtype, [&]<class T>() {
    for_each_index("arange", n, stream, CountBody<T>{static_cast<T*>(to), first, step});
  });
}

}  // namespace pf::cuda
