#pragma once
// The page's own files, page/atlas.{html,css,js}, put into the library when it is built (embed.cmake).

#include <string_view>

namespace pf::embedded {

extern const std::string_view atlas_html, atlas_css, atlas_js;

}  // namespace pf::embedded
