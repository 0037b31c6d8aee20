// What must hold of the training of every family: its first losses are the recorded ones, and the loss falls.

#include <array>
#include <cmath>
#include <map>

#include "models/metrics/energy_distance.h"
#include "models/train.h"
#include "tests/models/instances.h"
#include "tests/support/temporary.h"

namespace pf {
namespace {

using testing::all_variants;
using testing::config_for;
using testing::dataset_for;
using testing::Variant;

class TrainingLaws : public ::testing::TestWithParam<Variant> {
 protected:
  std::vector<double> train(int64_t steps, int64_t report_every) const {
    const Dataset data = dataset_for(GetParam(), 4000);
    Model model(config_for(GetParam(), data, 3), data.train);
    const TrainOptions options{.steps = steps, .batch = 128, .rate = 2e-3, .warmup = 10, .report_every = report_every};
    std::vector<double> losses;
    for (auto [step, loss] : Trainer(model, data, options).run().loss) losses.push_back(loss);
    return losses;
  }
};
INSTANTIATE_TEST_SUITE_P(, TrainingLaws, ::testing::ValuesIn(all_variants()), testing::name_of_variant);

// Ten steps at batch 128 from seed 3. A change here is a change of what is trained: record anew only when that was meant.
const std::map<std::string, std::array<double, 10>> recorded = {
    {"autoencoder_flow",
     {8.866104, 7.956894, 7.065759, 5.890822, 4.390639, 5.552577, 5.101503, 4.271731, 4.075523, 4.447611}},
    {"autoencoder_denoising",
     {9.13526, 8.087905, 7.542924, 6.331115, 4.657081, 5.96581, 5.592361, 4.756455, 4.463017, 4.944497}},
    {"autoencoder_rae_l2",
     {14.5918, 12.66475, 11.36325, 9.080326, 7.456846, 9.194033, 8.66678, 7.421859, 6.983624, 7.520798}},
    {"autoencoder_rae_gp",
     {15.93974, 14.75156, 12.8906, 10.82, 6.980861, 9.471424, 8.373055, 6.615119, 6.078965, 7.067932}},
    {"vae_gaussian",
     {51.95657, 33.73224, 30.66396, 20.01299, 22.04796, 22.65647, 17.81971, 15.64981, 14.40707, 15.11438}},
    {"vae_bernoulli",
     {7.653638, 6.044763, 5.410148, 5.830724, 5.317217, 4.798126, 4.868519, 4.371462, 4.441585, 4.538528}},
    {"vae_mixture", {51.55629, 33.98241, 30.2071, 19.82991, 21.95479, 22.6561, 17.41163, 15.82869, 14.53195, 15.19065}},
    {"vae_vamp", {32.64992, 31.67453, 22.5215, 19.90538, 16.8001, 19.40714, 16.38003, 15.83673, 14.91363, 13.48429}},
    {"vae_flow", {51.83451, 34.00204, 30.28913, 19.67912, 21.95664, 22.67769, 17.21235, 15.55836, 14.26834, 14.90159}},
    {"vae_full", {82.12433, 64.17074, 45.6675, 44.99917, 39.68129, 39.28416, 38.48415, 28.04282, 26.98982, 28.09208}},
    {"vae_dreg", {30.18214, 23.83974, 18.34395, 11.46552, 10.97773, 12.83126, 11.92303, 9.923727, 8.43341, 8.543314}},
    {"vae_gaussian_given",
     {15.68163, 18.44873, 15.56412, 10.43355, 10.98316, 10.506, 10.03187, 11.48116, 8.70053, 9.72057}},
    {"vae_bernoulli_given",
     {5.304436, 4.21922, 4.075098, 3.743644, 3.630525, 3.232636, 3.439615, 3.087087, 3.079932, 3.050782}},
    {"vae_mixture_given",
     {15.56633, 18.27086, 15.6324, 10.4563, 11.02607, 10.3888, 9.891985, 10.9849, 8.424975, 9.33308}},
    {"vae_vamp_given",
     {18.70248, 15.19036, 14.94575, 10.4872, 10.36054, 10.5131, 10.20399, 8.601807, 7.950896, 7.860504}},
    {"vae_flow_given",
     {15.7683, 18.55919, 15.87139, 10.26604, 11.05609, 10.49685, 10.04171, 11.38052, 8.367959, 9.458641}},
    {"vae_full_given",
     {21.24476, 24.34339, 20.15864, 15.04085, 13.61196, 13.69354, 12.68947, 11.36864, 11.66506, 11.80824}},
    {"vae_dreg_given",
     {8.862167, 9.825056, 9.072321, 8.521339, 7.34137, 6.940497, 7.366017, 7.502951, 6.984005, 6.761089}},
    {"flow_spline",
     {2.947728, 2.911023, 2.798214, 2.700971, 2.575686, 2.663571, 2.693786, 2.716687, 2.619068, 2.576944}},
    {"flow_realnvp", {2.9552, 3.012595, 2.956422, 2.86912, 2.751919, 2.775266, 2.723399, 2.798237, 2.667873, 2.64278}},
    {"flow_spline_ar",
     {2.809551, 2.835784, 2.739357, 2.65278, 2.569029, 2.626572, 2.642172, 2.675039, 2.576276, 2.54178}},
    {"flow_maf", {2.871819, 2.940882, 2.88186, 2.824335, 2.67596, 2.730246, 2.690882, 2.752743, 2.632255, 2.632287}},
    {"flow_iaf", {2.871819, 2.94062, 2.8816, 2.824432, 2.676589, 2.730914, 2.691639, 2.753503, 2.632703, 2.632741}},
    {"flow_cnf", {2.827489, 2.83032, 2.848309, 2.782555, 2.692903, 2.805647, 2.775008, 2.791685, 2.681914, 2.71472}},
    {"flow_glow", {2.889399, 2.970404, 2.91109, 2.835541, 2.694255, 2.784568, 2.736719, 2.794212, 2.686934, 2.668114}},
    {"flow_planar",
     {2.793171, 2.819457, 2.821951, 2.777707, 2.746716, 2.768387, 2.773648, 2.81845, 2.715477, 2.703211}},
    {"flow_residual",
     {3.02938, 3.121803, 3.085444, 3.057417, 2.842948, 2.975513, 2.929026, 2.986241, 2.84955, 2.868115}},
    {"autoregressive_gaussian_mixture",
     {3.487449, 3.448314, 3.404647, 3.34783, 3.34764, 3.322141, 3.323479, 3.324622, 3.301428, 3.276079}},
    {"autoregressive_logistic_mixture",
     {3.98668, 3.973298, 3.946467, 3.919064, 3.93229, 3.870024, 3.864379, 3.890649, 3.870589, 3.835534}},
    {"autoregressive_bernoulli",
     {1.407315, 1.388127, 1.386995, 1.386932, 1.384649, 1.38277, 1.382066, 1.382822, 1.381809, 1.37812}},
    {"flow_matching_ot",
     {1.752949, 2.133906, 1.497268, 1.175214, 1.170801, 1.391315, 1.221972, 0.9739293, 0.67546, 0.9056246}},
    {"flow_matching_independent",
     {4.745973, 5.210648, 4.503091, 4.527994, 4.757147, 4.314467, 4.339657, 4.674666, 4.056263, 3.714695}},
    {"diffusion_edm",
     {2.712697, 3.262094, 2.593869, 2.849213, 2.609556, 2.518233, 2.489842, 2.855901, 2.131369, 2.352818}},
    {"diffusion_vp_linear",
     {3.342033, 3.459938, 3.26722, 3.156152, 2.713446, 2.699753, 2.771517, 3.062523, 2.385814, 2.369124}},
    {"diffusion_vp_cosine",
     {2.855201, 3.331216, 2.536872, 2.962258, 2.663637, 2.668269, 2.774883, 2.762914, 2.189896, 2.37739}},
    {"diffusion_ancestral",
     {2.712697, 3.262094, 2.593869, 2.849213, 2.609556, 2.518233, 2.489842, 2.855901, 2.131369, 2.352818}},
    {"diffusion_sde",
     {2.712697, 3.262094, 2.593869, 2.849213, 2.609556, 2.518233, 2.489842, 2.855901, 2.131369, 2.352818}},
    {"flow_matching_schroedinger_bridge",
     {2.094513, 2.404809, 1.847811, 1.952362, 1.789118, 1.776132, 3.335155, 1.777413, 1.61048, 1.161468}},
    {"flow_matching_trigonometric",
     {6.586702, 6.795836, 6.278496, 5.646029, 5.832614, 6.445345, 5.481362, 5.725806, 5.18056, 5.290303}},
    {"flow_matching_mean_flow",
     {1.135347, 1.131105, 0.9944522, 1.057246, 0.9598517, 0.9239852, 0.7791971, 0.8660424, 0.8449383, 0.7985728}},
    {"gan_r3gan",
     {0.5683057, 0.574892, 0.5713907, 0.6203933, 0.6300588, 0.6362943, 0.638218, 0.6379808, 0.632699, 0.6312683}},
    {"gan_non_saturating",
     {0.7126098, 0.7221093, 0.7185673, 0.7445938, 0.7486681, 0.7454483, 0.741251, 0.7422402, 0.7354376, 0.7440162}},
    {"gan_least_squares",
     {0.4913747, 0.4528626, 0.435883, 0.432331, 0.4250592, 0.4041185, 0.4008567, 0.4057729, 0.404298, 0.4027236}},
    {"gan_wgan_gp",
     {0.05853191, 0.07060262, 0.08961578, 0.124769, 0.1110341, 0.1307807, 0.1240905, 0.1480393, 0.1638706, 0.172838}},
    {"gan_hinge",
     {-0.02837119, -0.01832699, -0.00623012, -0.003556576, 0.002197641, 0.005441369, 0.008846108, 0.01087848,
      0.01124367, 0.01160621}},
    {"gan_pacgan",
     {0.657455, 0.6557584, 0.6721842, 0.6675469, 0.690733, 0.6936298, 0.6954341, 0.6986856, 0.6908622, 0.6865044}},
    {"gan_mmd",
     {0.1141279, 0.1124467, 0.1005677, 0.1087884, 0.08847403, 0.1196485, 0.08293606, 0.08517418, 0.06484966,
      0.08009748}},
    {"gan_energy",
     {0.7668146, 0.487236, 0.5126313, 0.5463463, 0.3288547, 0.4411483, 0.4064976, 0.343483, 0.2367461, 0.4004588}},
    {"gan_sliced",
     {1.787764, 1.215212, 0.9701071, 0.7093681, 0.7689399, 0.7913589, 0.7608316, 0.4977139, 0.3631819, 0.5909414}},
};

TEST_P(TrainingLaws, FirstLossesAreTheRecordedOnes) {
  const std::vector<double> losses = train(10, 1);
  ASSERT_EQ(losses.size(), 10u);
  const auto known = recorded.find(GetParam().name);
  std::string found = "    {\"" + GetParam().name + "\", {";
  for (double loss : losses) {
    char text[32];
    std::snprintf(text, sizeof text, "%.7g, ", loss);
    found += text;
  }
  found.replace(found.size() - 2, 2, "}},");
  ASSERT_NE(known, recorded.end()) << "no losses are recorded; these were found:\n" << found;
  for (size_t i = 0; i < 10; ++i)
    ASSERT_NEAR(losses[i] / known->second[i], 1, 1e-4) << "step " << i + 1 << "; found:\n" << found;
}

/// The loss of a game says nothing about its progress: there it is the distance of samples and data that falls.
TEST_P(TrainingLaws, TheLossFalls) {
  const Dataset data = dataset_for(GetParam(), 4000);
  Model model(config_for(GetParam(), data, 3), data.train);
  auto distance = [&] {
    Rng rng(5);
    return energy_distance(model.sample(1000, rng, context_for(data.test_context, 1000)), slice(data.test, 0, 0, 1000))
        .value;
  };
  const double before = distance();
  const TrainOptions options{.steps = 400, .batch = 128, .rate = 2e-3, .warmup = 10, .ema = 0.98, .report_every = 40};
  const auto losses = Trainer(model, data, options).run().loss;
  if (model.objective().opponent()) EXPECT_LT(distance(), 0.5 * before);
  else EXPECT_LT(losses.back().second, losses.front().second - 0.05 * std::abs(losses.front().second));
}

}  // namespace
}  // namespace pf
