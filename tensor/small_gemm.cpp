#include "tensor/small_gemm.h"

#include <algorithm>

#include "tensor/simd.h"

namespace pf {
namespace {

// The depth of the strips that are copied, and how long the rows of a transposed result may be: both lie on the stack.
constexpr int64_t strip_depth = 256, longest_turned = 256;

// A tile of the result lives in registers: `tile_rows` rows of two vectors.
constexpr int vectors = 2;
template <class T> constexpr int tile_rows = sizeof(Vec<T>) >= 64 ? 12 : 6;
template <class T> constexpr int64_t tile_columns = vectors* Vec<T>::width;

template <class T> Vec<T> load_some(const T* from, int64_t count) {
  if (count >= Vec<T>::width) return Vec<T>::load(from);
  alignas(64) T lane[Vec<T>::width] = {};
  for (int64_t i = 0; i < count; ++i) lane[i] = from[i];
  return Vec<T>::load(lane);
}
template <class T> void store_some(const Vec<T>& v, T* to, int64_t count) {
  if (count >= Vec<T>::width) return v.store(to);
  alignas(64) T lane[Vec<T>::width];
  v.store(lane);
  for (int64_t i = 0; i < count; ++i) to[i] = lane[i];
}

// R rows of V vectors: elements of `a` one at a time against rows of `b`. Only `columns` columns are written.
template <int R, int V, class T>
void multiply_tile(const T* a, int64_t row, int64_t column, const T* b, int64_t b_row, int64_t depth, T* c,
                   int64_t stride, int64_t columns, AddTo<T> add) {
  constexpr int64_t w = Vec<T>::width;
  Vec<T> sum[R][V];
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v)
      sum[r][v] = add.data ? load_some(add.data + r * add.row + v * w, columns - v * w) : Vec<T>(0);
  for (int64_t p = 0; p < depth; ++p) {
    Vec<T> right[V];
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) right[v] = Vec<T>::load(b + p * b_row + v * w);
#pragma GCC unroll 16
    for (int r = 0; r < R; ++r) {
      const Vec<T> left(a[r * row + p * column]);
#pragma GCC unroll 4
      for (int v = 0; v < V; ++v) sum[r][v] = math::fma(left, right[v], sum[r][v]);
    }
  }
#pragma GCC unroll 16
  for (int r = 0; r < R; ++r)
#pragma GCC unroll 4
    for (int v = 0; v < V; ++v) store_some(sum[r][v], c + r * stride + v * w, columns - v * w);
}

template <int V, class T, int R = tile_rows<T>>
void multiply_rows(int64_t rows, const T* a, int64_t row, int64_t column, const T* b, int64_t b_row, int64_t depth,
                   T* c, int64_t stride, int64_t columns, AddTo<T> add) {
  for (; rows >= R; rows -= R, a += R * row, c += R * stride) {
    multiply_tile<R, V>(a, row, column, b, b_row, depth, c, stride, columns, add);
    if (add.data) add.data += R * add.row;
  }
  if constexpr (R > 1) {
    if (rows > 0) multiply_rows<V, T, R / 2>(rows, a, row, column, b, b_row, depth, c, stride, columns, add);
  }
}

// Vectors along the rows of the result. Where b's rows do not lie in sequence, a strip of them is copied first.
template <class T>
void multiply_strips(const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t stride, AddTo<T> add) {
  constexpr int64_t w = Vec<T>::width;
  alignas(64) T packed[strip_depth * tile_columns<T>];
  for (int64_t j = 0; j < b.columns; j += tile_columns<T>) {
    const int64_t columns = std::min(tile_columns<T>, b.columns - j);
    const bool wide = columns > w;
    const int64_t padded = wide ? 2 * w : w;
    const T* from = b.data + j * b.column;
    int64_t b_row = b.row;
    if (b.column != 1 || columns != padded) {
      for (int64_t k = 0; k < columns; ++k)
        for (int64_t p = 0; p < a.columns; ++p) packed[p * padded + k] = from[p * b.row + k * b.column];
      for (int64_t k = columns; k < padded; ++k)
        for (int64_t p = 0; p < a.columns; ++p) packed[p * padded + k] = T(0);
      from = packed;
      b_row = padded;
    }
    const AddTo<T> part{add.data ? add.data + j : nullptr, add.row};
    if (wide) multiply_rows<2>(a.rows, a.data, a.row, a.column, from, b_row, a.columns, c + j, stride, columns, part);
    else multiply_rows<1>(a.rows, a.data, a.row, a.column, from, b_row, a.columns, c + j, stride, columns, part);
  }
}

// Where element (i, j) of a result goes, and what it is added to.
template <class T> struct Place {
  T* c;
  int64_t row, column;
  AddTo<T> add;
  int64_t add_column = 1;
  T start(int64_t i, int64_t j) const { return add.data ? add.data[i * add.row + j * add_column] : T(0); }
  T& operator()(int64_t i, int64_t j) const { return c[i * row + j * column]; }
  Place transposed() const { return {c, column, row, {add.data, add_column}, add.row}; }
};

// Lane r: the sum of the lanes of parts[r], of which there are as many as a vector has lanes.
template <class T> Vec<T> sums_of_lanes(const Vec<T>* parts) {
#if defined(__AVX512F__)
  // xsimd 8.1 gives the sums of 16 floats in another order: so halves are added first, and eight rows summed at a time.
  if constexpr (sizeof(T) == 4) {
    using Half = xsimd::batch<float, xsimd::avx2>;
    alignas(64) T all[16];
    for (int first : {0, 8}) {
      Half halves[8];
      for (int r = 0; r < 8; ++r) {
        const __m512 x = parts[first + r].data;
        const __m256d above = _mm512_extractf64x4_pd(_mm512_castps_pd(x), 1);
        halves[r] = Half(_mm512_castps512_ps256(x)) + Half(_mm256_castpd_ps(above));
      }
      xsimd::haddp(halves).store_aligned(all + first);
    }
    return Vec<T>::load(all);
  }
#endif
  typename Vec<T>::Batch batches[Vec<T>::width];
#pragma GCC unroll 16
  for (int r = 0; r < Vec<T>::width; ++r) batches[r] = parts[r].data;
  return xsimd::haddp(batches);
}

// Vectors along the inner size: few columns, and both operands in sequence there. As many rows at a time as a vector has
// lanes, the last ones repeated.
template <class T>
void multiply_dots(const MatrixRef<T>& a, const T* b, int64_t columns, int64_t b_column, const Place<T>& to) {
  constexpr int w = Vec<T>::width;
  const int64_t depth = a.columns, whole = depth / w * w;
  for (int64_t i = 0; i < a.rows; i += w) {
    const T* left[w];
    for (int r = 0; r < w; ++r) left[r] = a.data + std::min(i + r, a.rows - 1) * a.row;
    for (int64_t n = 0; n < columns; ++n) {
      const T* right = b + n * b_column;
      Vec<T> sum[w];
#pragma GCC unroll 16
      for (int r = 0; r < w; ++r) sum[r] = Vec<T>(0);
      for (int64_t p = 0; p < whole; p += w) {
        const Vec<T> y = Vec<T>::load(right + p);
#pragma GCC unroll 16
        for (int r = 0; r < w; ++r) sum[r] = math::fma(Vec<T>::load(left[r] + p), y, sum[r]);
      }
      alignas(64) T total[w];
      sums_of_lanes(sum).store(total);
      for (int64_t p = whole; p < depth; ++p)
        for (int r = 0; r < w; ++r) total[r] += left[r][p] * right[p];
      for (int64_t r = 0; r < std::min<int64_t>(w, a.rows - i); ++r) to(i + r, n) = to.start(i + r, n) + total[r];
    }
  }
}

// Tiny both ways: the result stays in a few registers or next to them.
template <int N, class T> void multiply_tiny(const MatrixRef<T>& a, const MatrixRef<T>& b, const Place<T>& to) {
  for (int64_t i = 0; i < a.rows; ++i) {
    T sum[N];
    for (int n = 0; n < N; ++n) sum[n] = to.start(i, n);
    for (int64_t p = 0; p < a.columns; ++p)
      for (int n = 0; n < N; ++n) sum[n] += a.data[i * a.row + p * a.column] * b.data[p * b.row + n * b.column];
    for (int n = 0; n < N; ++n) to(i, n) = sum[n];
  }
}

}  // namespace

template <class T> void small_gemm(const MatrixRef<T>& a, const MatrixRef<T>& b, T* c, int64_t stride, AddTo<T> add) {
  constexpr int64_t w = Vec<T>::width;
  const int64_t n = b.columns, depth = a.columns;
  if (depth > strip_depth) {
    for (int64_t p = 0; p < depth; p += strip_depth) {
      const int64_t part = std::min(strip_depth, depth - p);
      small_gemm({a.data + p * a.column, a.rows, part, a.row, a.column}, {b.data + p * b.row, part, n, b.row, b.column},
                 c, stride, p > 0 ? AddTo<T>{c, stride} : add);
    }
    return;
  }
  const Place<T> to{c, stride, 1, add};
  if (n <= 4 && a.column == 1 && depth >= w) {
    if (b.row == 1) return multiply_dots(a, b.data, n, b.column, to);
    T turned[4 * strip_depth];
    for (int64_t k = 0; k < n; ++k)
      for (int64_t p = 0; p < depth; ++p) turned[k * depth + p] = b.data[p * b.row + k * b.column];
    return multiply_dots(a, turned, n, depth, to);
  }
  if (a.rows <= 4 && a.column == 1 && b.row == 1 && depth >= w)  // few rows: the transposed product has few columns
    return multiply_dots(b.transposed(), a.data, a.rows, a.row, to.transposed());
  if (n <= 4 && (depth < w || a.rows <= 4)) {
    switch (n) {
      case 1:
        return multiply_tiny<1>(a, b, to);
      case 2:
        return multiply_tiny<2>(a, b, to);
      case 3:
        return multiply_tiny<3>(a, b, to);
      default:
        return multiply_tiny<4>(a, b, to);
    }
  }
  if (n < w && a.row == 1 && a.rows > n && a.rows <= longest_turned) {  // the transposed product has long rows
    T turned[longest_turned * w];
    multiply_strips(b.transposed(), a.transposed(), turned, a.rows, {});
    for (int64_t i = 0; i < a.rows; ++i)
      for (int64_t k = 0; k < n; ++k) to(i, k) = to.start(i, k) + turned[k * a.rows + i];
    return;
  }
  multiply_strips(a, b, c, stride, add);
}
template void small_gemm(const MatrixRef<float>&, const MatrixRef<float>&, float*, int64_t, AddTo<float>);
template void small_gemm(const MatrixRef<double>&, const MatrixRef<double>&, double*, int64_t, AddTo<double>);

}  // namespace pf
