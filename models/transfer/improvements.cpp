#include "models/gan/game.h"
#include "models/tempering.h"
#include "models/transfer/distillation.h"
#include "models/transfer/improvement.h"
#include "models/transfer/latent_prior.h"
#include "models/transfer/progressive.h"
#include "models/transfer/refinement.h"
#include "models/transfer/reflow.h"
#include "nn/data/batches.h"
#include "nn/gradients.h"
#include "nn/optim/ema.h"
#include "nn/optim/schedule.h"
#include "nn/state.h"
#include "tensor/ops/rounding.h"
#include "tensor/suggest.h"

namespace pf {
namespace {

/// Normal noise, and as noise of the model's base.
Tensor normal_noise(const Model& model, int64_t count, Rng& rng) {
  return rng.normal({count, model.transform().base().width()});
}
Tensor push_normal(const Model& model, const Tensor& normal) {
  return model.push(model.transform().base().from_normal(Variable(normal)).value());
}

Outcome averaged(const Trained& t, int64_t count, Rng& rng) {
  const Tensor z = normal_noise(t.model, count, rng);
  return Samples{push_normal(t.last, z), push_normal(t.model, z)};
}

Outcome tempered(const Trained& t, int64_t count, Rng& rng) {
  constexpr double temperature = 0.9;
  const Tensor z = normal_noise(t.model, count, rng);
  const Tensor cold = tempered_noise(t.model.transform().base(), z, {.temperature = temperature});
  return Samples{push_normal(t.model, z), t.model.push(cold)};
}

/// What a student says, as points of the teacher's: whole numbers where the teacher's are.
Tensor of_student(const Model& model, const Tensor& x) {
  const bool binary = model.data_kind() == DataKind::binary;
  if (model.data_kind() == DataKind::real) return model.denormalise(x);
  return model.denormalise(clamp(round(x), 0.0, binary ? 1.0 : double(model.config().levels - 1)));
}

Outcome distilled(const Trained& t, int64_t count, Rng& rng) {
  Rng learning = rng.child(1);
  const auto student = distil(t.model.inner(), learning);
  const Tensor z = normal_noise(t.model, count, rng);
  return Samples{push_normal(t.model, z), of_student(t.model, student->push(Variable(z)).value())};
}

Outcome reflowed(const Trained& t, int64_t count, Rng& rng) {
  if (std::string why_not = why_not_reflow(t.model.inner()); !why_not.empty()) return why_not;
  Rng learning = rng.child(1);
  const SteppedMap student = reflow(t.model.inner(), learning);
  const Tensor z = normal_noise(t.model, count, rng);
  return Samples{push_normal(t.model, z), of_student(t.model, student.push(Variable(z)).value())};
}

Outcome distilled_by_halves(const Trained& t, int64_t count, Rng& rng) {
  if (std::string why_not = why_not_progressive(t.model.inner()); !why_not.empty()) return why_not;
  Rng learning = rng.child(1);
  const SteppedMap student = distil_progressively(t.model.inner(), learning);
  const Tensor z = normal_noise(t.model, count, rng);
  return Samples{push_normal(t.model, z), t.model.denormalise(student.push(Variable(z)).value())};
}

Outcome refined(const Trained& t, int64_t count, Rng& rng) {
  Rng learning = rng.child(1);
  const Refinement refine(t.model.inner(), t.model.normalise(t.data.train, learning), learning);
  const Variable noise = t.model.inner().base().from_normal(Variable(normal_noise(t.model, count, rng)));
  const Tensor x = t.model.inner().push(noise).value();
  // Whole numbers stay whole numbers where the noise is moved.
  if (t.model.data_kind() != DataKind::real)
    return Samples{t.model.denormalise(x), t.model.push(refine.refined_noise(noise.value(), learning))};
  return Samples{t.model.denormalise(x), t.model.denormalise(refine(x, learning))};
}

/// The map itself goes on learning, now from a critic, for a tenth of its training.
Outcome adversarial(const Trained& t, int64_t count, Rng& rng) {
  const Traits traits = t.model.transform().traits();
  if (!traits.smooth) return "its map is a step function: no gradient reaches its parameters from a critic";
  if (traits.density == DensityKind::ode)
    return "backward through the solver at each step would cost many times the training";
  if (t.model.config().family == "gan") return "it is trained by a critic already";
  Model model(t.model.config());
  load_fields(fields_of(model.transform()), state_dict(t.model.transform()));
  Rng learning = rng.child(1);
  AdversarialGame game(model.inner(),
                       {.game = Game::relativistic, .real_penalty = 0.1, .fake_penalty = 0.1, .hidden = 64}, learning);
  Opponent& critic = *game.opponent();
  const std::vector<Field> parameters = parameters_of(model.transform()), critics = parameters_of(critic);
  Adam adam(game.optimizer()), critic_adam(game.optimizer());
  Ema ema(parameters, 0.99);
  Batches batches(t.model.normalise(t.data.train, learning), std::min<int64_t>(256, t.data.train.size(0)),
                  learning.child(1));
  const int64_t steps = std::max<int64_t>(t.options.steps / 10, 1), alone = steps / 2;
  for (int64_t step = 0; step < alone + steps; ++step) {
    const Tensor rows = batches.next().x;
    auto [critic_loss, slopes] =
        value_and_grad(std::span<const Field>(critics), [&] { return critic.loss(rows, learning); });
    critic_adam.update(critics, slopes, 1e-3);
    if (step < alone) continue;  // the critic must know the model before the model listens
    const Tensor batch = batches.next().x;
    auto [loss, gradients] = value_and_grad(std::span<const Field>(parameters),
                                            [&] { return game.loss(batch, learning); }, {.allow_unused = true});
    adam.update(parameters, gradients, 1e-4);
    ema.update(parameters);
  }
  ema.store(parameters);
  const Tensor z = normal_noise(t.model, count, rng);
  return Samples{push_normal(t.model, z), push_normal(model, z)};
}

/// The same family with another setting, trained as long.
Outcome with_setting(const Trained& t, int64_t count, Rng& rng, const std::string& without, const std::string& with) {
  auto make = [&](const std::string& assignment) {
    ModelConfig config = t.model.config();
    config.settings.set(assignment);
    auto model = std::make_unique<Model>(config, t.data.train);
    TrainOptions options = t.options;
    options.picture_every = options.steps;
    Trainer(*model, t.data, options).run();
    return model;
  };
  const auto before = make(without), after = make(with);
  Rng same = rng;
  return Samples{before->sample(count, rng), after->sample(count, same)};
}

bool offers(const Model& model, const std::string& key, const std::string& value) {
  for (const Setting& s : model.family().settings)
    if (s.key == key)
      for (const std::string& c : s.choices)
        if (c == value) return true;
  return false;
}

Outcome with_pairing(const Trained& t, int64_t count, Rng& rng) {
  const Settings& s = t.model.config().settings;
  const auto is = [&](const char* key, const char* value) { return offers(t.model, key, value) && s.is(key, value); };
  if (is("variant", "ot") || is("variant", "independent"))
    return with_setting(t, count, rng, "variant=independent", "variant=ot");
  if (is("solver", "ancestral") || is("solver", "sde"))
    return "its sampling takes fresh noise at every step, which fits to pairs by chance only";
  const bool pairs = t.model.config().family == "diffusion" || is("variant", "mean-flow") || is("variant", "shortcut");
  if (!pairs) return "its training does not draw noise and data as a pair that is free to choose";
  return with_setting(t, count, rng, "pairing=independent", "pairing=optimal");
}

/// The prior that the family has, trained along; of others the law of where the data come from, learned afterwards.
Outcome with_prior(const Trained& t, int64_t count, Rng& rng) {
  if (offers(t.model, "prior", "flow")) return with_setting(t, count, rng, "prior=normal", "prior=flow");
  if (offers(t.model, "code-density", "flow"))
    return with_setting(t, count, rng, "code-density=gaussian", "code-density=flow");
  if (std::string why_not = why_not_latent_prior(t.model.inner()); !why_not.empty()) return why_not;
  Rng learning = rng.child(1);
  const auto prior = fit_latent_prior(t.model.inner(), t.model.normalise(t.data.train, learning), learning);
  const Tensor z = normal_noise(t.model, count, rng);
  return Samples{push_normal(t.model, z), push_normal(t.model, prior->push(Variable(z)).value())};
}

}  // namespace

const std::vector<Improvement>& improvements() {
  static const std::vector<Improvement> list{
      {"ema", "parameters averaged over training instead of the last ones (Polyak & Juditsky 1992)", averaged},
      {"ot-pairing", "noise and data of a batch paired by optimal transport instead of by chance (Tong et al. 2023)",
       with_pairing},
      {"learned-prior",
       "a flow learns the law of the codes (VAE, autoencoder), or of where a finished map's data come from",
       with_prior},
      {"tempering", "noise drawn at 0.9 of its spread (Glow, GAN truncation)", tempered},
      {"adversarial", "the map goes on learning from a critic, for a tenth of its training (GAN)", adversarial},
      {"refinement", "samples moved along the gradient of a critic's log-ratio (DGflow)", refined},
      {"distillation", "one network learns the map's pairs (z, T(z)); the same in one step, not better (diffusion)",
       distilled},
      {"reflow", "a flow learns the straight lines of the map's pairs, then takes one step (Liu et al. 2022)",
       reflowed},
      {"progressive", "the steps of the way from noise to data halved until one is left (Salimans & Ho 2022)",
       distilled_by_halves},
  };
  return list;
}

const Improvement& improvement(const std::string& name) {
  std::vector<std::string> names;
  for (const Improvement& i : improvements()) {
    if (i.name == name) return i;
    names.push_back(i.name);
  }
  throw UsageError(join("improvement '", name, "': there is none of this name", did_you_mean(name, names),
                        "; `pushforward transfer --list` describes them"));
}

}  // namespace pf
