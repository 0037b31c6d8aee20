#pragma once
// Batches: an endless, shuffled walk over the rows of a data set that can be left and taken up again.

#include "tensor/random.h"

namespace pf {

struct Batch {
  Tensor x;        // [batch, d]
  Tensor context;  // what goes with each row: labels [batch], a condition [batch, k]; undefined where there is nothing
};

/// One of several processes that walk together: of each of their steps it takes a batch of its own.
struct Share {
  int64_t rank = 0, size = 1;
};

/// Each epoch visits every row once, in an order that depends on the generator and the epoch's number alone. Batches all have
/// the same size: one that begins near the end of an epoch goes on with the beginning of the next, and nothing is left out.
class Batches {
 public:
  /// Where the walk is; restoring it continues with the same rows, bit for bit.
  struct State {
    Rng::State rng;
    int64_t epoch = 0;
    int64_t position = 0;  // rows of the epoch already taken
    bool operator==(const State&) const = default;
  };

  /// x: [n, d]; context: [n] or [n, k] of any type, or undefined.
  Batches(Tensor x, Tensor context, int64_t batch_size, const Rng& rng, Share share = {});
  Batches(Tensor x, int64_t batch_size, const Rng& rng) : Batches(std::move(x), Tensor(), batch_size, rng) {}

  Batch next();
  int64_t batch_size() const { return batch_size_; }
  int64_t rows() const { return x_.size(0); }
  const State& state() const { return state_; }
  void restore(const State& state);

 private:
  void shuffle();
  int64_t next_row();

  Tensor x_, context_, order_;
  int64_t batch_size_;
  Share share_;
  State state_;
};

}  // namespace pf
