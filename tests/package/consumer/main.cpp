#include <cstdio>

#include "cube.h"
#include "tensor/tensor.h"

int main() {
  pf::Tensor x = pf::tensor({1, 2, 3});
  std::puts(to_string(apply(Cube{}, x)).c_str());
}
