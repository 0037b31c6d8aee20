#include "models/report/atlas_page.h"

#include <algorithm>
#include <cmath>
#include <sstream>

#include "models/report/embedded.h"
#include "models/report/metric_table.h"
#include "models/report/page_data.h"
#include "models/report/template.h"

namespace pf {
namespace {

constexpr size_t largest_page = 2'900'000;

/// How the density of a panel came about, as the label of its figure.
std::string density_words(const std::string& kind) {
  if (kind == "exact") return "exact";
  if (kind == "ode") return "by its ODE";
  if (kind == "bound") return "a lower bound";
  return kind;
}

std::string why_no_density(const std::string& kind) {
  if (kind == "none" || kind.empty()) return "This map gives no density.";
  return "Not computed here.";
}

Json words(const std::string& text) {
  Json out = Json::array();
  std::istringstream in(text);
  for (std::string word; in >> word;) out.push_back(word);
  return out;
}

Json panel_values(const AtlasPage& page, size_t index, const std::string& slug) {
  const AtlasPanel& panel = page.panels[index];
  bool ok = panel.verdict == "ok" || panel.verdict.starts_with("ok:") || panel.verdict.starts_with("ok ");
  std::string kind = panel.density_kind.empty() ? "none" : panel.density_kind;
  return {{"index", index},
          {"slug", slug},
          {"panel_title", panel.title},
          {"family", panel.family},
          {"variant", panel.variant},
          {"map", panel.map},
          {"kind", kind},
          {"kind_words", density_words(kind)},
          {"no_density", why_no_density(kind)},
          {"verdict", panel.verdict},
          {"verdict_class", panel.verdict.empty() || panel.verdict == "not judged" ? "unknown"
                            : ok                                                   ? "ok"
                                                                                   : "warn"},
          {"parameters", grouped(panel.parameters)},
          {"steps", grouped(panel.steps)},
          {"train_time", duration(panel.train_seconds)},
          {"sample_time", significant(panel.sample_ms_per_1000, 2)},
          {"has_push", panel.pushed.defined()},
          {"has_samples", panel.samples.defined()},
          {"has_density", panel.density.defined()},
          {"has_interpolation", panel.interpolation.defined()},
          {"has_walks", panel.walks.defined()},
          {"has_lattice", panel.lattice.defined()},
          {"has_nearest", panel.nearest.defined() && panel.samples.defined()},
          {"has_loss", !panel.loss.empty()},
          {"loss_name", panel.loss_name.empty() ? "loss" : panel.loss_name},
          {"point_count", panel.pushed.defined() ? grouped(panel.pushed.size(0)) : ""},
          {"sample_count", panel.samples.defined() ? grouped(panel.samples.size(0)) : ""}};
}

std::string page_script() {
  using namespace embedded;
  std::string out;
  for (std::string_view part :
       {data_js, drawing_js, figures_js, walk_js, stage_js, brush_js, table_js, page_js, selftest_js})
    out += part;
  return out;
}

Json page_values(const AtlasPage& page) {
  std::vector<std::string> slugs = panel_slugs(page);
  Json values = table_values(page);
  Json panels = Json::array();
  for (size_t i = 0; i < page.panels.size(); ++i) panels.push_back(panel_values(page, i, slugs[i]));
  const Tensor noise = page.panels.empty() ? Tensor() : page.panels[0].base;
  bool has_stage = !page.shows_images() && noise.defined();  // figures of the plane that move together
  values.update(
      {{"dataset", page.dataset},
       {"description", page.description},
       {"command", page.command},
       {"command_words", words(page.command)},
       {"seed", page.seed},
       {"entropy", std::isfinite(page.entropy) ? significant(page.entropy) + " nats" : ""},
       {"total_time", page.total_seconds > 0 ? duration(page.total_seconds) : ""},
       {"images", page.shows_images()},
       {"has_data", page.data.defined()},
       {"has_true_density", page.true_density.defined()},
       {"data_count", page.data.defined() ? grouped(page.data.size(0)) : ""},
       {"facts_span", 4 - (noise.defined() && !has_stage) - page.data.defined() -
                          (page.true_density.defined() && !page.shows_images())},
       {"scale",
        {{"low", significant(density_top(page) - density_span, 2)}, {"high", significant(density_top(page), 2)}}},
       {"has_stage", has_stage},
       {"has_walk", std::any_of(page.panels.begin(), page.panels.end(),
                                [](const AtlasPanel& p) { return p.walks.defined() || p.lattice.defined(); })},
       {"has_noise", noise.defined()},
       {"noise_count", noise.defined() ? grouped(noise.size(0)) : ""},
       {"panels", std::move(panels)},
       {"style", embedded::atlas_css},
       {"script", page_script()}});
  return values;
}

}  // namespace

std::vector<std::string> panel_slugs(const AtlasPage& page) {
  std::vector<std::string> slugs;
  for (const AtlasPanel& panel : page.panels) {
    std::string slug;
    for (char c : panel.family + (panel.variant.empty() ? "" : "-" + panel.variant)) {
      bool plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9');
      if (c >= 'A' && c <= 'Z') slug += char(c - 'A' + 'a');
      else if (plain) slug += c;
      else if (!slug.empty() && slug.back() != '-') slug += '-';
    }
    while (slug.ends_with('-')) slug.pop_back();
    if (slug.empty() || slug == "overview" || slug == "loss") slug = "family-" + slug;
    std::string unique = slug;
    for (int copy = 2; std::find(slugs.begin(), slugs.end(), unique) != slugs.end(); ++copy)
      unique = slug + "-" + std::to_string(copy);
    slugs.push_back(unique);
  }
  return slugs;
}

std::string atlas_html(const AtlasPage& page) {
  check_page(page);
  Json values = page_values(page);
  for (int thinning = 0;; ++thinning) {
    values["data"] = script_json(page_data(page, thinning));
    if (values["data"].get_ref<const std::string&>().size() < largest_page - 200'000 || thinning == 6) break;
  }
  std::string html = render_template(embedded::atlas_html, values);
  check(html.size() < 3'000'000, "atlas: the page has ", html.size(),
        " bytes: expected fewer than 3 MB; show fewer families");
  return html;
}

}  // namespace pf
