#pragma once
// Heads for whole numbers. They share the distribution function's inverse, x = min{k : F(k) > u}, which is looked for in
// double precision: sampling and its inverse then agree to the last bit of u.

#include "models/autoregressive/head.h"

namespace pf {

/// One logit. x = 1 for u < π, the probability of 1.
std::unique_ptr<const ConditionalHead> bernoulli_head();

/// A logit for each of the levels.
std::unique_ptr<const ConditionalHead> categorical_head(int64_t levels);

/// P(x) = Σ_k π_k [σ((x + ½ − μ_k)/s_k) − σ((x − ½ − μ_k)/s_k)], the outermost levels to ±∞ (Salimans et al. 2017,
/// PixelCNN++, arXiv 1701.05517, eq. 2); μ and s for levels on a line from −1 to 1.
std::unique_ptr<const ConditionalHead> discretised_logistic_head(int64_t components, int64_t levels);

}  // namespace pf
