#include "bench/workloads/workload.h"

namespace pf::bench {

std::span<const WorkloadEntry> all_workloads() {
  static constexpr WorkloadEntry list[] = {
      {"flow_matching_2d", flow_matching_2d},
      {"realnvp_2d", realnvp_2d},
      {"nsf_2d", nsf_2d},
      {"wgan_gp_2d", wgan_gp_2d},
      {"vae_784", vae_784},
      {"made_784", made_784},
      {"transformer_ar_196", transformer_ar_196},
      {"ode_sample_2d", ode_sample_2d},
  };
  return list;
}

}  // namespace pf::bench
