#pragma once
// Modules are plain structs that list their fields once:
//
//   static void fields(auto& self, auto&& visit) { visit("weight", self.weight); visit("bias", self.bias); }
//
// A Variable is a parameter, a Tensor is a buffer (saved, but not trained), and a struct with fields of its own, or a
// vector, array, optional, variant or unique_ptr of any of these, is walked into; its path is "layers.2.weight". From the
// list follow counting, printing, copying, saving and loading, training, averaging. An empty handle (no bias) is no field.
//
// Tensors are immutable handles, so copying a module by value takes a snapshot that nothing can change.

#include <array>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "autograd/variable.h"

namespace pf {

/// A struct that lists its fields.
template <class M>
concept Module = requires(M& m) {
  std::remove_const_t<M>::fields(m, [](const char*, auto&) {});
};

/// What a walk over fields meets, in the order in which they are listed.
template <class V, class T> struct BasicFieldVisitor {
  virtual ~BasicFieldVisitor() = default;
  virtual void parameter(const std::string& name, V& parameter) = 0;
  virtual void buffer(const std::string& name, T& buffer) = 0;
  virtual void enter(const std::string& name, std::string_view type) = 0;  // the fields that follow belong to it
  virtual void leave() = 0;
};
using FieldVisitor = BasicFieldVisitor<Variable, Tensor>;
using ConstFieldVisitor = BasicFieldVisitor<const Variable, const Tensor>;

/// An interface behind which modules hide: its virtual functions take the place of `fields`.
template <class M>
concept ModuleInterface = requires(M& m, const M& c, const std::string& name, FieldVisitor& visitor,
                                   ConstFieldVisitor& const_visitor) {
  m.visit_fields(name, visitor);
  c.visit_fields(name, const_visitor);
};

namespace detail {

template <class T> constexpr std::string_view type_name() {
  std::string_view text = __PRETTY_FUNCTION__;  // "… [with T = pf::Linear; …]"
  text.remove_prefix(text.find("T = ") + 4);
  text = text.substr(0, text.find_first_of(";]"));
  if (text.starts_with("pf::")) text.remove_prefix(4);
  return text;
}

template <class T> inline constexpr bool is_sequence = false;
template <class T> inline constexpr bool is_sequence<std::vector<T>> = true;
template <class T, size_t n> inline constexpr bool is_sequence<std::array<T, n>> = true;
template <class T> inline constexpr bool is_holder = false;
template <class T> inline constexpr bool is_holder<std::optional<T>> = true;
template <class T> inline constexpr bool is_holder<std::unique_ptr<T>> = true;
template <class T> inline constexpr bool is_variant = false;
template <class... T> inline constexpr bool is_variant<std::variant<T...>> = true;

template <class X, class V, class T> void walk_fields(const std::string& name, X& x, BasicFieldVisitor<V, T>& visitor) {
  using Plain = std::remove_const_t<X>;
  if constexpr (std::same_as<Plain, Variable>) {
    if (x.defined()) visitor.parameter(name, x);
  } else if constexpr (std::same_as<Plain, Tensor>) {
    if (x.defined()) visitor.buffer(name, x);
  } else if constexpr (Module<Plain>) {
    visitor.enter(name, type_name<Plain>());
    Plain::fields(x, [&](const char* field, auto& value) { walk_fields(field, value, visitor); });
    visitor.leave();
  } else if constexpr (ModuleInterface<Plain>) {
    x.visit_fields(name, visitor);
  } else if constexpr (is_sequence<Plain>) {
    for (size_t i = 0; i < x.size(); ++i) walk_fields(join(name, ".", i), x[i], visitor);
  } else if constexpr (is_holder<Plain>) {
    using Held = std::remove_reference_t<decltype(*x)>;
    if (x) walk_fields(name, static_cast<std::conditional_t<std::is_const_v<X>, const Held, Held>&>(*x), visitor);
  } else {
    static_assert(is_variant<Plain>, "a field is a Variable, a Tensor, a module, or a container of those");
    std::visit([&](auto& held) { walk_fields(name, held, visitor); }, x);
  }
}

}  // namespace detail

/// Base of a final class that stands behind a ModuleInterface: `struct Affine final : Implements<Affine, Transform>`.
template <class Self, class Interface> struct Implements : Interface {
  void visit_fields(const std::string& name, FieldVisitor& visitor) override {
    detail::walk_fields(name, static_cast<Self&>(*this), visitor);
  }
  void visit_fields(const std::string& name, ConstFieldVisitor& visitor) const override {
    detail::walk_fields(name, static_cast<const Self&>(*this), visitor);
  }
};

/// One field, with its path from the outermost module. Exactly one of the pointers is set.
template <class V, class T> struct BasicField {
  std::string path;
  V* parameter = nullptr;
  T* buffer = nullptr;
  const Tensor& value() const { return parameter ? parameter->value() : *buffer; }
};
using Field = BasicField<Variable, Tensor>;
using ConstField = BasicField<const Variable, const Tensor>;

namespace detail {
/// Flattens a walk into a list.
template <class V, class T> struct FieldCollector final : BasicFieldVisitor<V, T> {
  std::vector<BasicField<V, T>> list;
  std::string prefix;
  std::vector<size_t> lengths;
  void parameter(const std::string& name, V& parameter) override {
    list.push_back({prefix + name, &parameter, nullptr});
  }
  void buffer(const std::string& name, T& buffer) override { list.push_back({prefix + name, nullptr, &buffer}); }
  void enter(const std::string& name, std::string_view) override {
    lengths.push_back(prefix.size());
    if (!name.empty()) prefix += name + ".";
  }
  void leave() override {
    prefix.resize(lengths.back());
    lengths.pop_back();
  }
};
std::string print_fields(const std::function<void(ConstFieldVisitor&)>& walk);
}  // namespace detail

template <class M>
concept AnyModule = Module<M> || ModuleInterface<M>;

/// All fields in the order of their listing. They point into the module, which must stay where it is: build the list
/// once, after the module stands, and use it for every step.
template <AnyModule M> std::vector<Field> fields_of(M& module) {
  detail::FieldCollector<Variable, Tensor> collector;
  detail::walk_fields("", module, collector);
  return std::move(collector.list);
}
template <AnyModule M> std::vector<ConstField> fields_of(const M& module) {
  detail::FieldCollector<const Variable, const Tensor> collector;
  detail::walk_fields("", module, collector);
  return std::move(collector.list);
}

/// Only the parameters, or only those at or below one path: parameters_of(gan, "critic").
template <AnyModule M>
requires(!std::is_const_v<M>) std::vector<Field> parameters_of(M& module, std::string_view below = {}) {
  std::vector<Field> out;
  for (Field& field : fields_of(module)) {
    const std::string_view path = field.path;
    const bool inside =
        below.empty() || (path.starts_with(below) && (path.size() == below.size() || path[below.size()] == '.'));
    if (field.parameter && inside) out.push_back(std::move(field));
  }
  check(below.empty() || !out.empty(), "parameters_of: there is no parameter below `", below, "`");
  return out;
}

/// How many numbers are trained.
template <AnyModule M> int64_t count_parameters(const M& module) {
  int64_t count = 0;
  for (const ConstField& field : fields_of(module))
    if (field.parameter) count += field.parameter->numel();
  return count;
}

/// The tree of modules and fields with their shapes, for people.
template <AnyModule M> std::string to_string(const M& module) {
  return detail::print_fields([&](ConstFieldVisitor& visitor) { detail::walk_fields("", module, visitor); });
}

/// A copy whose floating-point fields have this element type.
template <Module M> M cast_module(M module, DType dtype) {
  for (Field& field : fields_of(module)) {
    if (!is_floating(field.value().dtype())) continue;
    if (field.parameter) *field.parameter = Variable(cast(field.value(), dtype));
    else *field.buffer = cast(field.value(), dtype);
  }
  return module;
}

/// The same paths, shapes, element types and bits.
bool fields_equal(std::span<const ConstField> a, std::span<const ConstField> b);
template <AnyModule M> bool module_equal(const M& a, const M& b) { return fields_equal(fields_of(a), fields_of(b)); }

/// Calls f; an Error that passes gets the place put in front: "in layers.2: linear: …". Costs nothing without one.
template <class F> decltype(auto) within(const char* field, F&& f) {
  try {
    return f();
  } catch (Error& error) {
    error.add_module(field);
    throw;
  }
}
template <class F> decltype(auto) within(const char* field, size_t index, F&& f) {
  try {
    return f();
  } catch (Error& error) {
    error.add_module(join(field, ".", index));
    throw;
  }
}

}  // namespace pf
