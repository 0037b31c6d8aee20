#pragma once
// How many modes of a mixture adversarial networks find, and how many of their samples are good: the protocol of PacGAN (Lin et al.
// 2018, arXiv 1712.04086, section 4.1 and table 1) at a size for one core.
//
//   data       ring8: 8 Gaussians of σ .01 on the unit circle; grid25: 25 of σ .05, two apart; 100 000 points
//   figures    of 2500 samples: modes with at least one sample within 3σ, and the part of samples that are within 3σ of a mode.
//              True samples are in 98.889 % of cases.
//   published  10 trainings of 400 epochs, generator with 4 layers of 400 and batch normalisation, maxout critic; ± standard errors.
//              R3GAN (2501.05441) and WGAN-GP (1704.00028) show 2-D sets in pictures only: their rows have goals.

#include <string>
#include <vector>

#include "models/train.h"

namespace pf::bench {

struct ModesRow {
  std::string name;  // "r3gan/grid25"
  std::string data;
  std::vector<std::string> settings;  // of the family gan
  TrainOptions training;
  double modes_goal = 0, quality_goal = 0;  // means over the seeds; quality in per cent
  std::string published;                    // modes and quality in the paper, as text
};
const std::vector<ModesRow>& modes_rows();
/// "modes": all; "modes/r3gan/grid25": one. Throws UsageError where there is none.
std::vector<ModesRow> modes_rows_of(const std::string& name);

struct ModesOutcome {
  int64_t captured = 0, modes = 0;
  double quality = 0, reverse_kl = 0;  // quality in per cent
  double seconds = 0;                  // of processor time
};
/// Steps other than the row's where `steps` is not 0.
ModesOutcome train_for_modes(const ModesRow& row, uint64_t seed, int64_t steps = 0);

/// One line of JSON, and the lines of a table for people.
std::string to_json(const ModesRow& row, const std::vector<ModesOutcome>& outcomes);
std::string modes_header();
std::string modes_line(const ModesRow& row, const std::vector<ModesOutcome>& outcomes);

}  // namespace pf::bench
