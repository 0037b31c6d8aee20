#include "nn/masked_linear.h"

#include <cmath>

namespace pf {

// Rows start with variance gain² / (inputs that they see), as if each were a layer of its own.
MaskedLinear::MaskedLinear(const Tensor& allowed, Rng& rng, LinearOptions options)
    : bias(options.bias ? zeros({allowed.rank() == 2 ? allowed.size(0) : 0}) : Tensor()) {
  check(allowed.rank() == 2, "masked_linear: mask ", allowed.shape(), ": expected [out, in]");
  const Device device = default_device();
  const UseDevice here(Device::cpu());
  mask = contiguous(cast(to_device(allowed, Device::cpu()), float32));
  Tensor start = contiguous(lecun_uniform(mask.shape(), rng) * mask);
  const int64_t in = mask.size(1);
  const float* m = mask.data<float>();
  Tensor scale = Tensor::empty({mask.size(0), 1});
  for (int64_t row = 0; row < mask.size(0); ++row) {
    double seen = 0;
    for (int64_t i = 0; i < in; ++i) {
      const float entry = m[row * in + i];
      check(entry == 0 || entry == 1, "masked_linear: the mask holds ", entry, ": expected zeros and ones");
      seen += entry;
    }
    scale.mutable_data<float>()[row] = float(seen > 0 ? options.gain * std::sqrt(double(in) / seen) : 0);
  }
  weight = to_device(start * scale, device);
  mask = to_device(mask, device);
}

Tensor degree_mask(std::span<const int64_t> inputs, std::span<const int64_t> outputs, bool strict) {
  Tensor out = Tensor::empty({int64_t(outputs.size()), int64_t(inputs.size())});
  float* entry = out.mutable_data<float>();
  for (int64_t to : outputs)
    for (int64_t from : inputs) *entry++ = (strict ? to > from : to >= from) ? 1.0f : 0.0f;
  return to_device(out, default_device());
}

}  // namespace pf
