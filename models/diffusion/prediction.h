#pragma once
// What a network may say of a noisy point x_t = α x₀ + σ ε, and how one answer becomes another. Given x_t, any of them
// fixes the rest, so the choice changes only how errors are weighed in training.
//
//   clean x̂₀;   noise ε̂;   v̂ = α ε̂ − σ x̂₀ (Salimans & Ho 2022, arXiv 2202.00512);   score = −ε̂/σ, of log p(x_t)
//
// v is also what the preconditioned network F of Karras et al. 2022 (arXiv 2206.00364, eq. 7) predicts, up to its sign: with
// x̄ = x_t/α, σ̄ = σ/α and data of deviation 1, D = c_skip x̄ + c_out F(c_in x̄) has c_in x̄ = x_t, c_skip = α², c_out = σ
// and so D = α x_t − σ v̂ for F = −v̂; their weight 1/c_out² makes the loss the mean square of v̂.

#include <string>

#include "autograd/apply.h"
#include "tensor/ops/arithmetic.h"

namespace pf {

enum class Prediction { clean, noise, velocity, score };

/// x̂₀ and ε̂: x_t = α x̂₀ + σ ε̂.
template <class A> struct CleanAndNoise { A clean, noise; };

/// α and σ are numbers, or arrays that broadcast against x_t.
template <Array A, class C>
CleanAndNoise<A> interpret(Prediction kind, const A& said, const A& x, const C& alpha, const C& sigma) {
  switch (kind) {
    case Prediction::clean:
      return {said, (x - alpha * said) / sigma};
    case Prediction::noise:
      return {(x - sigma * said) / alpha, said};
    case Prediction::velocity:
      return {alpha * x - sigma * said, sigma * x + alpha * said};
    case Prediction::score:
      return {(x + (sigma * sigma) * said) / alpha, -sigma * said};
  }
  fail("prediction: ", int(kind), ": there is no such kind");
}

/// The answer of a kind that says the same as `estimate`.
template <Array A, class C>
A express(Prediction kind, const CleanAndNoise<A>& estimate, const C& alpha, const C& sigma) {
  switch (kind) {
    case Prediction::clean:
      return estimate.clean;
    case Prediction::noise:
      return estimate.noise;
    case Prediction::velocity:
      return alpha * estimate.noise - sigma * estimate.clean;
    case Prediction::score:
      return -estimate.noise / sigma;
  }
  fail("prediction: ", int(kind), ": there is no such kind");
}

}  // namespace pf
