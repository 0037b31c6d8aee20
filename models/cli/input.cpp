#include "models/cli/input.h"

#include <cmath>

#include "tensor/npy.h"

namespace pf::cli {

Tensor read_rows(const std::string& file, const std::string& what, int64_t width) {
  const Tensor x = read_npy(file);
  check(x.rank() == 2 && x.size(1) == width, file, ": ", x.shape(), ": expected [n, ", width, "], ", what);
  const Tensor rows = cast(x, float32);
  const float* data = rows.data<float>();
  for (int64_t i = 0; i < rows.numel(); ++i)
    check(std::isfinite(data[i]), file, ": row ", i / width, ", column ", i % width, " is ", data[i],
          ": expected finite numbers");
  return rows;
}

}  // namespace pf::cli
