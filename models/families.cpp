#include "models/family.h"
#include "tensor/suggest.h"

namespace pf {

Family autoencoder_family();
Family vae_family();
Family gan_family();
Family flow_family();
Family autoregressive_family();
Family flow_matching_family();
Family diffusion_family();

const std::vector<Family>& families() {
  static const std::vector<Family> list{
      autoencoder_family(),    vae_family(),           gan_family(),       flow_family(),
      autoregressive_family(), flow_matching_family(), diffusion_family(),
  };
  return list;
}

const Family& family(const std::string& name) {
  std::vector<std::string> names;
  for (const Family& f : families()) {
    if (f.name == name) return f;
    names.push_back(f.name);
  }
  std::string all;
  for (const std::string& n : names) all += (all.empty() ? "" : ", ") + n;
  throw UsageError(
      join("family '", name, "': there is none of this name", did_you_mean(name, names), "; there are ", all));
}

}  // namespace pf
