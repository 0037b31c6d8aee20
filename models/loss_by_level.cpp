#include "models/loss_by_level.h"

#include "tensor/ops/comparison.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"

namespace pf {

std::vector<VitalSign> loss_by_level(const std::string& name, const Tensor& level, const Tensor& said,
                                     const Tensor& target) {
  constexpr int parts = 4;
  std::vector<VitalSign> out;
  for (int i = 0; i < parts; ++i) {
    const double low = double(i) / parts, high = double(i + 1) / parts;
    const Tensor inside = cast(level >= low, said.dtype()) * cast(level < high, said.dtype());
    const double count = sum(inside).item();
    if (count < 2) continue;
    const double error = sum(square(said - target) * inside).item() / count;
    const Tensor centre = sum(target * inside, Axes{0}) / count;
    const double of_constant = sum(square(target - centre) * inside).item() / count;
    const std::string where = join(name, " ", low, " to ", high);
    out.push_back(
        {"loss at " + where, error, error > 1.1 * of_constant ? "worse than a constant at " + where : std::string()});
  }
  return out;
}

}  // namespace pf
