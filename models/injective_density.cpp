#include "models/injective_density.h"

#include "autograd/functional.h"
#include "tensor/ops/join.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/norm.h"
#include "tensor/ops/reduce.h"

namespace pf {

Tensor log_volume(const Map& map, const Tensor& z) {
  const int64_t k = z.size(1);
  std::vector<Tensor> columns;
  for (int64_t j = 0; j < k; ++j) {
    const Tensor direction = contiguous(expand(slice(eye(k, z.dtype()), 0, j, j + 1), z.shape()));
    columns.push_back(cast(jvp<Tensor>(map, z, direction).tangent, float64));
  }
  const Tensor transposed = stack(columns, 1);  // [n, k, d]
  return slogdet(matmul(transposed, transpose(transposed))).log_abs * 0.5;
}

Tensor injective_log_density(const Transform& map, const Tensor& z, const Tensor& context) {
  const int64_t k = map.base().width(), d = map.width();
  check_rows("injective density", z.shape(), k);
  check(k <= d, "injective density: the base has ", k, " coordinates and the data ", d,
        ": the map gives points more than once; set the latent width to ", d, " or less");
  check(map.traits().smooth, "injective density: the map is a step function, whose image is separate points");
  const Tensor volume = log_volume([&](const Variable& v) { return map.push(v, context); }, z);
  const std::vector<double> values = volume.to_vector<double>();
  for (size_t i = 0; i < values.size(); ++i)
    check(
        values[i] > -200.0 * double(k), "injective density: at row ", i,
        " the map does not depend on all coordinates of its base, so its image is a thinner surface; a mixture as the "
        "density of codes does that");
  return cast(map.base().log_density(Variable(z)).value(), float64) - volume;
}

LogDensity injective_density(const Transform& map, const Tensor& x, const Tensor& context) {
  check_rows("injective density", x.shape(), map.width());
  check(map.base().width() <= map.width(), "injective density: the base has ", map.base().width(),
        " coordinates and the data ", map.width(), ": the map gives points more than once; set the latent width to ",
        map.width(), " or less");
  check(map.traits().smooth, "injective density: the map is a step function, whose image is separate points");
  const Tensor z = map.encode(x, context);
  const Tensor away = norm(map.push(Variable(z), context).value() - x, -1);
  return {injective_log_density(map, z, context), DensityKind::injective,
          join("a unit of area of the map's image, of dimension ", map.base().width(), ", at points ",
               x.size(0) ? mean(away).item() : 0.0, " from the data on average")};
}

}  // namespace pf
