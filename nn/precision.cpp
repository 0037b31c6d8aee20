#include "nn/precision.h"

namespace pf {
namespace {
thread_local DType precision_of_networks = float32;
}

DType network_precision() { return precision_of_networks; }

NetworkPrecision::NetworkPrecision(DType dtype) : before_(precision_of_networks) {
  check(dtype == float32 || is_half(dtype), "precision: networks in ", dtype,
        ": expected float32, bfloat16 or float16");
  precision_of_networks = dtype;
}
NetworkPrecision::~NetworkPrecision() { precision_of_networks = before_; }

}  // namespace pf
