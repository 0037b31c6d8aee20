#include "autograd/catalogue_parts.h"
#include "tensor/ops/all.h"

namespace pf::detail {

std::vector<OpEntry> pointwise_entries() {
  return {
#define PF_ENTRY(F) pf::pointwise_entry<F>(),
      PF_ALL_OPS(PF_ENTRY)
#undef PF_ENTRY
  };
}

}  // namespace pf::detail
