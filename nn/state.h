#pragma once
// A module's fields by name, for files and for moving weights between modules.

#include "nn/module.h"
#include "tensor/safetensors.h"

namespace pf {

NamedTensors state_of(std::span<const ConstField> fields);
/// Puts tensors into the fields of those names. Nothing is changed unless everything fits: a missing or unexpected name,
/// another shape or element type is an error that names the path.
void load_fields(std::span<const Field> fields, const NamedTensors& state);

/// Parameters and buffers by path. The tensors are the module's own, not copies; nobody changes shared ones.
template <AnyModule M> NamedTensors state_dict(const M& module) { return state_of(fields_of(module)); }
template <AnyModule M>
requires(!std::is_const_v<M>) void load_state(M& module, const NamedTensors& state) {
  load_fields(fields_of(module), state);
}

}  // namespace pf
