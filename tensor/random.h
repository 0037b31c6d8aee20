#pragma once
// Random numbers as a function of a counter: Philox4x32-10 (Salmon et al. 2011, "Parallel random numbers: as easy as
// 1, 2, 3"). Element i of a draw depends only on seed, stream and position, so a draw has the same bits on any number of
// threads and any device, and can be made again. There is no global generator: pass one.

#include "tensor/tensor.h"

namespace pf {

/// One block of four 32-bit words: ten rounds of Philox4x32.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class Rng {
 public:
  /// What a checkpoint keeps to continue a sequence.
  struct State {
    uint64_t seed = 0, stream = 0, position = 0;
    bool operator==(const State&) const = default;
  };

  explicit Rng(uint64_t seed, uint64_t stream = 0) : state_{seed, stream, 0} {}
  explicit Rng(const State& state) : state_(state) {}
  const State& state() const { return state_; }
  /// Moves on as if draws had used so many counters.
  void skip(uint64_t counters) { state_.position += counters; }

  /// Uniform on the open interval (0, 1): both ends are excluded, so that inverse distribution functions stay finite.
  Tensor uniform(const Shape& shape, DType dtype = float32);
  /// Standard normal (Box–Muller).
  Tensor normal(const Shape& shape, DType dtype = float32);
  /// 0 or 1, 1 with probability p.
  Tensor bernoulli(double p, const Shape& shape, DType dtype = float32);
  /// -1 or 1, each with probability ½.
  Tensor rademacher(const Shape& shape, DType dtype = float32);
  /// Integers 0 … below - 1, as int64.
  Tensor integers(int64_t below, const Shape& shape);
  /// 0 … n - 1 in random order, as int64.
  Tensor permutation(int64_t n);
  /// One uniform number, for host code.
  double uniform();

  /// An independent generator; each call gives another one.
  Rng split();
  /// An independent generator by label; the same label always gives the same one, and this generator does not move.
  Rng child(uint64_t label) const;

 private:
  State state_;
};

}  // namespace pf
