#include "models/family.h"
#include "tensor/suggest.h"

namespace pf {

#define PF_FAMILY(name) Family name##_family();
#include "models/families.def"
#undef PF_FAMILY

const std::vector<Family>& families() {
#define PF_FAMILY(name) name##_family(),
  static const std::vector<Family> list{
#include "models/families.def"
  };
#undef PF_FAMILY
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
