#include "tensor/ops/sort.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "tensor/device_pass.h"
#include "tensor/ops/sort_key.h"
#include "tensor/parallel.h"

namespace pf {
namespace {

// An element as an unsigned number in the same order, and where it was. Equal ones are ordered by place: sorting is stable.
struct LargeItem {
  uint64_t key;
  int64_t index;
  LargeItem() = default;
  LargeItem(uint64_t key, int64_t index) : key(key), index(index) {}
  bool operator<(const LargeItem& other) const { return key != other.key ? key < other.key : index < other.index; }
  uint64_t digit(int shift) const { return key >> shift; }
  int64_t place() const { return index; }
  static constexpr int bits = 64;
};
struct SmallItem {  // both in one word: 32-bit keys in rows of less than 2³² elements
  uint64_t word;
  SmallItem() = default;
  SmallItem(uint32_t key, int64_t place) : word(uint64_t(key) << 32 | uint64_t(place)) {}
  bool operator<(const SmallItem& other) const { return word < other.word; }
  uint64_t digit(int shift) const { return word >> 32 >> shift; }
  int64_t place() const { return int64_t(word & 0xffffffff); }
  static constexpr int bits = 32;
};

// Least significant digit first; digits that all keys share are skipped.
template <class Item> void radix_sort(std::vector<Item>& items, std::vector<Item>& scratch) {
  constexpr int width = 8;
  constexpr uint64_t mask = (1u << width) - 1;
  scratch.resize(items.size());
  std::array<std::array<int64_t, mask + 1>, Item::bits / width> counts{};
  for (const Item& item : items)
    for (size_t d = 0; d < counts.size(); ++d) ++counts[d][item.digit(int(d) * width) & mask];
  for (size_t d = 0; d < counts.size(); ++d) {
    const int shift = int(d) * width;
    auto& count = counts[d];
    if (count[items[0].digit(shift) & mask] == int64_t(items.size())) continue;
    int64_t at = 0;
    for (int64_t& c : count) at += std::exchange(c, at);
    for (const Item& item : items) scratch[size_t(count[item.digit(shift) & mask]++)] = item;
    std::swap(items, scratch);
  }
}

// Puts the first `count` items in order.
template <class Item> void order(std::vector<Item>& items, std::vector<Item>& scratch, int64_t count) {
  const auto n = int64_t(items.size());
  if (count < n / 8) std::partial_sort(items.begin(), items.begin() + count, items.end());
  else if (n > Item::bits * 2) radix_sort(items, scratch);
  else std::sort(items.begin(), items.end());
}

}  // namespace

Tensor order_of(const Tensor& x, int axis, bool descending, std::optional<int64_t> wanted) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([=](const Tensor& in) { return order_of(in, axis, descending, wanted); }, x);
  if (is_half(x.dtype())) return order_of(widened(x), axis, descending, wanted);
  const Tensor rows = contiguous(movedim(x, axis, -1));
  const int64_t n = rows.size(-1), count = wanted.value_or(n);
  Shape shape = rows.shape();
  shape[shape.rank() - 1] = count;
  Tensor out = Tensor::empty(shape, int64, x.device());
  if (out.numel() == 0) return movedim(out, -1, axis);
  if (x.device().is_cuda()) {
    backend_of(x).sort(x.dtype(), rows.raw(), rows.numel() / n, n, descending, count,
                       static_cast<int64_t*>(out.mutable_raw()));
    return contiguous(movedim(out, -1, axis));
  }
  int64_t* to = out.mutable_data<int64_t>();
  auto sort_rows = [&]<class T, class Item>(const T* from, Item*) {
    const int64_t lines = rows.numel() / n, per_chunk = std::max<int64_t>(1, 8192 / n);
    parallel_for((lines + per_chunk - 1) / per_chunk, [&](int64_t c) {
      std::vector<Item> items(static_cast<size_t>(n)), scratch;
      for (int64_t r = c * per_chunk; r < std::min(lines, (c + 1) * per_chunk); ++r) {
        for (int64_t i = 0; i < n; ++i) items[size_t(i)] = Item(detail::sort_key(from[r * n + i], descending), i);
        order(items, scratch, count);
        for (int64_t i = 0; i < count; ++i) to[r * count + i] = items[size_t(i)].place();
      }
    });
  };
  dispatch_numeric(x.dtype(), "sort", [&]<class T>() {
    if constexpr (sizeof(T) == 4)
      if (n < int64_t(1) << 32) return sort_rows(rows.data<T>(), static_cast<SmallItem*>(nullptr));
    sort_rows(rows.data<T>(), static_cast<LargeItem*>(nullptr));
  });
  return contiguous(movedim(out, -1, axis));
}

Tensor searchsorted_of(const Tensor& sorted, const Tensor& values, bool right) {
  if (detail::watching) [[unlikely]]
    return detail::watching->run([=](const Tensor& rows, const Tensor& x) { return searchsorted_of(rows, x, right); },
                                 sorted, values);
  check(sorted.rank() >= 1, "searchsorted: a sorted array ", sorted.shape(), ": expected at least one axis");
  check(sorted.dtype() == values.dtype(), "searchsorted: ", sorted.dtype(), " rows and ", values.dtype(),
        " values: element types differ; convert one with cast");
  if (is_half(values.dtype())) return searchsorted_of(widened(sorted), widened(values), right);
  const bool shared = sorted.rank() == 1;
  bool agree = shared || sorted.rank() == values.rank();
  for (int i = 0; agree && !shared && i + 1 < sorted.rank(); ++i) agree = sorted.shape()[i] == values.shape()[i];
  check(agree, "searchsorted: rows ", sorted.shape(), " and values ", values.shape(),
        ": expected one row, or equal sizes on all axes but the last");
  check_same_device("searchsorted", sorted, values);
  const Tensor rows = contiguous(sorted), wanted = contiguous(values);
  Tensor out = Tensor::empty(values.shape(), int64, values.device());
  const int64_t n = sorted.size(-1), each = std::max<int64_t>(1, shared ? values.numel() : values.size(-1));
  if (values.device().is_cuda()) {
    backend_of(values).searchsorted(sorted.dtype(), rows.raw(), n, wanted.raw(), values.numel(), each, right,
                                    static_cast<int64_t*>(out.mutable_raw()));
    return out;
  }
  int64_t* to = out.mutable_data<int64_t>();
  dispatch_numeric(sorted.dtype(), "searchsorted", [&]<class T>() {
    for (int64_t i = 0; i < values.numel(); ++i)
      to[i] = detail::place_in_row(rows.data<T>() + i / each * n, n, wanted.data<T>()[i], right);
  });
  return out;
}

// How many there are decides over shapes, so the CPU has to know anyway.
UniqueElements unique_elements(const Tensor& x) {
  if (is_half(x.dtype())) {
    const UniqueElements found = unique_elements(widened(x));
    return {cast(found.values, x.dtype()), found.counts, found.inverse};
  }
  if (x.device().is_cuda()) {
    const UseDevice here(Device::cpu());
    const UniqueElements found = unique_elements(to_device(x, Device::cpu()));
    return {to_device(found.values, x.device()), to_device(found.counts, x.device()),
            to_device(found.inverse, x.device())};
  }
  const UseDevice here(Device::cpu());
  const Tensor flat = contiguous(reshape(x, {x.numel()})), place = order_of(flat, 0, false);
  const int64_t n = flat.numel(), *at = place.data<int64_t>();
  Tensor inverse = Tensor::empty({n}, int64);
  int64_t* to = inverse.mutable_data<int64_t>();
  std::vector<int64_t> first, counts;
  dispatch_numeric(x.dtype(), "unique", [&]<class T>() {
    const T* value = flat.data<T>();
    for (int64_t i = 0; i < n; ++i) {
      if (i == 0 || value[at[i]] != value[at[i - 1]]) {
        first.push_back(at[i]);
        counts.push_back(0);
      }
      ++counts.back();
      to[at[i]] = int64_t(first.size()) - 1;
    }
  });
  auto list = [](const std::vector<int64_t>& v) { return from_span(std::span(v), {int64_t(v.size())}); };
  return {index_select(flat, 0, list(first)), list(counts), reshape(inverse, x.shape())};
}

}  // namespace pf
