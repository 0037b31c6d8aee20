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
#include "tensor/files.h"

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

/// The path of the first browser of the Chromium kind, or nothing.
std::string browser() {
  const char* path = std::getenv("PATH");
  std::istringstream folders(path ? path : "");
  std::vector<std::string> all;
  for (std::string folder; std::getline(folders, folder, ':');) all.push_back(folder);
  for (const char* name : {"chromium", "chromium-browser", "google-chrome"})
    for (const std::string& folder : all)
      if (::access((folder + "/" + name).c_str(), X_OK) == 0) return folder + "/" + name;
  return "";
}

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
      "timeout 120 " + browser() +
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

/// Families of three kinds of base (normal, uniform, wider than the plane), hardly trained: what moves on the page is real.
TEST(AtlasInABrowser, MovesSelectsAndSorts) {
  Folder folder;
  const std::vector<std::string> families{"flow", "autoregressive", "vae"};
  ASSERT_TRUE(
      make_atlas({.data = "moons", .folder = folder.path.string(), .families = families, .seed = 3, .effort = 0.002}));
  const nlohmann::json data = data_of(read_file(folder.path / "atlas.html"));
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
    EXPECT_EQ(panel["lines"]["shape"][0], panel["path"]["shape"][0]) << name;
  }
  EXPECT_GT(data["panels"][0]["path"]["shape"][0], 2) << "layer by layer";
  if (browser().empty()) GTEST_SKIP() << "no chromium in PATH: the page was written, but not opened";
  expect_passes(folder.path, {"all start at the noise", "all pictures are the same at 0", "all end at their samples",
                              "the slider sets the time", "play moves", "keys select the points in the circle",
                              "dragging selects", "all light as many", "Escape clears", "heat shows", "truth shows",
                              "grid shows", "the table sorts both ways", "nothing is wider than the window"});
}

/// Pages that lack things: no ways, unknown positions, no density; images; nothing at all.
TEST(AtlasInABrowser, ShowsWhatThereIs) {
  if (browser().empty()) GTEST_SKIP() << "no chromium in PATH";
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
