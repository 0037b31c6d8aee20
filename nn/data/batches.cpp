#include "nn/data/batches.h"

#include <cstring>

namespace pf {

Batches::Batches(Tensor x, Tensor labels, int64_t batch_size, const Rng& rng)
    : batch_size_(batch_size), state_{rng.state(), 0, 0} {
  check(x.rank() == 2, "batches: data ", x.shape(), ": expected rows [n, d]");
  check(batch_size >= 1, "batches: a batch of ", batch_size, " rows: expected at least 1");
  check(batch_size <= x.size(0), "batches: a batch of ", batch_size, " rows from ", x.size(0),
        ": choose a batch size of ", x.size(0), " or less");
  x_ = contiguous(x);
  if (labels.defined()) {
    check(labels.rank() == 1 && labels.size(0) == x.size(0), "batches: labels ", labels.shape(), " for data ",
          x.shape(), ": expected one a row");
    labels_ = contiguous(cast(labels, int64));
  }
  shuffle();
}

void Batches::shuffle() { order_ = Rng(state_.rng).child(uint64_t(state_.epoch)).permutation(rows()); }

void Batches::restore(const State& state) {
  check(state.epoch >= 0 && state.position >= 0 && state.position <= rows(), "batches: position ", state.position,
        " of epoch ", state.epoch, " does not exist in data of ", rows(), " rows: was the data changed?");
  state_ = state;
  shuffle();
}

Batch Batches::next() {
  Batch out;
  Shape shape = x_.shape();
  shape[0] = batch_size_;
  out.x = Tensor::empty(shape, x_.dtype());
  if (labels_.defined()) out.labels = Tensor::empty({batch_size_}, int64);
  const size_t row_bytes = size_t(x_.size(1) * size_of(x_.dtype()));
  auto* to = static_cast<std::byte*>(out.x.mutable_raw());
  const auto* from = static_cast<const std::byte*>(x_.raw());
  int64_t* label = labels_.defined() ? out.labels.mutable_data<int64_t>() : nullptr;
  for (int64_t i = 0; i < batch_size_; ++i) {
    if (state_.position == rows()) {
      ++state_.epoch;
      state_.position = 0;
      shuffle();
    }
    const int64_t row = order_.data<int64_t>()[state_.position++];
    std::memcpy(to + size_t(i) * row_bytes, from + size_t(row) * row_bytes, row_bytes);
    if (label) label[i] = labels_.data<int64_t>()[row];
  }
  return out;
}

}  // namespace pf
