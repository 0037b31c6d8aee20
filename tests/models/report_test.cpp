// The atlas page: what it says is what it was given, whatever the names and numbers are, and its files are whole.

#include <gtest/gtest.h>
#include <png.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <set>

#include "models/report/atlas_pictures.h"
#include "models/report/metric_table.h"
#include "models/report/page_data.h"
#include "models/report/template.h"
#include "tensor/files.h"
#include "tensor/npy.h"
#include "tensor/ops/views.h"

namespace pf {
namespace {

namespace fs = std::filesystem;

Tensor points(int64_t n, int64_t width, double phase) {
  std::vector<double> values;
  for (int64_t i = 0; i < n * width; ++i) values.push_back(2 * std::sin(0.7 * double(i) + phase));
  return tensor(values, {n, width}, float64);
}

Tensor grid(int64_t g) {
  std::vector<double> values;
  for (int64_t i = 0; i < g * g; ++i) values.push_back(-double(i % g) * 0.01 - 1);
  return tensor(values, {g, g}, float64);
}

AtlasPanel panel(const std::string& family, double nll, double error, const std::string& kind = "exact") {
  AtlasPanel p;
  p.family = family;
  p.variant = "plain";
  p.title = "The " + family;
  p.map = "z goes to x.";
  p.density_kind = kind;
  p.verdict = "ok";
  p.base = points(50, 2, 0);
  p.pushed = points(50, 2, 1);
  p.samples = points(80, 2, 2);
  p.density = grid(20);
  p.loss = {{1, 3.5}, {2, 3.25}, {3, std::nan("")}, {4, 3.125}};
  p.loss_name = "negative log-likelihood, nats";
  p.metrics = {{"NLL", nll, error, NAN, kind, true, "", "nats"}, {"sliced W₂", 0.1, 0.01, 0.05, "", true, "", ""}};
  p.parameters = 12345;
  p.steps = 4;
  return p;
}

AtlasPage plane_page() {
  AtlasPage page;
  page.dataset = "moons";
  page.description = "two half circles";
  page.command = "pushforward atlas --data moons";
  page.entropy = 2.394;
  page.data = points(60, 2, 3);
  page.true_density = grid(20);
  page.range = 3;
  page.panels = {panel("flow", 2.43, 0.01), panel("vae", 2.91, 0.02, "bound"), panel("gan", NAN, NAN, "none")};
  return page;
}

AtlasPage image_page() {
  AtlasPage page = plane_page();
  page.dataset = "pictures";
  page.image_height = 4;
  page.image_width = 5;
  page.data = points(30, 20, 1);
  page.true_density = Tensor();
  for (AtlasPanel& p : page.panels) {
    p.pushed = p.density = Tensor();
    p.samples = points(30, 20, 2);
    p.nearest = points(9, 20, 3);
    p.interpolation = Tensor::empty({2, 5, 20});
    p.interpolation = tensor(points(10, 20, 4).to_vector<double>(), {2, 5, 20});
  }
  return page;
}

size_t count(const std::string& text, const std::string& part) {
  size_t n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++n;
  return n;
}

Json data_of(const std::string& html) {
  const std::string open = "<script type=\"application/json\" id=\"atlas-data\">";
  size_t from = html.find(open) + open.size();
  return Json::parse(html.substr(from, html.find("</script>", from) - from));
}

struct Folder {
  fs::path path = fs::temp_directory_path() / ("pf_report_" + std::to_string(::getpid()) + "_" +
                                               ::testing::UnitTest::GetInstance()->current_test_info()->name());
  Folder() { fs::remove_all(path); }
  ~Folder() { fs::remove_all(path); }
};

/// Width, height and whether any pixel differs from the first, by a reader that is not ours.
std::tuple<int, int, bool> decode(const fs::path& path) {
  png_image image{};
  image.version = PNG_IMAGE_VERSION;
  EXPECT_TRUE(png_image_begin_read_from_file(&image, path.c_str())) << path << ": " << image.message;
  image.format = PNG_FORMAT_RGB;
  std::vector<uint8_t> pixels(PNG_IMAGE_SIZE(image));
  EXPECT_TRUE(png_image_finish_read(&image, nullptr, pixels.data(), 0, nullptr)) << path << ": " << image.message;
  bool varied = false;
  for (size_t i = 3; i < pixels.size(); ++i) varied |= pixels[i] != pixels[i - 3];
  return {int(image.width), int(image.height), varied};
}

TEST(Template, FillsRepeatsAndEscapes) {
  Json values = {{"name", "<a & \"b\">"},
                 {"list", {{{"x", 1}}, {{"x", 2}}}},
                 {"none", Json::array()},
                 {"yes", true},
                 {"words", {"p", "q"}}};
  EXPECT_EQ(render_template("{{name}}|{{{name}}}", values), "&lt;a &amp; &quot;b&quot;&gt;|<a & \"b\">");
  EXPECT_EQ(render_template("{{#list}}{{x}}{{#yes}}{{name}}{{/yes}};{{/list}}",
                            {{"name", "n"}, {"yes", true}, {"list", values["list"]}}),
            "1n;2n;");
  EXPECT_EQ(render_template("{{#none}}a{{/none}}{{^none}}b{{/none}}{{#yes}}c{{/yes}}{{^yes}}d{{/yes}}", values), "bc");
  EXPECT_EQ(render_template("{{#words}}<{{.}}>{{/words}}", values), "<p><q>");
  EXPECT_EQ(render_template("{{name}}", {{"name", "{{name}}"}}), "{{name}}");  // values are not templates
  EXPECT_THROW(render_template("{{nothing}}", values), Error);
  EXPECT_THROW(render_template("{{#list}}", values), Error);
  EXPECT_THROW(render_template("{{name", values), Error);
}

TEST(Numbers, AreSetWithTheDigitsTheyHave) {
  EXPECT_EQ(with_error(2.43123, 0.0117), "2.431 ± 0.012");
  EXPECT_EQ(with_error(-1203.41, 4.217), "−1203.4 ± 4.2");
  EXPECT_EQ(with_error(2.43123, NAN), "2.431");
  EXPECT_EQ(with_error(NAN, 0.1), "–");
  EXPECT_EQ(significant(0.00019), "0.0001900");
  EXPECT_EQ(significant(66818), "66818");
  EXPECT_EQ(duration(9.44), "9.4 s");
  EXPECT_EQ(duration(148.3), "2 min 28 s");
  EXPECT_EQ(duration(59.7), "1 min");
  EXPECT_EQ(grouped(1234567), "1\u202f234\u202f567");
  EXPECT_EQ(grouped(123), "123");
  EXPECT_EQ(round_to(1.23456, 4), 1.235);
  EXPECT_EQ(round_to(-9.99961, 4), -10);
  EXPECT_EQ(round_to(1234567, 4), 1235000);
  EXPECT_EQ(round_to(0.000123456, 4), 0.0001235);
  EXPECT_EQ(round_to(1e-300, 4), 1e-300);
  EXPECT_EQ(base64({}), "");
  EXPECT_EQ(base64({'M'}), "TQ==");
  EXPECT_EQ(base64({'M', 'a'}), "TWE=");
  EXPECT_EQ(base64({'M', 'a', 'n'}), "TWFu");
}

TEST(Best, IsMarkedOnlyBeyondTwoStandardErrors) {
  AtlasPage page;
  page.panels = {panel("a", 2.40, 0.01), panel("b", 2.45, 0.01)};
  EXPECT_EQ(best_panel(page, "NLL"), 0u);
  page.panels[1].metrics[0].value = 2.42;  // two standard errors of the difference are 0.028
  EXPECT_EQ(best_panel(page, "NLL"), std::nullopt);
  page.panels[1].metrics[0] = {"NLL", 2.45, NAN, NAN, "exact", true, "", ""};  // an error that nobody knows
  EXPECT_EQ(best_panel(page, "NLL"), std::nullopt);
  page.panels[1].metrics[0] = {"NLL", NAN, NAN, NAN, "none", true, "", ""};  // alone
  EXPECT_EQ(best_panel(page, "NLL"), std::nullopt);
  page.panels.push_back(panel("c", 2.5, 0.001));
  EXPECT_EQ(best_panel(page, "NLL"), 0u);
  for (AtlasPanel& p : page.panels) p.metrics[0].lower_is_better = false;
  EXPECT_EQ(best_panel(page, "NLL"), 2u);
  EXPECT_EQ(best_panel(page, "nothing"), std::nullopt);
}

TEST(Best, IsNotMarkedWhereAnErrorIsZero) {
  AtlasPage page;
  page.panels = {panel("a", 8, 0.01), panel("b", 5, 0.01)};
  for (AtlasPanel& p : page.panels) p.metrics[0].lower_is_better = false;
  EXPECT_EQ(best_panel(page, "NLL"), 0u);
  for (size_t i : {0, 1}) {
    AtlasPage spoilt = page;
    spoilt.panels[i].metrics[0].error = 0;
    EXPECT_EQ(best_panel(spoilt, "NLL"), std::nullopt) << i;
  }
}

TEST(Best, ProbabilitiesAndDensitiesAreNotCompared) {
  AtlasPage page;
  page.panels = {panel("a", 900, 1), panel("b", 950, 1), panel("c", 90, 1)};
  AtlasPanel& binary = page.panels[2];
  binary.metrics[0].name = "NLL, binarised";
  binary.metrics[1].kind = "binarised";
  binary.metrics[1].value = 0.001, binary.metrics[1].floor = 0.0005;
  page.panels[1].metrics[1].value = 0.3;
  page.entropy = 800;
  EXPECT_EQ(best_panel(page, "NLL"), 0u);
  EXPECT_EQ(best_panel(page, "NLL, binarised"), std::nullopt);  // alone in its column
  EXPECT_EQ(best_panel(page, "sliced W₂"), 0u);                 // 0.1 against 0.3: the 0.001 is of other data
  EXPECT_EQ(metric_floor(page, "sliced W₂"), 0.05);
  EXPECT_EQ(metric_floor(page, "NLL"), 800);
  EXPECT_TRUE(std::isnan(metric_floor(page, "NLL, binarised")));
  EXPECT_NE(table_values(page).dump().find("binarised, floor 0.000500"), std::string::npos);
  for (AtlasPanel& p : page.panels) p.metrics[1].kind = "binarised";  // all of one kind again
  EXPECT_EQ(best_panel(page, "sliced W₂"), 2u);
}

TEST(AtlasPage, NamesEachFamilyOnce) {
  for (const AtlasPage& page : {plane_page(), image_page()}) {
    std::string html = atlas_html(page);
    for (const char* family : {"flow", "vae", "gan"}) {
      EXPECT_EQ(count(html, "<h3 id=\"" + std::string(family) + "-plain-title\">The " + family + "</h3>"), 1u);
      // In the table, and over the figures that move together.
      EXPECT_EQ(count(html, "<a href=\"#" + std::string(family) + "-plain\">The " + family + "</a>"),
                page.shows_images() ? 1u : 2u);
    }
    EXPECT_EQ(count(html, "<article "), 3u);
    EXPECT_EQ(count(html, "scope=\"row\""), 4u);  // three families and the floor
    EXPECT_EQ(count(html, "src="), 0u);           // nothing to fetch
    EXPECT_EQ(count(html, "http:") + count(html, "https:") + count(html, "url("), 0u);
    EXPECT_EQ(count(html, "default-src 'none'"), 1u);  // and the browser sees to it
    EXPECT_EQ(html.find("{{"), std::string::npos);
    EXPECT_EQ(count(html, "<canvas "), count(html, "role=\"img\" aria-label=\""));
  }
  std::string html = atlas_html(plane_page());
  EXPECT_NE(html.find("2.430 ± 0.010"), std::string::npos);
  EXPECT_NE(html.find("≤&nbsp;2.910 ± 0.020"), std::string::npos);
  EXPECT_NE(html.find("2.394 nats"), std::string::npos);
}

TEST(AtlasPage, CarriesTheNumbersItWasGiven) {
  AtlasPage page = plane_page();
  std::vector<double> path = points(150, 2, 5).to_vector<double>();
  page.panels[0].path = tensor(path, {3, 50, 2}, float64);
  page.panels[1].log_density = reshape(points(25, 2, 6), {50});
  page.panels[1].log_density_kind = "bound";
  Json data = data_of(atlas_html(page));
  EXPECT_EQ(data["panels"][1]["logDensityKind"], "bound");
  EXPECT_EQ(data["panels"][1]["logDensity"]["values"][7].get<double>(),
            round_to(page.panels[1].log_density.at({7}), 4));
  auto equal = [](const Json& array, const Tensor& x) {
    std::vector<double> values = numbers_of(x);
    ASSERT_EQ(array["values"].size(), values.size());
    EXPECT_EQ(array["shape"].size(), size_t(x.rank()));
    for (size_t i = 0; i < values.size(); ++i) ASSERT_EQ(array["values"][i].get<double>(), round_to(values[i], 4)) << i;
  };
  equal(data["noise"], page.panels[0].base);
  equal(data["data"], page.data);
  equal(data["trueDensity"], page.true_density);
  ASSERT_EQ(data["panels"].size(), 3u);
  for (size_t i = 0; i < 3; ++i) {
    EXPECT_TRUE(data["panels"][i]["base"].is_null());  // the noise of the page
    equal(data["panels"][i]["pushed"], page.panels[i].pushed);
    equal(data["panels"][i]["samples"], page.panels[i].samples);
    equal(data["panels"][i]["density"], page.panels[i].density);
    EXPECT_TRUE(i == 1 || data["panels"][i]["logDensity"].is_null());
  }
  equal(data["panels"][0]["path"], page.panels[0].path);
  EXPECT_EQ(data["panels"][0]["loss"]["values"], Json({3.5, 3.25, nullptr, 3.125}));
  EXPECT_EQ(data["panels"][0]["loss"]["steps"], Json({1, 2, 3, 4}));
  EXPECT_EQ(data["panels"][0]["metrics"][0]["value"], 2.43);
  EXPECT_EQ(data["entropy"], 2.394);
  EXPECT_EQ(data["range"], 3);
}

TEST(AtlasPage, KeepsDifferentNoiseApart) {
  AtlasPage page = plane_page();
  page.panels[1].base = points(50, 2, 9);
  Json data = data_of(atlas_html(page));
  EXPECT_TRUE(data["panels"][0]["base"].is_null());
  EXPECT_EQ(data["panels"][1]["base"]["shape"], Json({50, 2}));
}

TEST(AtlasPage, WritesUnknownNumbersAsNull) {
  AtlasPage page = plane_page();
  page.entropy = NAN;
  page.panels[0].pushed = tensor({NAN, 1, INFINITY, -INFINITY}, {2, 2});
  page.panels[0].base = tensor({0, 1, 2, 3}, {2, 2});
  page.panels[0].loss = {{1, INFINITY}};
  page.panels[0].density = full({8, 8}, -INFINITY);
  std::string html = atlas_html(page);
  Json data = data_of(html);
  EXPECT_TRUE(data["entropy"].is_null());
  EXPECT_EQ(data["panels"][0]["pushed"]["values"], Json({nullptr, 1, nullptr, nullptr}));
  EXPECT_TRUE(data["panels"][2]["metrics"][0]["value"].is_null());
  EXPECT_TRUE(data["panels"][0]["loss"]["values"][0].is_null());
  EXPECT_EQ(html.find("nan"), std::string::npos);
  EXPECT_EQ(html.find("<dt>Entropy</dt>"), std::string::npos);
}

TEST(AtlasPage, CannotBeBrokenByNames) {
  AtlasPage page = plane_page();
  const std::string evil = "</script><script>alert(1)</script><!-- \" ' & {{script}} \xff é";
  page.dataset = page.description = page.command = evil;
  AtlasPanel& p = page.panels[0];
  p.family = p.variant = p.title = p.map = p.verdict = p.loss_name = evil;
  p.metrics[0].name = p.metrics[0].note = p.metrics[0].unit = evil;
  std::string html = atlas_html(page);
  EXPECT_EQ(count(html, "<script"), 2u);
  EXPECT_EQ(count(html, "</script"), 2u);
  EXPECT_EQ(html.find("<!--"), std::string::npos);
  Json data = data_of(html);
  EXPECT_EQ(data["dataset"], "</script><script>alert(1)</script><!-- \" ' & {{script}} \xef\xbf\xbd é");
  std::vector<std::string> slugs = panel_slugs(page);
  EXPECT_EQ(slugs[0].find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos);
}

TEST(AtlasPage, GivesEveryFamilyAFileNameOfItsOwn) {
  AtlasPage page;
  for (const char* name : {"flow", "flow", "Overview", "loss", "", "../../etc", "流"}) {
    AtlasPanel p;
    p.family = name;
    page.panels.push_back(p);
  }
  std::vector<std::string> slugs = panel_slugs(page);
  EXPECT_EQ(slugs[1], "flow-2");
  EXPECT_EQ(std::set<std::string>(slugs.begin(), slugs.end()).size(), slugs.size());
  for (const std::string& slug : slugs) {
    EXPECT_FALSE(slug.empty() || slug == "overview" || slug == "loss") << slug;
    EXPECT_EQ(slug.find_first_not_of("abcdefghijklmnopqrstuvwxyz0123456789-"), std::string::npos) << slug;
  }
}

TEST(AtlasPage, StaysBelowItsSizeByThinning) {
  AtlasPage page = plane_page();
  page.panels.clear();
  page.data = points(10000, 2, 1);
  page.true_density = grid(256);
  for (int i = 0; i < 3; ++i) {
    AtlasPanel p = panel("family" + std::to_string(i), 2.4, 0.01);
    p.base = points(4000, 2, 0);
    p.pushed = points(4000, 2, 1);
    p.samples = points(10000, 2, 2);
    std::vector<double> path = points(4000 * 64, 2, 3).to_vector<double>(), end = p.pushed.to_vector<double>();
    path.insert(path.end(), end.begin(), end.end());
    p.path = tensor(path, {65, 4000, 2}, float64);
    p.density = grid(256);
    for (int step = 0; step < 20000; ++step) p.loss.push_back({step, std::cos(step)});
    page.panels.push_back(p);
  }
  std::string html = atlas_html(page);
  EXPECT_LT(html.size(), 3'000'000u);
  EXPECT_GT(html.size(), 700'000u);
  Json data = data_of(html), first = data["panels"][0];
  EXPECT_LE(first["loss"]["values"].size(), 600u);
  // What is left still belongs together: as many points in noise, push and path, and the path ends in the push.
  int64_t n = data["noise"]["shape"][0];
  EXPECT_EQ(first["pushed"]["shape"][0], n);
  EXPECT_EQ(first["path"]["shape"][1], n);
  EXPECT_GE(n, 250);
  Json path = first["path"]["values"], pushed = first["pushed"]["values"];
  EXPECT_EQ(first["path"]["shape"][2], 2);
  for (int64_t i = 0; i < 2 * n; ++i) ASSERT_EQ(path[path.size() - size_t(2 * n - i)], pushed[size_t(i)]);
}

TEST(AtlasPage, KeepsDensityMassWhenThinning) {
  AtlasPage page = plane_page();
  std::vector<double> fine;
  for (int i = 0; i < 320 * 320; ++i) fine.push_back(i % 2 ? std::log(0.3) : i % 4 ? -INFINITY : std::log(0.5));
  page.true_density = tensor(fine, {320, 320}, float64);
  Json coarse = page_data(page)["trueDensity"];
  EXPECT_EQ(coarse["shape"], Json({160, 160}));
  EXPECT_EQ(coarse["values"][0], round_to(std::log(0.4), 4));
  EXPECT_EQ(coarse["values"][1], round_to(std::log(0.15), 4));
}

TEST(AtlasPage, ShowsImagesAsBytes) {
  AtlasPage page = image_page();
  page.panels[0].nearest =
      tensor(std::vector<double>{0, 1, 0.5, 2, -1, NAN, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}, {1, 20});
  Json data = data_of(atlas_html(page));
  EXPECT_EQ(data["image"], Json({4, 5}));
  EXPECT_EQ(data["panels"][0]["nearest"]["bytes"],
            base64({0, 255, 128, 255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0}));
  EXPECT_EQ(data["panels"][0]["interpolation"]["shape"], Json({2, 5, 20}));
}

TEST(AtlasPage, RefusesShapesItCannotShow) {
  auto message = [](auto&& spoil) {
    AtlasPage page = plane_page();
    spoil(page);
    try {
      atlas_html(page);
    } catch (const Error& e) { return std::string(e.what()); }
    return std::string("no error");
  };
  EXPECT_EQ(message([](AtlasPage& p) { p.data = points(5, 3, 0); }), "atlas: data: shape [5, 3]: expected 2 columns");
  EXPECT_EQ(message([](AtlasPage& p) { p.panels[1].pushed = points(7, 2, 0); }),
            "atlas: The vae: pushed has 7 points: expected one for each of base");
  EXPECT_EQ(message([](AtlasPage& p) { p.panels[0].density = points(4, 2, 0); }),
            "atlas: The flow: density: shape [4, 2]: expected a square grid");
  EXPECT_EQ(message([](AtlasPage& p) { p.panels[0].log_density = full({3}, 1.0); }),
            "atlas: The flow: log_density has 3 numbers: expected one for each of pushed");
  EXPECT_EQ(message([](AtlasPage& p) { p.range = 0; }), "atlas: range 0: expected a positive half width");
  EXPECT_EQ(message([](AtlasPage& p) {
              p.data = zeros({3, 2}, int64);
            }),
            "atlas: data: int64: expected float32 or float64");
}

TEST(AtlasPage, ShowsWhatThereIs) {
  AtlasPage bare;
  bare.dataset = "nothing yet";
  std::string html = atlas_html(bare);
  EXPECT_NE(html.find("nothing yet"), std::string::npos);
  AtlasPanel p;
  p.family = "flow";
  bare.panels = {p};
  EXPECT_EQ(count(atlas_html(bare), "This map gives no density."), 1u);
  overview_picture(bare);
  panel_picture(bare, 0);
  loss_picture(bare);
}

TEST(WriteAtlas, WritesWholeFilesAndNothingElse) {
  for (const AtlasPage& page : {plane_page(), image_page()}) {
    Folder folder;
    write_atlas(page, (folder.path / "deep" / "atlas").string());
    std::set<std::string> names;
    for (const auto& entry : fs::directory_iterator(folder.path / "deep" / "atlas"))
      names.insert(entry.path().filename());
    EXPECT_EQ(names,
              (std::set<std::string>{"atlas.html", "overview.png", "flow-plain.png", "vae-plain.png", "gan-plain.png",
                                     "loss.png", "noise.npy", "flow-plain.npy", "vae-plain.npy", "gan-plain.npy"}));
    const Tensor saved = read_npy(folder.path / "deep" / "atlas" / "vae-plain.npy");
    const Tensor& given = page.shows_images() ? page.panels[1].samples : page.panels[1].pushed;
    EXPECT_EQ(numbers_of(saved), numbers_of(given));
    for (const std::string& name : names) {
      if (!name.ends_with(".png")) continue;
      auto [width, height, varied] = decode(folder.path / "deep" / "atlas" / name);
      EXPECT_GT(width, 300) << name;
      EXPECT_GT(height, 300) << name;
      EXPECT_TRUE(varied) << name;
    }
    EXPECT_EQ(read_file(folder.path / "deep" / "atlas" / "atlas.html"), atlas_html(page));
  }
}

TEST(WriteAtlas, LeavesTheOldPageWhereTheNewOneIsWrong) {
  Folder folder;
  AtlasPage page = plane_page();
  write_atlas(page, folder.path.string());
  std::string before = read_file(folder.path / "atlas.html");
  page.panels[0].pushed = points(3, 2, 0);
  EXPECT_THROW(write_atlas(page, folder.path.string()), Error);
  EXPECT_EQ(read_file(folder.path / "atlas.html"), before);
  std::ofstream(folder.path / "file") << "x";
  EXPECT_THROW(write_atlas(plane_page(), (folder.path / "file").string()), Error);
}

}  // namespace
}  // namespace pf
