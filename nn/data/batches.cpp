#include "nn/data/batches.h"

#include <cstring>

#include "tensor/ops/index.h"

namespace pf {

Batches::Batches(Tensor x, Tensor context, int64_t batch_size, const Rng& rng, Share share)
    : batch_size_(batch_size), share_(share), state_{rng.state(), 0, 0} {
  check(x.rank() == 2, "batches: data ", x.shape(), ": expected rows [n, d]");
  check(batch_size >= 1, "batches: a batch of ", batch_size, " rows: expected at least 1");
  check(batch_size <= x.size(0) / share.size, "batches: a batch of ", batch_size, " rows from ", x.size(0),
        share.size > 1 ? join(" for each of ", share.size, " processes") : "", ": choose a batch size of ",
        x.size(0) / share.size, " or less");
  x_ = contiguous(x);
  if (context.defined()) {
    check(context.rank() >= 1 && context.size(0) == x.size(0), "batches: context ", context.shape(), " for data ",
          x.shape(), ": expected one a row");
    context_ = contiguous(context);
  }
  shuffle();
}

void Batches::shuffle() {
  const UseDevice here(Device::cpu());  // the order is read by the host
  order_ = Rng(state_.rng).child(uint64_t(state_.epoch)).permutation(rows());
}

void Batches::restore(const State& state) {
  check(state.epoch >= 0 && state.position >= 0 && state.position <= rows(), "batches: position ", state.position,
        " of epoch ", state.epoch, " does not exist in data of ", rows(), " rows: was the data changed?");
  state_ = state;
  shuffle();
}

int64_t Batches::next_row() {
  if (state_.position == rows()) {
    ++state_.epoch;
    state_.position = 0;
    shuffle();
  }
  return order_.data<int64_t>()[state_.position++];
}

Batch Batches::next() {
  std::vector<int64_t> wanted;
  for (int64_t i = 0; i < share_.size * batch_size_; ++i)
    if (const int64_t row = next_row(); i / batch_size_ == share_.rank) wanted.push_back(row);
  Batch out;
  if (x_.device().is_cuda()) {
    const UseDevice there(x_.device());
    const Tensor index = from_span(std::span<const int64_t>(wanted), {batch_size_});
    out.x = index_select(x_, 0, index);
    if (context_.defined()) out.context = index_select(context_, 0, index);
    return out;
  }
  struct Copy {
    std::byte* to;
    const std::byte* from;
    size_t bytes;  // of a row
  };
  std::vector<Copy> copies;
  const auto prepare = [&](const Tensor& from, Tensor& to) {
    Shape shape = from.shape();
    shape[0] = batch_size_;
    to = Tensor::empty(shape, from.dtype());
    copies.push_back({static_cast<std::byte*>(to.mutable_raw()), static_cast<const std::byte*>(from.raw()),
                      size_t(from.numel() / from.size(0) * size_of(from.dtype()))});
  };
  prepare(x_, out.x);
  if (context_.defined()) prepare(context_, out.context);
  for (int64_t i = 0; i < batch_size_; ++i) {
    const int64_t row = wanted[size_t(i)];
    for (const Copy& c : copies) std::memcpy(c.to + size_t(i) * c.bytes, c.from + size_t(row) * c.bytes, c.bytes);
  }
  return out;
}

}  // namespace pf
