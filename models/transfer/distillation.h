#pragma once
// Distillation: a network that does in one evaluation what a map does in many. It is taught the pairs (z, T(z)) of the
// teacher (Luhman & Luhman 2021, arXiv 2101.02388), so it works for every map. Of a step function it learns the relaxed map
// (Transform::push_relaxed), whose samples are rounded to be the teacher's.

#include "models/gan/generator.h"

namespace pf {

struct DistillationOptions {
  int64_t pairs = 20000;  // made once by the teacher
  int64_t steps = 4000, batch = 256;
  double rate = 3e-3;
  int64_t hidden = 128, depth = 3;
  double temperature = 0.1;  // of a relaxed teacher
};

/// The teacher's pairs (w, T(base.from_normal(w))) for `count` normal w: [count, base width] and [count, width]. Of a step
/// function those of its relaxed map.
struct TeacherPairs {
  Tensor noise, images;
};
TeacherPairs teacher_pairs(const Transform& teacher, int64_t count, double temperature, Rng& rng);

/// A map from N(0, I) on R^w, w = the width of the teacher's base, about equal to z ↦ teacher(base.from_normal(z)). All
/// randomness from `rng`.
std::unique_ptr<Generator> distil(const Transform& teacher, Rng& rng, const DistillationOptions& options = {});

}  // namespace pf
