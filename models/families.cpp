#include "models/family.h"
#include "tensor/suggest.h"

namespace pf {

Family vae_family();
Family flow_family();
Family flow_matching_family();

const std::vector<Family>& families() {
  static const std::vector<Family> list{
      vae_family(),
      flow_family(),
      flow_matching_family(),
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
