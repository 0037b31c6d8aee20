#pragma once
// Vital signs: what is looked at after a training, whatever the family, and the verdict in a word.

#include "models/model.h"

namespace pf {

/// What the objective knows of itself; of an invertible map how well it inverts and how much it stretches space; for data with
/// known modes how many of them samples are found in; and of a map that has no density, where there are no modes to count, the
/// energy distance of its samples to the data beside that of data to data, in deviations of the data.
std::vector<VitalSign> vital_signs(const Model& model, const Dataset& data);

/// Those of them that are cheap enough to be looked at again and again in a training, on a batch as the model sees it (normalised):
/// the objective's, the inverse of maps with an exact density, the modes of maps of one evaluation.
std::vector<VitalSign> quick_signs(const Model& model, const Dataset& data, const Tensor& batch,
                                   const Tensor& context = {});

/// "ok", or the warnings in a few words each; "not judged" where there are no signs at all.
std::string verdict_of(const std::vector<VitalSign>& signs);

}  // namespace pf
