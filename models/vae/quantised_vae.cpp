#include "models/vae/quantised_vae.h"

#include <cmath>

#include "models/context.h"
#include "tensor/ops/join.h"
#include "tensor/ops/matmul.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/softmax.h"

namespace pf {

QuantisedVae::QuantisedVae(int64_t width, const QuantisedVaeSettings& settings, Rng& rng)
    : settings_(settings),
      width_(width),
      head_(make_decoder_head(settings.likelihood, width, settings.data_levels)),
      quantiser_(make_quantiser(settings.quantiser, rng)),
      encoder_(mlp_widths(width + settings.context, settings.hidden, settings.depth,
                          settings.codes * settings.quantiser.width),
               rng),
      decoder_(mlp_widths(settings.codes * settings.quantiser.width + settings.context, settings.hidden, settings.depth,
                          width * head_->outputs()),
               rng),
      prior_(settings.codes,
             {.conditional = Conditional::categorical,
              .levels = quantiser_->entries(),
              .context = settings.context,
              .network = settings.prior,
              .hidden = settings.hidden,
              .depth = settings.depth},
             rng),
      base_({std::make_shared<Uniform>(settings.codes), head_->noise()}) {}

Traits QuantisedVae::traits() const {
  return {.invertible = false,
          .same_width = false,
          .smooth = false,
          .relaxed = "codes' vectors by shares: sigmoids in place of the steps of each inverse CDF",
          .density = DensityKind::bound,
          .steps = settings_.codes + 1};
}

Variable QuantisedVae::vectors(const Variable& x, const Tensor& context) const {
  check_rows("vae encoder", x.shape(), width_);
  const Variable input = with_context("vae", head_->scaled(x), context, settings_.context);
  return reshape(encoder_(input), {x.size(0) * settings_.codes, settings_.quantiser.width});
}

Tensor QuantisedVae::codes(const Tensor& vectors, DType dtype) const {
  return cast(reshape(quantiser_->code(vectors), {vectors.size(0) / settings_.codes, settings_.codes}), dtype);
}

Variable QuantisedVae::decode(const Variable& vectors, const Tensor& context) const {
  const int64_t n = vectors.size(0) / settings_.codes;
  const Variable rows = reshape(vectors, {n, settings_.codes * settings_.quantiser.width});
  return decoder_(with_context("vae", rows, context, settings_.context));
}

Variable QuantisedVae::decode_codes(const Tensor& codes, const Tensor& context) const {
  const Tensor list = cast(reshape(codes, {codes.numel()}), int64);
  return decode(Variable(quantiser_->vector(list, codes.dtype())), context);
}

Variable QuantisedVae::push(const Variable& z, const Tensor& context) const {
  check_rows("vae push", z.shape(), base_.width());
  const Tensor k = prior_.push(Variable(slice(z.value(), 1, 0, settings_.codes)), context).value();
  return head_->draw(decode_codes(k, context), slice(z, 1, settings_.codes));
}

Variable QuantisedVae::push_relaxed(const Variable& z, double temperature, const Tensor& context) const {
  check_rows("vae push", z.shape(), base_.width());
  const Variable shares = prior_.shares(slice(z, 1, 0, settings_.codes), temperature, context);
  const int64_t entries = quantiser_->entries();
  const Tensor all = quantiser_->vector(arange(0, double(entries), 1, int64), z.dtype());
  const Variable vectors = matmul(reshape(shares, {z.size(0) * settings_.codes, entries}), Variable(all));
  return head_->draw_relaxed(decode(vectors, context), slice(z, 1, settings_.codes), temperature);
}

Tensor QuantisedVae::all_codes() const {
  if (settings_.context > 0) return {};
  int64_t count = 1;
  const int64_t entries = quantiser_->entries(), most = 65536 / width_;
  for (int64_t j = 0; j < settings_.codes; ++j) {
    if (count > most / entries) return {};
    count *= entries;
  }
  std::vector<double> digits(size_t(count * settings_.codes));
  for (int64_t i = 0; i < count; ++i)
    for (int64_t j = 0, rest = i; j < settings_.codes; ++j, rest /= entries)
      digits[size_t(i * settings_.codes + j)] = double(rest % entries);
  return tensor(digits, {count, settings_.codes}, float64);
}

Variable QuantisedVae::share_of_code(const Variable& x, const Tensor& code, const Variable& decoded,
                                     const Tensor& context) const {
  return head_->log_likelihood(x, decoded) + prior_.log_likelihood(Variable(code), context);
}

LogDensity QuantisedVae::log_density(const Tensor& x, Rng&, const Tensor& context) const {
  check_rows("vae log_density", x.shape(), width_);
  if (const Tensor every = all_codes(); every.defined()) {
    const Tensor k = cast(every, x.dtype());
    const Tensor log_code = prior_.log_likelihood(Variable(k), context).value();
    const Variable decoded = decode_codes(k, context);
    std::vector<Tensor> rows{zeros({0}, x.dtype())};
    for (int64_t i = 0; i < x.size(0); ++i) {
      const Tensor of_row = head_->log_likelihood(Variable(slice(x, 0, i, i + 1)), decoded).value();
      rows.push_back(logsumexp(of_row + log_code, 0, true));
    }
    return {concat(rows, 0), DensityKind::bound, join("the sum over all ", k.size(0), " codes, which is the density")};
  }
  const Tensor k = codes(vectors(Variable(x), context).value(), x.dtype());
  return {share_of_code(Variable(x), k, decode_codes(k, context), context).value(), DensityKind::bound,
          "lower bound, the share of the encoder's code"};
}

Tensor QuantisedVae::encode(const Tensor& x, const Tensor& context) const {
  const Tensor k = codes(vectors(Variable(x), context).value(), x.dtype()), u = prior_.encode(k, context);
  return concat({u, head_->noise_of(x, decode_codes(prior_.push(Variable(u), context).value(), context).value())}, 1);
}

Variable QuantisedBound::loss(const Tensor& batch, Rng&, const Tensor& context) const {
  const Variable x(batch), e = model_.vectors(x, context);
  const Variable decoded = model_.decode(model_.quantiser().straight_through(e), context);
  const Tensor k = model_.codes(e.value(), batch.dtype());
  const Variable bound = model_.share_of_code(x, k, decoded, context);
  const Variable distance = model_.quantiser().commitment(e);
  if (!distance.defined()) return -mean(bound);
  return sum(distance) * (commitment_ / double(std::max<int64_t>(batch.size(0), 1))) - mean(bound);
}

void QuantisedBound::after_step(const Tensor& batch, Rng& rng, const Tensor& context) {
  model_.quantiser().update(model_.vectors(Variable(batch), context).value(), rng);
}

std::vector<VitalSign> QuantisedBound::vital_signs(const Tensor& batch, Rng&, const Tensor& context) const {
  const int64_t entries = model_.quantiser().entries();
  std::vector<double> counts(size_t(entries), 0.0);
  double total = 0, entropy = 0;
  for (int64_t k : model_.quantiser().code(model_.vectors(Variable(batch), context).value()).to_vector<int64_t>()) {
    ++counts[size_t(k)];
    ++total;
  }
  int64_t used = 0;
  for (double count : counts) {
    if (count == 0) continue;
    ++used;
    entropy -= count / total * std::log(count / total);
  }
  const bool few = 4 * used <= entries;
  return {{"codes used", double(used), few ? join("codebook: ", used, " of ", entries, " codes used") : ""},
          {"perplexity of the codes", std::exp(entropy), ""}};
}

}  // namespace pf
