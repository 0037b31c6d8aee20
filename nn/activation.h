#pragma once
// Activation functions by name, for configurations; and as a module.

#include <string>
#include <string_view>

#include "autograd/variable.h"

namespace pf {

enum class Activation { identity, relu, leaky_relu, elu, selu, silu, gelu, tanh, sigmoid, softplus };

std::string to_string(Activation activation);
/// An unknown name is an error that offers the nearest one.
Activation parse_activation(std::string_view name);

Variable activate(Activation activation, const Variable& x);

/// The factor that undoes what the activation does to the size of a standard normal signal: 1 / √E[f(z)²].
double gain_of(Activation activation);

struct ActivationLayer {
  Activation activation = Activation::silu;
  Variable operator()(const Variable& x) const { return activate(activation, x); }
  static void fields(auto&, auto&&) {}
};

}  // namespace pf
