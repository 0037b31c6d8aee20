#include "nn/activation.h"

#include <algorithm>
#include <array>

#include "autograd/apply.h"
#include "tensor/ops/activations.h"
#include "tensor/suggest.h"

namespace pf {
namespace {
const std::array<std::string, 10> names = {"identity", "relu", "leaky_relu", "elu",     "selu",
                                           "silu",     "gelu", "tanh",       "sigmoid", "softplus"};
}

std::string to_string(Activation activation) { return names[size_t(activation)]; }

Activation parse_activation(std::string_view name) {
  const auto found = std::find(names.begin(), names.end(), name);
  if (found == names.end()) {
    std::string list;
    for (const std::string& known : names) list += (list.empty() ? "" : ", ") + known;
    fail("activation: unknown name '", name, "': expected one of ", list, did_you_mean(name, names));
  }
  return Activation(found - names.begin());
}

Variable activate(Activation activation, const Variable& x) {
  switch (activation) {
    case Activation::identity:
      break;
    case Activation::relu:
      return relu(x);
    case Activation::leaky_relu:
      return leaky_relu(x);
    case Activation::elu:
      return elu(x);
    case Activation::selu:
      return selu(x);
    case Activation::silu:
      return silu(x);
    case Activation::gelu:
      return gelu(x);
    case Activation::tanh:
      return tanh(x);
    case Activation::sigmoid:
      return sigmoid(x);
    case Activation::softplus:
      return softplus(x);
  }
  return x;
}

double gain_of(Activation activation) {
  switch (activation) {
    case Activation::identity:
      break;
    case Activation::relu:
      return 1.4142135623730951;
    case Activation::leaky_relu:
      return 1.4141428569979;
    case Activation::elu:
      return 1.2451983007;
    case Activation::selu:
      break;  // what it was made for
    case Activation::silu:
      return 1.6765324703;
    case Activation::gelu:
      return 1.5335304412;
    case Activation::tanh:
      return 1.5925374197;
    case Activation::sigmoid:
      return 1.8462285453;
    case Activation::softplus:
      return 1.0418668355;
  }
  return 1;
}

}  // namespace pf
