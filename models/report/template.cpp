#include "models/report/template.h"

#include <vector>

#include "tensor/error.h"

namespace pf {
namespace {

using Scope = std::vector<const Json*>;  // outermost first

const Json& look_up(const Scope& scope, const std::string& name) {
  if (name == ".") return *scope.back();
  for (auto values = scope.rbegin(); values != scope.rend(); ++values)
    if ((*values)->is_object() && (*values)->contains(name)) return (**values)[name];
  fail("template: nothing is called \"", name, "\"");
}

bool is_shown(const Json& value) {
  if (value.is_boolean()) return value.get<bool>();
  return !(value.is_null() || (value.is_string() && value.get_ref<const std::string&>().empty()) ||
           (value.is_array() && value.empty()));
}

std::string as_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

/// Where the section called `name` ends: the place of its {{/name}}. Sections of the same name do not nest.
size_t section_end(std::string_view text, size_t from, const std::string& name) {
  size_t end = text.find("{{/" + name + "}}", from);
  check(end != std::string_view::npos, "template: {{#", name, "}} has no {{/", name, "}}");
  return end;
}

void render(std::string_view text, const Scope& scope, std::string& out) {
  size_t at = 0;
  while (true) {
    size_t open = text.find("{{", at);
    out += text.substr(at, open - at);
    if (open == std::string_view::npos) return;
    bool raw = text.substr(open).starts_with("{{{");
    size_t name_at = open + (raw ? 3 : 2), close = text.find(raw ? "}}}" : "}}", open);
    check(close != std::string_view::npos, "template: {{ without }}");
    std::string name(text.substr(name_at, close - name_at));
    at = close + (raw ? 3 : 2);
    if (name.starts_with('#') || name.starts_with('^')) {
      bool inverted = name.starts_with('^');
      name.erase(0, 1);
      size_t end = section_end(text, at, name);
      std::string_view body = text.substr(at, end - at);
      at = end + name.size() + 5;
      const Json& value = look_up(scope, name);
      Scope inner = scope;
      inner.push_back(&value);
      if (inverted) {
        if (!is_shown(value)) render(body, scope, out);
      } else if (value.is_array()) {
        for (const Json& element : value) {
          inner.back() = &element;
          render(body, inner, out);
        }
      } else if (is_shown(value)) {
        render(body, inner, out);
      }
    } else {
      std::string value = as_text(look_up(scope, name));
      out += raw ? value : escape_html(value);
    }
  }
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (char c : text) {
    if (c == '&') out += "&amp;";
    else if (c == '<') out += "&lt;";
    else if (c == '>') out += "&gt;";
    else if (c == '"') out += "&quot;";
    else if (c == '\'') out += "&#39;";
    else out += c;
  }
  return out;
}

std::string script_json(const Json& value) {
  std::string out;
  for (char c : value.dump(-1, ' ', false, Json::error_handler_t::replace)) {
    if (c == '<') out += "\\u003c";
    else out += c;
  }
  return out;
}

std::string render_template(std::string_view text, const Json& values) {
  std::string out;
  render(text, {&values}, out);
  return out;
}

}  // namespace pf
