#pragma once
// The page's own files, page/*, put into the library when it is built (embed.cmake).

#include <string_view>

namespace pf::embedded {

extern const std::string_view atlas_html, atlas_css;
/// Parts of one script, in this order.
extern const std::string_view data_js, drawing_js, figures_js, walk_js, stage_js, brush_js, table_js, page_js,
    selftest_js;

}  // namespace pf::embedded
