// The atlas page in a browser: headless Chromium opens pages at #selftest, where the page checks itself (selftest.js) and
// writes what it found into its root. Skipped, and said so, where there is no Chromium.

#include <gtest/gtest.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>
#include <sstream>

#include "models/report/atlas.h"
#include "models/report/page_data.h"
#include "tensor/files.h"
#include "tensor/npy.h"
#include "tests/models/browser.h"

namespace pf {
namespace {

namespace fs = std::filesystem;

struct Folder {
  fs::path path = fs::temp_directory_path() / ("pf_page_" + std::to_string(::getpid()) + "_" +
                                               ::testing::UnitTest::GetInstance()->current_test_info()->name());
  Folder() {
    fs::remove_all(path);
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
};

using testing::browser_path;

std::string output_of(const std::string& command) {
  std::string out;
  FILE* pipe = ::popen(command.c_str(), "r");
  if (!pipe) return "popen failed";
  std::array<char, 4096> part;
  for (size_t n; (n = std::fread(part.data(), 1, part.size(), pipe)) > 0;) out.append(part.data(), n);
  ::pclose(pipe);
  return out;
}

/// What the page says of itself in a window this wide, and what the console says that is not a hint about speed.
std::pair<std::string, std::string> selftest(const fs::path& folder, int width) {
  const fs::path log = folder / "console.txt";
  const std::string dom = output_of(
      "timeout 120 " + browser_path() +
      " --headless=new --no-sandbox --disable-gpu --no-first-run --disable-background-networking --hide-scrollbars"
      " --host-resolver-rules='MAP * ~NOTFOUND' --enable-logging=stderr --virtual-time-budget=4000 --window-size=" +
      std::to_string(width) + ",1200 --user-data-dir='" + (folder / "browser").string() + "' --dump-dom 'file://" +
      (folder / "atlas.html").string() + "#selftest' 2> '" + log.string() + "'");
  std::string console;
  std::istringstream lines(read_file(log));
  for (std::string line; std::getline(lines, line);)
    if (line.find(":CONSOLE") != std::string::npos && line.find("willReadFrequently") == std::string::npos)
      console += line + "\n";
  const std::string open = "data-selftest=\"";
  const size_t from = dom.find(open);
  if (from == std::string::npos) return {"no verdict in the page of " + std::to_string(dom.size()) + " bytes", console};
  return {dom.substr(from + open.size(), dom.find('"', from + open.size()) - from - open.size()), console};
}

Tensor wave(const Shape& shape, double phase) {
  int64_t n = 1;
  for (int64_t size : shape) n *= size;
  std::vector<double> values;
  for (int64_t i = 0; i < n; ++i) values.push_back(2 * std::sin(0.7 * double(i) + phase));
  return tensor(values, shape, float64);
}

void expect_passes(const fs::path& folder, const std::vector<std::string>& checks) {
  for (int width : {1300, 390}) {
    const auto [verdict, console] = selftest(folder, width);
    EXPECT_TRUE(verdict.starts_with("passed: ")) << width << " pixels wide: " << verdict;
    for (const std::string& check : checks)
      EXPECT_NE(verdict.find(check), std::string::npos) << "not checked: " << check << ": " << verdict;
    EXPECT_EQ(console, "") << width << " pixels wide";
  }
}

nlohmann::json data_of(const std::string& html) {
  const std::string open = "<script type=\"application/json\" id=\"atlas-data\">";
  const size_t from = html.find(open) + open.size();
  return nlohmann::json::parse(html.substr(from, html.find("</script>", from) - from));
}

/// All families, hardly trained: what moves on the page is real. The files beside the page are what it shows at t = 1.
TEST(AtlasInABrowser, MovesSelectsAndSorts) {
  Folder folder;
  ASSERT_TRUE(make_atlas({.data = "moons", .folder = folder.path.string(), .seed = 3, .effort = 0.002}));
  const nlohmann::json data = data_of(read_file(folder.path / "atlas.html"));
  ASSERT_EQ(data["panels"].size(), families().size());
  const auto expect_equal = [](const nlohmann::json& shown, const Tensor& saved, const std::string& name) {
    const std::vector<double> numbers = numbers_of(saved);
    ASSERT_EQ(shown.size(), numbers.size()) << name;
    for (size_t i = 0; i < numbers.size(); ++i) ASSERT_EQ(shown[i].get<double>(), round_to(numbers[i], 4)) << name;
  };
  expect_equal(data["noise"]["values"], read_npy(folder.path / "noise.npy"), "noise");
  for (const nlohmann::json& panel : data["panels"]) {
    const std::string name = panel["family"];
    const nlohmann::json &path = panel["path"]["values"], &noise = data["noise"]["values"];
    const nlohmann::json& pushed = panel["pushed"]["values"];
    ASSERT_GE(panel["path"]["shape"][0], 2) << name;
    EXPECT_LE(panel["path"]["shape"][0], 24) << name;
    for (size_t i = 0; i < noise.size(); ++i) {
      ASSERT_EQ(path[i], noise[i]) << name << " starts at the noise";
      ASSERT_EQ(path[path.size() - noise.size() + i], pushed[i]) << name << " ends at its samples";
    }
    expect_equal(pushed, read_npy(folder.path / (panel["id"].get<std::string>() + ".npy")), name);
    EXPECT_EQ(panel["lines"]["shape"][0], panel["path"]["shape"][0]) << name;
    // What a map without a density has is that of its image, and it says so.
    EXPECT_EQ(panel["logDensityKind"], panel["densityKind"] == "none" ? "injective" : panel["densityKind"]) << name;
    EXPECT_EQ(2 * panel["logDensity"]["values"].size(), noise.size()) << name;
  }
  if (browser_path().empty()) GTEST_SKIP() << "no chromium in PATH: the page was written, but not opened";
  const std::vector<std::string> checks{"all start at the noise",
                                        "all pictures are the same at 0",
                                        "all end at their samples",
                                        "the slider sets the time",
                                        "play moves",
                                        "keys select the points in the circle",
                                        "dragging selects",
                                        "all light as many",
                                        "Escape clears",
                                        "heat shows",
                                        "truth shows",
                                        "grid shows",
                                        "the table sorts both ways",
                                        "pointing tells z, x and log p",
                                        "the other theme is drawn in other colours",
                                        "every figure is drawn",
                                        "nothing is wider than the window"};
  testing::Browser browser(folder.path / "browser");
  const std::string page = "file://" + (folder.path / "atlas.html").string();
  for (const bool dark : {false, true})
    for (const int width : {1300, 390}) {
      const std::string window = join(width, dark ? " pixels wide, dark" : " pixels wide, light");
      browser.open(page + "#selftest", width, dark);
      EXPECT_EQ(browser.value("document.getElementById('theme').textContent"), dark ? "Light" : "Dark") << window;
      EXPECT_EQ(browser.value("getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/"
                              "g).map(Number).every((c) => c < 100)"),
                dark)
          << window;
      std::string verdict;
      for (int i = 0; i < 300 && verdict.empty(); ++i) {
        verdict = browser.value("document.documentElement.dataset.selftest || ''");
        if (verdict.empty()) ::usleep(100'000);
      }
      EXPECT_TRUE(verdict.starts_with("passed: ")) << window << ": " << verdict;
      for (const std::string& check : checks)
        EXPECT_NE(verdict.find(check), std::string::npos) << "not checked, " << window << ": " << check;
    }
  EXPECT_TRUE(browser.console().empty()) << browser.console().front();
}

/// With the keyboard only, by the keys that a browser gets from it.
TEST(AtlasInABrowser, TakesTheKeyboard) {
  if (browser_path().empty()) GTEST_SKIP() << "no chromium in PATH";
  Folder folder;
  const std::vector<std::string> few{"flow", "autoregressive"};
  ASSERT_TRUE(make_atlas({.data = "moons", .folder = folder.path.string(), .families = few, .effort = 0.002}));
  testing::Browser browser(folder.path / "browser");
  for (const int width : {1300, 390}) {
    browser.open("file://" + (folder.path / "atlas.html").string(), width, false);
    const auto tab_to = [&](const std::string& what) {
      for (int i = 0; i < 40; ++i) {
        browser.press("Tab");
        if (browser.value("document.activeElement.matches('" + what + "')") == true) return true;
      }
      return false;
    };
    const auto clock = [&] { return browser.value("document.getElementById('clock').textContent"); };
    ASSERT_TRUE(tab_to("#time")) << width;
    EXPECT_EQ(clock(), "t = 1.00");
    browser.press("Home");
    EXPECT_EQ(clock(), "t = 0.00");
    for (int i = 0; i < 30; ++i) browser.press("ArrowRight");
    EXPECT_EQ(clock(), "t = 0.03");
    browser.press("PageUp");
    EXPECT_GT(browser.value("Number(document.getElementById('time').value)"), 30);
    browser.press("End");
    EXPECT_EQ(clock(), "t = 1.00");
    const auto chosen = [&] { return browser.value("document.getElementById('selected').textContent"); };
    ASSERT_TRUE(tab_to(".field")) << width;
    browser.press("ArrowRight");
    for (int i = 0; i < 6; ++i) browser.press("+");
    EXPECT_NE(chosen(), "No points selected") << width;
    browser.press("Escape");
    EXPECT_EQ(chosen(), "No points selected") << width;
    ASSERT_TRUE(tab_to("th button")) << width;
    browser.press(" ");
    EXPECT_EQ(browser.value("document.activeElement.closest('th').getAttribute('aria-sort') !== null"), true) << width;
  }
  EXPECT_TRUE(browser.console().empty()) << browser.console().front();
}

/// Pages that lack things: no ways, unknown positions, no density; images; nothing at all.
TEST(AtlasInABrowser, ShowsWhatThereIs) {
  if (browser_path().empty()) GTEST_SKIP() << "no chromium in PATH";
  AtlasPanel panel;
  panel.family = panel.title = "flow";
  panel.metrics = {{"NLL", 2.5, 0.1, NAN, "exact", true, "", "nats"}};
  panel.loss = {{1, 3.5}, {2, NAN}, {3, 3.25}};
  AtlasPage page;
  page.dataset = "moons";
  page.panels = {panel, panel};
  Folder folder;
  write_atlas(page, folder.path.string());
  expect_passes(folder.path, {"every figure is drawn", "the table sorts both ways"});

  AtlasPage images = page;
  images.image_height = images.image_width = 4;
  images.data = wave({9, 16}, 0);
  for (AtlasPanel& p : images.panels) {
    p.base = wave({9, 2}, 1);
    p.samples = wave({9, 16}, 2);
    p.nearest = wave({4, 16}, 3);
    p.interpolation = wave({2, 5, 16}, 4);
  }
  write_atlas(images, folder.path.string());
  expect_passes(folder.path, {"every figure is drawn", "the table sorts both ways"});
  for (AtlasPanel& p : images.panels) {
    p.walks = wave({3, 6, 16}, 5);
    p.lattice = wave({9, 16}, 6);
  }
  write_atlas(images, folder.path.string());
  expect_passes(folder.path,
                {"every figure is drawn", "the walk's slider sets its place", "walks change where their images do",
                 "and lead back", "the walk's slider takes the keyboard", "nothing is wider than the window"});

  for (AtlasPanel& p : page.panels) {
    p.base = wave({40, 2}, 1);
    p.pushed = wave({40, 2}, 2);
  }
  page.panels[1].pushed = tensor(std::vector<double>(80, NAN), {40, 2}, float64);
  page.panels[0].pushed = page.panels[0].pushed * 30.0;  // data of a much larger scale than the noise
  page.range = 70;
  write_atlas(page, folder.path.string());
  const auto [verdict, console] = selftest(folder.path, 1300);
  EXPECT_NE(verdict.find("all end at their samples"), std::string::npos) << verdict;
  EXPECT_EQ(verdict.find("NOT all"), std::string::npos) << verdict;
  EXPECT_EQ(console, "");
}

}  // namespace
}  // namespace pf
