#pragma once
// Mixed precision: networks compute on 16-bit numbers, while what surrounds them, parameters and their gradients,
// densities, losses and optimisers, stays in the type that it is written for.
//
// A layer computes in the type of its input and converts its parameters to that as it uses them; the derivative of the
// conversion brings their gradients back as float32. A network (Mlp, CausalTransformer, …) converts what comes in while a
// NetworkPrecision lives, and what goes out back.

#include "autograd/apply.h"
#include "tensor/ops/cast.h"

namespace pf {

/// What networks compute float32 inputs in, on this thread: float32 unless a NetworkPrecision says otherwise.
DType network_precision();

/// For its lifetime, networks compute in this type. A step and its backward pass belong in one.
class NetworkPrecision {
 public:
  explicit NetworkPrecision(DType dtype);
  ~NetworkPrecision();
  NetworkPrecision(const NetworkPrecision&) = delete;
  NetworkPrecision& operator=(const NetworkPrecision&) = delete;

 private:
  DType before_;
};

/// A parameter, if there is one, as a layer uses it on x.
inline Variable parameter_for(const Variable& x, const Variable& parameter) {
  return is_half(x.dtype()) && parameter.defined() ? cast(parameter, x.dtype()) : parameter;
}

/// network(x), computed in the precision of networks.
template <class Network> Variable in_network_precision(const Variable& x, const Network& network) {
  if (x.dtype() != float32 || network_precision() == float32) return network(x);
  return cast(network(cast(x, network_precision())), float32);
}

}  // namespace pf
