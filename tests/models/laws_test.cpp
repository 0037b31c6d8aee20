// The laws: what must hold of every family, whatever it is. A family is tested by being in the list of families.

#include <cmath>

#include "autograd/functional.h"
#include "nn/gradients.h"
#include "nn/optim/adam.h"
#include "nn/state.h"
#include "tensor/ops/argmax.h"
#include "tensor/ops/exponential.h"
#include "tensor/ops/linalg.h"
#include "tensor/ops/power.h"
#include "tensor/ops/reduce.h"
#include "tensor/ops/rounding.h"
#include "tensor/ops/where.h"
#include "tensor/parallel.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::all_variants;
using testing::contains;
using testing::error_of;
using testing::make_instance;
using testing::rows_for;
using testing::TemporaryFolder;
using testing::test_levels;
using testing::Variant;

class Laws : public ::testing::TestWithParam<Variant> {
 protected:
  const Variant& variant() const { return GetParam(); }
  Tensor base_sample(const Transform& map, int64_t n, DType dtype = float64, uint64_t seed = 3) const {
    Rng rng(seed);
    return map.base().sample(n, rng, dtype);
  }
};
INSTANTIATE_TEST_SUITE_P(, Laws, ::testing::ValuesIn(all_variants()), testing::name_of_variant);

bool same_bits(const Tensor& a, const Tensor& b) {
  if (a.shape() != b.shape() || a.dtype() != b.dtype()) return false;
  return a.dtype() == float32 ? a.to_vector<float>() == b.to_vector<float>()
                              : a.to_vector<double>() == b.to_vector<double>();
}

/// The largest |a − b| / (1 + |b|).
double difference(const Tensor& a, const Tensor& b) {
  const std::vector<double> x = cast(a, float64).to_vector<double>(), y = cast(b, float64).to_vector<double>();
  if (a.shape() != b.shape()) return INFINITY;
  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const double d = std::abs(x[i] - y[i]) / (1 + std::abs(y[i]));
    if (!(d <= worst)) worst = std::isnan(d) ? INFINITY : d;
  }
  return worst;
}

/// A step function may have an exact probability, but no log-determinant.
bool has_log_det(const Traits& t) {
  return t.smooth && (t.density == DensityKind::exact || t.density == DensityKind::ode);
}
/// How closely numbers behind a solver agree, and those of closed forms.
double slack(const Traits& t, double closed_form) {
  return t.density == DensityKind::ode ? 10 * t.inverse_error : closed_form;
}

TEST_P(Laws, TheSameNoiseGivesTheSamePoint) {
  const Built built = make_instance(variant(), float32);
  const Tensor z = base_sample(*built.transform, 300, float32);
  EXPECT_TRUE(same_bits(built.transform->push(Variable(z)).value(), built.transform->push(Variable(z)).value()));
}

TEST_P(Laws, DerivativesOfTheMapAreItsDifferences) {
  const Built built = make_instance(variant());
  const Traits traits = built.transform->traits();
  const Tensor z = base_sample(*built.transform, 6);
  const Map push = [&](const Variable& v) { return built.transform->push(v); };
  Rng rng(5);
  const Tensor direction = rng.normal(z.shape(), float64);
  const double h = traits.density == DensityKind::ode ? 1e-4 : 1e-6;
  const Tensor plus = push(Variable(z + direction * h)).value(), minus = push(Variable(z - direction * h)).value();
  const Tensor differences = (plus - minus) * (0.5 / h);
  if (!traits.smooth) {
    // A step function: flat almost everywhere, and the derivative says so. Codes that are whole numbers may have smooth
    // noise behind them; then the derivative is that of the noise.
    const Tensor g = rng.normal(differences.shape(), float64);
    const Variable at = tracked(z);
    const Tensor slope = grad(sum(push(at) * Variable(g)) + sum(at * 0.0), at);
    EXPECT_NEAR(sum(slope * direction).item(), sum(g * differences).item(), 1e-6);
    if (variant().family->data_kind(variant().settings()) != DataKind::real) {
      EXPECT_EQ(max(abs(differences)).item(), 0);
      EXPECT_EQ(max(abs(slope)).item(), 0);
    }
    return;
  }
  const auto [x, tangent] = jvp(push, z, direction);
  EXPECT_LT(difference(tangent, differences), slack(traits, 1e-6));
  const Tensor g = rng.normal(x.shape(), float64);
  EXPECT_NEAR(sum(vjp(push, z).pullback(g) * direction).item(), sum(g * tangent).item(), 1e-9);
}

// A step function has a relaxed map in its place, named as such, whose slope is that of its differences and not zero, and whose
// limit at temperature 0 is the map. A smooth map is its own.
TEST_P(Laws, RelaxedMapsHaveASlopeAndTheMapForLimit) {
  const Built built = make_instance(variant());
  const Transform& map = *built.transform;
  const bool smooth = map.traits().smooth;
  EXPECT_EQ(smooth, std::string(map.traits().relaxed).empty());
  const Tensor z = base_sample(map, 40), x = map.push(Variable(z)).value();
  EXPECT_TRUE(
      contains(error_of([&] { map.push_relaxed(Variable(z), 0); }), "temperature 0: expected a positive number"));
  if (smooth) {
    EXPECT_TRUE(same_bits(map.push_relaxed(Variable(z), 0.5).value(), x));
    return;
  }
  Rng rng(5);
  const Tensor direction = rng.normal(z.shape(), float64);
  for (double temperature : {1.0, 0.3}) {
    const Map push = [&](const Variable& v) { return map.push_relaxed(v, temperature); };
    const double h = 1e-7;
    const Tensor plus = push(Variable(z + direction * h)).value(), minus = push(Variable(z - direction * h)).value();
    const auto [value, tangent] = jvp(push, z, direction);
    EXPECT_LT(difference(tangent, (plus - minus) * (0.5 / h)), 1e-6) << temperature;
    EXPECT_GT(mean(abs(tangent)).item(), 1e-3) << temperature;
    const Tensor g = rng.normal(value.shape(), float64);
    EXPECT_NEAR(sum(vjp(push, z).pullback(g) * direction).item(), sum(g * tangent).item(), 1e-9);
  }
  double last = INFINITY;
  for (double temperature : {1.0, 0.1, 0.01}) {
    const double away = mean(abs(map.push_relaxed(Variable(z), temperature).value() - x)).item();
    EXPECT_LT(away, last) << temperature;
    last = away;
  }
  EXPECT_LT(difference(map.push_relaxed(Variable(z), 1e-6).value(), x), 1e-6);
}

/// Objectives that hold a part of themselves still on purpose, so that their gradient is not the slope of their value:
/// an autoencoder's codes under the density that is fitted to them, a posterior in its doubly reparameterised gradient, the
/// goals of samples that drift, a rounding that gradients pass straight through, a prior that is fitted to codes.
/// Tests of their own judge those.
bool holds_still(const Variant& v) {
  return v.family->name == "autoencoder" || (v.family->name == "vae" && v.settings().is("gradient", "dreg")) ||
         (v.family->name == "flow-matching" &&
          (v.settings().is("variant", "mean-flow") || v.settings().is("variant", "shortcut"))) ||
         (v.family->name == "diffusion" && v.settings().is("variant", "consistency")) ||
         (v.family->name == "gan" && v.settings().is("variant", "drifting")) ||
         (v.family->name == "vae" &&
          (v.settings().is("variant", "vq") || v.settings().is("variant", "fsq") || v.settings().is("prior", "gan")));
}

/// The slope of f along a direction in the space of all parameters, by differences and by the gradient.
template <class F> void expect_slope(Transform& map, F&& f, double h, double close) {
  const std::vector<Field> parameters = parameters_of(map);
  const auto [value, gradients] =
      value_and_grad(std::span<const Field>(parameters), [&] { return f(); }, {.allow_unused = true});
  Rng rng(11);
  std::vector<Tensor> start, direction;
  double slope = 0;
  for (size_t i = 0; i < parameters.size(); ++i) {
    start.push_back(parameters[i].value());
    direction.push_back(rng.normal(start[i].shape(), float64));
    slope += sum(gradients.list[i] * direction[i]).item();
  }
  auto at = [&](double step) {
    for (size_t i = 0; i < start.size(); ++i) *parameters[i].parameter = Variable(start[i] + direction[i] * step);
    return f().item();
  };
  const double differences = (at(h) - at(-h)) / (2 * h);
  at(0);
  EXPECT_NEAR(slope, differences, close * (1 + std::abs(slope)));
}

TEST_P(Laws, DerivativesInTheParametersAreDifferences) {
  Built built = make_instance(variant());
  Transform& map = *built.transform;
  const Traits traits = map.traits();
  const double h = traits.density == DensityKind::ode ? 1e-4 : 1e-6, close = slack(traits, 1e-6);
  const Tensor z = base_sample(map, 6);
  if (traits.smooth)
    expect_slope(
        map, [&] { return sum(square(map.push(Variable(z)))); }, h, close);
  Rng rng(12);
  const Tensor x = rows_for(variant(), 6, rng);
  if (has_log_det(traits))
    expect_slope(
        map, [&] { return MaximumLikelihood(map).loss(x, rng); }, h, close);
  if (holds_still(variant())) return;
  expect_slope(
      map,
      [&] {
        Rng fixed(13);
        return built.objective->loss(x, fixed);
      },
      1e-6, 1e-6);
}

TEST_P(Laws, PullUndoesPush) {
  for (int64_t width : {2, 5}) {
    const Built built = make_instance(variant(), float64, width);
    const Transform& map = *built.transform;
    const Traits traits = map.traits();
    if (!traits.invertible) {
      EXPECT_EQ(error_of([&] {
                  map.pull(Variable(zeros({1, width}, float64)));
                }),
                variant().family->name + ": the map has no exact inverse; use encode, or invert by optimisation");
      return;
    }
    // Beyond a spline's interval as well, where the base reaches so far.
    const Tensor sample = base_sample(map, 400), far = sample * 1.5;
    const Tensor z = where(isfinite(unsqueeze(map.base().log_density(Variable(far)).value(), 1)), far, sample);
    const Variable x = map.push(Variable(z));
    EXPECT_LT(difference(map.pull(x).value(), z), traits.inverse_error);
    EXPECT_LT(difference(map.push(map.pull(Variable(z))).value(), z), traits.inverse_error);
    EXPECT_EQ(traits.same_width, map.base().width() == map.width());
  }
}

TEST_P(Laws, EncodedPointsLeadBack) {
  const Built built = make_instance(variant());
  Rng rng(4);
  const Tensor x = rows_for(variant(), 200, rng);
  const Tensor z = built.transform->encode(x);
  EXPECT_EQ(z.shape(), (Shape{200, built.transform->base().width()}));
  const Tensor back = built.transform->push(Variable(z)).value();
  if (built.transform->traits().reconstructs) {
    EXPECT_LT(difference(back, x), slack(built.transform->traits(), 1e-9));
  } else {
    EXPECT_TRUE(std::isfinite(difference(back, x)));
  }
}

TEST_P(Laws, LogDeterminantsAreThoseOfTheJacobian) {
  for (int64_t width : {2, 3}) {
    const Built built = make_instance(variant(), float64, width);
    const Transform& map = *built.transform;
    const Tensor z = base_sample(map, 8);
    if (!has_log_det(map.traits())) {
      const std::string expected =
          variant().family->name + ": the map has no log-determinant; its traits say which kind of density it has";
      EXPECT_EQ(error_of([&] { map.push_with_log_det(Variable(z)); }), expected);
      EXPECT_EQ(error_of([&] { map.pull_with_log_det(Variable(zeros({1, width}, float64))); }), expected);
      return;
    }
    const double close = slack(map.traits(), 1e-9);
    const Mapped pushed = map.push_with_log_det(Variable(z));
    const Tensor jacobian = batch_jacobian([&](const Variable& v) { return map.push(v); }, z);
    EXPECT_LT(difference(pushed.log_det.value(), slogdet(jacobian).log_abs), close) << width;
    EXPECT_LT(difference(pushed.value.value(), map.push(Variable(z)).value()), close) << width;
    const Mapped pulled = map.pull_with_log_det(pushed.value);
    EXPECT_LT(difference(pulled.log_det.value(), -pushed.log_det.value()), close) << width;
    EXPECT_LT(difference(pulled.value.value(), z), close) << width;
    Rng rng(6);
    const LogDensity density = map.log_density(pushed.value.value(), rng);
    EXPECT_EQ(density.kind, map.traits().density);
    EXPECT_LT(difference(density.value, (map.base().log_density(Variable(z)) - pushed.log_det).value()), close)
        << width;
  }
}

TEST_P(Laws, DensityIntegratesToOne) {
  const Built built = make_instance(variant(), float64, 2, 1, 1e-4);
  const Transform& map = *built.transform;
  if (map.traits().density == DensityKind::exact && !map.traits().smooth) {
    // Probabilities of whole numbers: all pairs of them.
    Rng rng(7);
    const int64_t levels = variant().family->data_kind(variant().settings()) == DataKind::integers ? test_levels : 2;
    std::vector<double> pairs;
    for (int64_t i = 0; i < levels * levels; ++i) pairs.insert(pairs.end(), {double(i / levels), double(i % levels)});
    const Tensor outcomes = tensor(pairs, {levels * levels, 2}, float64);
    EXPECT_NEAR(sum(exp(map.log_density(outcomes, rng).value)).item(), 1, 1e-9);
    return;
  }
  if (!has_log_det(map.traits())) return;  // bounds are judged where the truth is known
  const int64_t cells = map.traits().density == DensityKind::exact ? 500 : 100;
  // The box that holds the model's own samples, and some more.
  const Tensor samples = map.push(Variable(base_sample(map, 4000))).value();
  const Tensor low = min(samples, 0), size = max(samples, 0) - low, corner = low - size * 0.15,
               h = size * (1.3 / double(cells));
  std::vector<double> places;
  for (int64_t i = 0; i < cells * cells; ++i) {
    places.push_back(double(i / cells) + 0.5);
    places.push_back(double(i % cells) + 0.5);
  }
  const Tensor grid = tensor(places, {cells * cells, 2}, float64) * h + corner;
  Rng rng(7);
  double total = 0;
  for (int64_t at = 0; at < grid.size(0); at += 5000)
    total += sum(exp(map.log_density(slice(grid, 0, at, at + 5000), rng).value)).item() * h.at({0}) * h.at({1});
  EXPECT_NEAR(total, 1, 4e-3);
}

TEST_P(Laws, EveryParameterIsTrained) {
  Built built = make_instance(variant(), float32);
  const std::vector<Field> parameters = parameters_of(*built.transform);
  EXPECT_FALSE(parameters.empty());
  std::vector<std::vector<float>> before;
  for (const Field& p : parameters) before.push_back(p.value().to_vector<float>());
  Adam adam;
  Rng rng(8);
  for (int step = 0; step < 5; ++step) {
    const Tensor batch = rows_for(variant(), 64, rng, float32);
    auto [loss, gradients] =
        value_and_grad(std::span<const Field>(parameters), [&] { return built.objective->loss(batch, rng); });
    EXPECT_TRUE(std::isfinite(loss.item()));
    for (size_t i = 0; i < parameters.size(); ++i) EXPECT_TRUE(all(isfinite(gradients.list[i]))) << parameters[i].path;
    adam.update(parameters, gradients, 1e-2);
  }
  for (size_t i = 0; i < parameters.size(); ++i)
    EXPECT_NE(parameters[i].value().to_vector<float>(), before[i]) << parameters[i].path;
}

TEST_P(Laws, SavingChangesNothing) {
  TemporaryFolder folder;
  const Built saved = make_instance(variant(), float32, 3, 1);
  Built loaded = make_instance(variant(), float32, 3, 2);
  write_safetensors(folder / "m.safetensors", state_dict(std::as_const(*saved.transform)));
  const Tensor z = base_sample(*saved.transform, 50, float32);
  EXPECT_FALSE(same_bits(loaded.transform->push(Variable(z)).value(), saved.transform->push(Variable(z)).value()));
  load_state(*loaded.transform, read_safetensors(folder / "m.safetensors"));
  const Tensor x = saved.transform->push(Variable(z)).value();
  EXPECT_TRUE(same_bits(loaded.transform->push(Variable(z)).value(), x));
  if (saved.transform->traits().density == DensityKind::none) return;
  Rng a(9), b(9);
  EXPECT_TRUE(same_bits(loaded.transform->log_density(x, a).value, saved.transform->log_density(x, b).value));
}

TEST_P(Laws, SinglePrecisionIsCloseToDouble) {
  const Built single = make_instance(variant(), float32), twice = make_instance(variant(), float64);
  const Tensor z = base_sample(*single.transform, 300, float32);
  const Tensor x = twice.transform->push(Variable(cast(z, float64))).value();
  if (twice.transform->traits().smooth) {
    EXPECT_LT(difference(single.transform->push(Variable(z)).value(), x), slack(single.transform->traits(), 1e-4));
  } else {
    EXPECT_LT(mean(abs(cast(single.transform->push(Variable(z)).value(), float64) - x)).item(), 0.01);
  }
}

TEST_P(Laws, TheConditionCounts) {
  if (!variant().given) {
    const Built built = make_instance(variant(), float32);
    EXPECT_TRUE(contains(error_of([&] {
                           built.transform->push(Variable(base_sample(*built.transform, 3, float32)), ones({1, 2}));
                         }),
                         "a condition was given, but the model was trained without one"));
    return;
  }
  const Variant free{variant().name, variant().family, variant().assignments, false};
  Rng rng(14);
  Built built = free.family->build(free.settings(), {.width = 2, .levels = int(test_levels), .context = 2}, rng);
  const Transform& map = *built.transform;
  for (Field& field : fields_of(*built.transform))
    if (field.parameter) *field.parameter = Variable(field.value() + rng.normal(field.value().shape()) * 0.3);
  const Tensor z = base_sample(map, 200, float32);
  const Tensor a = tensor({1, 0}, {1, 2}), b = tensor({0, 1}, {1, 2});
  const Tensor to_a = map.push(Variable(z), a).value();
  EXPECT_FALSE(same_bits(to_a, map.push(Variable(z), b).value()));
  EXPECT_TRUE(same_bits(to_a, map.push(Variable(z), expand(a, {200, 2})).value()));
  EXPECT_TRUE(contains(error_of([&] { map.push(Variable(z)); }), "it needs a condition of 2 numbers for each point"));
  EXPECT_TRUE(contains(error_of([&] { map.push(Variable(z), ones({1, 3})); }), "expected [200, 2] or [1, 2]"));
}

TEST_P(Laws, RowsDoNotInfluenceEachOther) {
  const Built built = make_instance(variant());
  const Transform& map = *built.transform;
  const Tensor z = base_sample(map, 7);
  const Tensor together = map.push(Variable(z)).value();
  for (int64_t i : {0, 6})
    EXPECT_LT(difference(map.push(Variable(slice(z, 0, i, i + 1))).value(), slice(together, 0, i, i + 1)),
              slack(map.traits(), 1e-12));
  const Variable at = tracked(z);
  const Tensor gradient = grad(sum(slice(map.push(at), 0, 2, 3)) + sum(at * 0.0), at);
  EXPECT_EQ(max(abs(slice(gradient, 0, 0, 2))).item(), 0);
  EXPECT_EQ(max(abs(slice(gradient, 0, 3))).item(), 0);
}

TEST_P(Laws, EmptyBatchesPass) {
  const Built built = make_instance(variant(), float32);
  const Transform& map = *built.transform;
  const Tensor none = zeros({0, map.width()});
  Rng rng(1);
  EXPECT_EQ(map.push(Variable(zeros({0, map.base().width()}))).shape(), none.shape());
  EXPECT_EQ(map.encode(none).shape(), (Shape{0, map.base().width()}));
  if (map.traits().density != DensityKind::none) { EXPECT_EQ(map.log_density(none, rng).value.shape(), Shape{0}); }
}

TEST_P(Laws, WrongWidthsAreExplained) {
  const Built built = make_instance(variant(), float32);
  const Transform& map = *built.transform;
  const int64_t z = map.base().width(), x = map.width();
  Rng rng(1);
  const std::string tail = ", one sample a row";
  EXPECT_TRUE(contains(error_of([&] {
                         map.push(Variable(zeros({3, z + 1})));
                       }),
                       join("push: ", Shape{3, z + 1}, ": expected [n, ", z, "]", tail)));
  EXPECT_TRUE(contains(error_of([&] { map.push(Variable(zeros({z}))); }), tail));
  if (map.traits().density == DensityKind::none) {
    EXPECT_EQ(error_of([&] {
                map.log_density(zeros({3, x}), rng);
              }),
              variant().family->name + ": the family has no density; compare samples instead (evaluate)");
  } else {
    EXPECT_TRUE(contains(error_of([&] {
                           map.log_density(zeros({3, x + 1}), rng);
                         }),
                         join(": expected [n, ", x, "]", tail)));
  }
  EXPECT_TRUE(contains(error_of([&] { map.encode(zeros({3, x + 1})); }), join(": expected [n, ", x, "]", tail)));
}

TEST_P(Laws, ThreadsDoNotChangeBits) {
  std::vector<Tensor> first;
  for (int count : {1, 2}) {
    set_threads(count);
    Built built = make_instance(variant(), float32);
    const Tensor z = base_sample(*built.transform, 5000, float32);
    const Tensor x = built.transform->push(Variable(z)).value();
    Rng rng(2);
    const Tensor batch = rows_for(variant(), 5000, rng, float32);
    auto [loss, gradients] =
        value_and_grad(*built.transform, [&] { return built.objective->loss(slice(batch, 0, 0, 1000), rng); });
    std::vector<Tensor> all = std::move(gradients.list);
    all.push_back(loss);
    all.push_back(x);
    if (built.transform->traits().density != DensityKind::none)
      all.push_back(built.transform->log_density(batch, rng).value);
    if (count == 1) first = all;
    else
      for (size_t i = 0; i < all.size(); ++i) EXPECT_TRUE(same_bits(all[i], first[i])) << i << " of " << all.size();
  }
  set_threads(1);
}

TEST_P(Laws, TheWayLeadsFromTheNoiseToThePoint) {
  const Built built = make_instance(variant());
  const Transform& map = *built.transform;
  const Tensor z = base_sample(map, 20);
  const std::vector<Tensor> way = map.path(z);
  EXPECT_LT(difference(way.back(), map.push(Variable(z)).value()), slack(map.traits(), 1e-9) + 1e-4);
  for (const Tensor& x : way) EXPECT_EQ(x.shape(), (Shape{20, map.width()}));
  if (map.traits().same_width) { EXPECT_TRUE(same_bits(way.front(), z)); }
}

}  // namespace
}  // namespace pf
