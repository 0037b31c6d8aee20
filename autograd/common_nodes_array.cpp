#include "autograd/apply.h"

namespace pf::detail {
#define PF_COMPILED_HERE(...) template class __VA_ARGS__;
PF_COMMON_ARRAY_NODES(PF_COMPILED_HERE)
}  // namespace pf::detail
