#pragma once
// JSON by nlohmann's library, with the members of an object in the order they were put in. What it makes of its templates
// is compiled once, in json.cpp, not by every source that writes or reads some.

#include <nlohmann/json.hpp>
#include <string_view>

extern template class nlohmann::basic_json<nlohmann::ordered_map>;

namespace pf {

using Json = nlohmann::ordered_json;

/// The value that a text states; `is_discarded()` where the text is no JSON.
Json parse_json(std::string_view text);

}  // namespace pf
