#include "nn/state.h"

#include <algorithm>

#include "tensor/suggest.h"

namespace pf {

NamedTensors state_of(std::span<const ConstField> fields) {
  NamedTensors out;
  for (const ConstField& field : fields) out.add(field.path, field.value());
  return out;
}

void load_fields(std::span<const Field> fields, const NamedTensors& state) {
  std::vector<std::string> paths;
  for (const Field& field : fields) paths.push_back(field.path);
  std::vector<std::string> sorted = paths;
  std::sort(sorted.begin(), sorted.end());
  for (const auto& [name, value] : state.tensors)
    check(std::binary_search(sorted.begin(), sorted.end(), name), "load: `", name, "` ", value.shape(),
          ": the model has no such field", did_you_mean(name, paths));
  std::vector<const Tensor*> found;
  for (const Field& field : fields) {
    const Tensor* value = state.find(field.path);
    check(value, "load: `", field.path, "` ", field.value().shape(), " of the model is missing");
    check(value->shape() == field.value().shape() && value->dtype() == field.value().dtype(), "load: `", field.path,
          "` is ", value->shape(), " ", value->dtype(), ": the model's is ", field.value().shape(), " ",
          field.value().dtype());
    found.push_back(value);
  }
  for (size_t i = 0; i < fields.size(); ++i) {
    const Tensor value = to_device(*found[i], fields[i].value().device());
    if (fields[i].parameter) *fields[i].parameter = Variable(value);
    else *fields[i].buffer = value;
  }
}

}  // namespace pf
