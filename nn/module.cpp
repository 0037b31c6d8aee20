#include "nn/module.h"

#include <cstring>

namespace pf {
namespace {

/// 1234567 → "1,234,567"
std::string with_commas(int64_t number) {
  std::string digits = join(number);
  for (int64_t at = int64_t(digits.size()) - 3; at > 0; at -= 3) digits.insert(size_t(at), 1, ',');
  return digits;
}

struct Printer final : ConstFieldVisitor {
  std::string text;
  int depth = 0;
  int64_t parameters = 0;

  void line(const std::string& content) { text += std::string(size_t(2 * depth), ' ') + content + "\n"; }
  void field(const std::string& name, const Tensor& value, const char* note) {
    line(join(name, " ", value.shape(), value.dtype() == float32 ? "" : join(" ", value.dtype()), note));
  }
  void parameter(const std::string& name, const Variable& parameter) override {
    parameters += parameter.numel();
    field(name, parameter.value(), "");
  }
  void buffer(const std::string& name, const Tensor& buffer) override { field(name, buffer, " (buffer)"); }
  void enter(const std::string& name, std::string_view type) override {
    line(name.empty() ? std::string(type) : join(name, ": ", type));
    ++depth;
  }
  void leave() override { --depth; }
};

}  // namespace

std::string detail::print_fields(const std::function<void(ConstFieldVisitor&)>& walk) {
  Printer printer;
  walk(printer);
  return printer.text + with_commas(printer.parameters) + " parameters\n";
}

bool fields_equal(std::span<const ConstField> a, std::span<const ConstField> b) {
  if (a.size() != b.size()) return false;
  for (size_t i = 0; i < a.size(); ++i) {
    const Tensor x = to_device(contiguous(a[i].value()), Device::cpu());
    const Tensor y = to_device(contiguous(b[i].value()), Device::cpu());
    if (a[i].path != b[i].path || !(x.shape() == y.shape()) || x.dtype() != y.dtype()) return false;
    if (std::memcmp(x.raw(), y.raw(), size_t(x.numel() * size_of(x.dtype()))) != 0) return false;
  }
  return true;
}

}  // namespace pf
