// What must hold of every family when two processes train it together. Run by mpirun: both go through all tests, in step.

#include <cmath>
#include <cstring>

#include "models/train.h"
#include "nn/data/batches.h"
#include "nn/data_parallel.h"
#include "nn/linear.h"
#include "tensor/ops/join.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::all_variants;
using testing::config_for;
using testing::dataset_for;
using testing::make_instance;
using testing::rows_for;
using testing::TemporaryFolder;
using testing::Variant;

/// The largest difference of two lists of gradients, relative to the largest number in them.
double difference(const Gradients& a, const Gradients& b) {
  double worst = 0, size = 1e-300;
  for (size_t i = 0; i < a.list.size(); ++i) {
    const auto x = contiguous(a.list[i]).to_vector<double>(), y = contiguous(b.list[i]).to_vector<double>();
    for (size_t k = 0; k < x.size(); ++k) {
      worst = std::max(worst, std::abs(x[k] - y[k]));
      size = std::max(size, std::abs(y[k]));
    }
  }
  return worst / size;
}

/// All bits of the fields.
std::string bytes_of(std::span<const Field> fields) {
  std::string out;
  for (const Field& field : fields) {
    const Tensor x = contiguous(field.value());
    out.append(static_cast<const char*>(x.raw()), size_t(x.numel()) * size_of(x.dtype()));
  }
  return out;
}

/// The same here as on rank 0.
void expect_same_everywhere(const std::string& bytes) {
  EXPECT_EQ(first_where(world(), bytes != text_of(world(), bytes, 0)), world().size());
}

TEST(DataParallel, TwoProcessesAreConnected) {
  ASSERT_EQ(world().size(), 2) << "start these tests by mpirun -n 2";
  EXPECT_EQ(first_where(world(), world().rank() == 1), 1);
  EXPECT_EQ(first_where(world(), false), 2);
  EXPECT_EQ(text_of(world(), world().rank() == 1 ? "said by 1" : "", 1), "said by 1");
}

class DataParallelFamilies : public ::testing::TestWithParam<Variant> {};
INSTANTIATE_TEST_SUITE_P(, DataParallelFamilies, ::testing::ValuesIn(all_variants()), testing::name_of_variant);

// Of the model and of its opponent, from the same rows and noise.
TEST_P(DataParallelFamilies, gradients_are_means_over_the_processes) {
  Built built = make_instance(GetParam());
  Rng data(5);
  const int64_t n = 8;
  const Tensor rows = rows_for(GetParam(), 2 * n, data);
  const auto agrees = [&](const std::vector<Field>& parameters, const auto& loss_of) {
    const auto share = [&](int rank) {
      Rng rng(7, uint64_t(rank));
      const Tensor batch = slice(rows, 0, rank * n, (rank + 1) * n);
      return value_and_grad(std::span<const Field>(parameters), [&] { return loss_of(batch, rng); },
                            {.allow_unused = true});
    };
    auto [loss, gradients] = share(world().rank());
    average(world(), gradients, loss);
    LossAndGradients expected = share(0), other = share(1);
    expected.gradients += other.gradients;
    expected.gradients.scale(0.5);
    EXPECT_LE(difference(gradients, expected.gradients), 1e-12);
    EXPECT_NEAR(loss.item(), (expected.loss.item() + other.loss.item()) / 2, 1e-12 * (1 + std::abs(loss.item())));
    return gradients;
  };
  const std::vector<Field> parameters = parameters_of(*built.transform);
  const Gradients found = agrees(parameters, [&](const Tensor& x, Rng& rng) { return built.objective->loss(x, rng); });
  if (Opponent* opponent = built.objective->opponent()) {
    std::vector<std::pair<Tensor*, Tensor>> buffers;
    for (const Field& field : fields_of(*opponent))
      if (field.buffer) buffers.emplace_back(field.buffer, copy(*field.buffer));
    agrees(parameters_of(*opponent), [&](const Tensor& x, Rng& rng) {
      for (auto& [buffer, before] : buffers)
        *buffer = copy(before);  // spectral normalisation goes on at every evaluation
      return opponent->loss(x, rng);
    });
  }

  // A likelihood is a mean over rows without noise: here twice the batch in one process gives the same.
  const auto* likelihood = dynamic_cast<const MaximumLikelihood*>(built.objective.get());
  if (!likelihood) return;
  Rng rng(7), other(8);
  const auto whole = [&](Rng& noise) {
    return value_and_grad(std::span<const Field>(parameters), [&] { return likelihood->loss(rows, noise); });
  };
  const LossAndGradients expected = whole(rng);
  if (expected.loss.item() != whole(other).loss.item()) return;  // its density is an estimate
  EXPECT_LE(difference(found, expected.gradients), 1e-9);
}

TEST_P(DataParallelFamilies, training_leaves_the_same_model_on_both) {
  const Dataset data = dataset_for(GetParam(), 200);
  Model model(config_for(GetParam(), data, 3), data.train);
  const TrainOptions options{.steps = 4, .batch = 16, .rate = 1e-3, .warmup = 1, .report_every = 1};
  const TrainResult result = Trainer(model, data, options, "", false, world()).run();
  std::string all = bytes_of(fields_of(model.transform()));
  if (Opponent* opponent = model.objective().opponent()) all += bytes_of(fields_of(*opponent));
  for (auto [step, loss] : result.loss) all.append(reinterpret_cast<const char*>(&loss), sizeof loss);
  expect_same_everywhere(all);
  EXPECT_EQ(result.vital_signs.empty(), world().rank() != 0 || vital_signs(model, data).empty());
}

Variant variant_named(const std::string& name) {
  for (const Variant& v : all_variants())
    if (v.name == name) return v;
  throw Error("no variant " + name);
}

// Stopped by one of the two, taken up again: the same bits as without the pause. Rank 0 alone writes.
TEST(DataParallel, ResumesToTheSameBits) {
  TemporaryFolder own;
  const std::string folder = text_of(world(), own / "run", 0);
  for (const char* name : {"flow_matching_ot", "gan_hinge", "vae_vq"}) {
    const Variant variant = variant_named(name);
    const Dataset data = dataset_for(variant, 200);
    const TrainOptions options{.steps = 8, .batch = 16, .rate = 1e-3, .warmup = 1};
    const auto train = [&](const std::string& to, bool resume, int64_t until) {
      Model model(config_for(variant, data, 3), data.train);
      int64_t steps = 0;
      const auto stop = [&] { return world().rank() == 1 && ++steps == until; };
      const TrainResult result = Trainer(model, data, options, to, resume, world()).run({}, stop);
      EXPECT_EQ(result.interrupted, until > 0);
      return bytes_of(fields_of(model.transform()));
    };
    const std::string to = folder + name, straight = train("", false, 0);
    train(to, false, 5);
    EXPECT_EQ(train(to, true, 0), straight) << name;
    if (world().rank() == 0) std::filesystem::remove_all(to);
  }
}

// Each process draws numbers of its own: with the same row everywhere, two losses are the mean of different ones.
TEST(DataParallel, NoiseDiffersBetweenProcesses) {
  const Variant variant = variant_named("flow_matching_independent");
  Dataset data = dataset_for(variant, 200);
  Dataset same = data;
  same.train = concat({slice(data.train, 0, 0, 2), slice(data.train, 0, 0, 2)}, 0);
  Model model(config_for(variant, same, 3), data.train);
  const TrainOptions options{.steps = 1, .batch = 2, .rate = 1e-9, .warmup = 1, .report_every = 1};
  const double together = Trainer(model, same, options, "", false, world()).run().loss[0].second;
  // The shares of rank 0 and 1, by themselves, with the generator that the run gives to each.
  std::vector<double> shares;
  for (uint64_t rank : {0, 1}) {
    Model again(config_for(variant, same, 3), data.train);
    Batches batches(same.train, same.train_context, 2, Rng(3).child(2), {int64_t(rank), 2});
    Rng run = Rng(3).child(3), own = run.split().child(rank);
    const Tensor batch = again.normalise(batches.next().x, own);
    shares.push_back(again.objective().loss(batch, own).value().item());
  }
  EXPECT_NE(shares[0], shares[1]);
  EXPECT_NEAR(together, (shares[0] + shares[1]) / 2, 1e-5 * std::abs(together));
}

TEST(DataParallel, ProcessesThatCameApartAreToldOf) {
  Rng rng(1);
  Linear layer(2, 2, rng);
  const std::vector<Field> fields = fields_of(layer);
  check_agreement(world(), fields);
  if (world().rank() == 1) layer.weight = Variable(layer.weight.value() * 1.5);
  const std::string error = testing::error_of([&] { check_agreement(world(), std::span(fields).first(1)); });
  if (world().rank() == 1) EXPECT_TRUE(testing::contains(error, "`weight` of rank 1 is no longer that of rank 0"));
  else EXPECT_EQ(error, "");
  broadcast(world(), fields);
  check_agreement(world(), fields);
}

}  // namespace
}  // namespace pf
