#pragma once
#include <gtest/gtest.h>

#include "nn/module.h"

namespace pf::testing {

/// Sets the field at a path, in double precision.
template <class M> void set_field(M& module, const std::string& path, const Tensor& value) {
  for (Field& field : fields_of(module))
    if (field.path == path) {
      ASSERT_EQ(field.value().shape(), value.shape()) << path;
      *field.parameter = Variable(cast(value, float64));
      return;
    }
  FAIL() << "no field " << path;
}

}  // namespace pf::testing
