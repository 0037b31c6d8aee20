#include "models/guidance.h"

#include "models/context.h"
#include "tensor/ops/comparison.h"
#include "tensor/ops/join.h"

namespace pf {

Tensor Guidance::rows(const char* who, const Tensor& context, int64_t n, DType dtype) const {
  const Tensor given = context_rows(who, context, n, width, dtype);
  if (inputs() == width) return given;
  return concat(std::vector<Tensor>{given, ones({n, 1}, dtype)}, 1);
}

Tensor Guidance::training_rows(const char* who, const Tensor& context, int64_t n, DType dtype, Rng& rng) const {
  const Tensor all = rows(who, context, n, dtype);
  if (inputs() == width) return all;
  return all * cast(rng.uniform({n, 1}, dtype) >= dropout, dtype);
}

Tensor Guidance::null_rows(int64_t n, DType dtype) const { return zeros({n, inputs()}, dtype); }

Setting label_dropout_setting() {
  return number("label-dropout", 0.1, "of a conditional model: part of the rows that learn without the condition", 0,
                0.9);
}
Setting guidance_setting() {
  return of_sampling(
      number("guidance", 0, "w of (1 + w) velocity with the condition - w velocity without it", -1, 1000));
}

Guidance read_guidance(const Settings& settings, int64_t context_width) {
  const Guidance out{context_width, settings.number("label-dropout"), settings.number("guidance")};
  check(out.weight == 0 || context_width > 0, "guidance ", out.weight,
        ": the model has no condition to be guided by; train it with one, or leave guidance at 0");
  check(out.weight == 0 || out.dropout > 0, "guidance ", out.weight,
        ": the model never learns without its condition; set label-dropout=0.1");
  return out;
}

}  // namespace pf
