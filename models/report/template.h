#pragma once
// A small template language, the core of Mustache: {{name}} is replaced by an escaped value, {{{name}}} by the value as
// it is, {{#name}}…{{/name}} is repeated for each element of a list or kept for a true value, {{^name}}…{{/name}} kept
// for an empty or false one. {{.}} is the element itself. Names are looked up from the innermost element outwards.

#include <string>
#include <string_view>

#include "tensor/json.h"

namespace pf {

/// `text` filled in from `values`. A name that is nowhere is an error, since a hole in a page would go unseen.
std::string render_template(std::string_view text, const Json& values);

/// Text as HTML content or attribute value: & < > " ' become entities.
std::string escape_html(std::string_view text);

/// JSON that can stand inside <script> of any page: every "<" is written \u003c, invalid UTF-8 is replaced.
std::string script_json(const Json& value);

}  // namespace pf
