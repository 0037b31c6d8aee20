#pragma once
// Vital signs: what is looked at after a training, whatever the family, and the verdict in a word.

#include "models/model.h"

namespace pf {

/// What the objective knows of itself; of an invertible map how well it inverts and how much it stretches space; for data with
/// known modes how many of them samples are found in.
std::vector<VitalSign> vital_signs(const Model& model, const Dataset& data);

/// "ok", or the warnings in a few words each.
std::string verdict_of(const std::vector<VitalSign>& signs);

}  // namespace pf
