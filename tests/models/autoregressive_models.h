#pragma once
// What the tests of autoregressive models share: models in double precision, and with given parameters.

#include <gtest/gtest.h>

#include "models/autoregressive/autoregressive.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/rounding.h"

namespace pf::testing {

template <AnyModule M> void to_double(M& model, Rng& rng, double noise = 0.3) {
  for (Field& field : fields_of(model)) {
    if (!is_floating(field.value().dtype())) continue;
    if (field.parameter)
      *field.parameter = Variable(cast(field.value(), float64) + rng.normal(field.value().shape(), float64) * noise);
    else *field.buffer = cast(field.value(), float64);
  }
}

inline void set_field(Autoregressive& model, const std::string& path, const Tensor& value) {
  for (Field& field : fields_of(model))
    if (field.path == path) {
      ASSERT_EQ(field.value().shape(), value.shape()) << path;
      *field.parameter = Variable(value);
      return;
    }
  FAIL() << "no field " << path;
}

inline double largest_difference(const Tensor& a, const Tensor& b) {
  return max(abs(cast(a, float64) - cast(b, float64))).item();
}

inline bool same_bits(const Tensor& a, const Tensor& b) {
  return a.shape() == b.shape() && a.dtype() == b.dtype() &&
         (a.dtype() == float32 ? a.to_vector<float>() == b.to_vector<float>()
                               : a.to_vector<double>() == b.to_vector<double>());
}

}  // namespace pf::testing
