#pragma once
// The vital sign of regressions that run over noise levels or times: whether the network is of use at all of them. An average
// hides a level at which it says no more than a constant would.

#include "models/objective.h"

namespace pf {

/// The mean square error in each of four equal parts of the levels. level: [n, 1], from 0 to 1; said, target: [n, d]. A warning
/// where the error is above that of the best constant by more than a tenth. `name`: what rises from 0 to 1: "time".
std::vector<VitalSign> loss_by_level(const std::string& name, const Tensor& level, const Tensor& said,
                                     const Tensor& target);

}  // namespace pf
