#include "models/gradient_step.h"

#include "nn/optim/clip.h"

namespace pf {

GradientStep::GradientStep(std::span<const Field> parameters, std::vector<Field> fields,
                           std::function<std::vector<Tensor>()> more, Loss loss, Rng& rng, double limit, bool replay)
    : parameters_(parameters),
      fields_(std::move(fields)),
      more_(std::move(more)),
      loss_(std::move(loss)),
      rng_(rng),
      limit_(limit),
      replay_(replay),
      capture_([this](std::span<const Tensor> in) { return run(in); }, {&rng},
               [this] {
                 std::vector<Tensor> out = more_();
                 for (const Field& field : fields_) out.push_back(field.value());
                 return out;
               }) {}

std::vector<Tensor> GradientStep::run(std::span<const Tensor> in) {
  const Tensor context = in.size() > 1 ? in[1] : Tensor();
  auto [loss, gradients] = value_and_grad(parameters_, [&] { return loss_(in[0], rng_, context); });
  Tensor norm;
  if (loss.device().is_cuda()) gradients = clip_on_device(std::move(gradients), limit_, norm);
  std::vector<Tensor> out{loss, norm};
  out.insert(out.end(), gradients.list.begin(), gradients.list.end());
  return out;
}

GradientStep::Result GradientStep::operator()(const Tensor& batch, const Tensor& context) {
  std::vector<Tensor> in{batch};
  if (context.defined()) in.push_back(context);
  std::vector<Tensor> out = replay_ ? capture_(in) : run(in);
  replayed_ |= capture_.replayed();
  Result result{out[0], {}, out[1]};
  result.gradients.list.assign(std::make_move_iterator(out.begin() + 2), std::make_move_iterator(out.end()));
  return result;
}

std::string GradientStep::describe() const {
  if (!capture_.obstacle().empty()) return "steps are not replayed: " + capture_.obstacle();
  if (!replayed_) return "";
  if (capture_.kernels() == 0) return "steps are replayed: one graph each";
  return join("steps are replayed: ", capture_.kernels(), " recorded kernels each");
}

}  // namespace pf
