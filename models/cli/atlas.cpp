#include "models/report/atlas.h"

#include <unistd.h>

#include <filesystem>
#include <iostream>

#include "models/cli/command.h"
#include "models/cli/output.h"

namespace pf::cli {
namespace {

namespace fs = std::filesystem;

/// The folder may be an earlier atlas, which is replaced, but nothing else.
void check_folder(const std::string& folder) {
  std::error_code ignored;
  if (!fs::exists(folder)) return;
  if (!fs::is_directory(folder))
    throw UsageError(join("--out ", folder, ": a file of this name exists; choose another folder"));
  if (!fs::is_empty(folder, ignored) && !fs::exists(fs::path(folder) / "atlas.html") &&
      !fs::exists(fs::path(folder) / ".atlas"))
    throw UsageError(join("--out ", folder, ": the folder is not empty and holds no atlas; choose another"));
}

/// What makes this page again: the words that differ from the defaults.
std::string command_of(const AtlasOptions& o) {
  const AtlasOptions defaults;
  std::string out = defaults.command;
  if (o.data != defaults.data) out += " --data " + o.data;
  if (!o.families.empty()) {
    out += " --families ";
    for (size_t i = 0; i < o.families.size(); ++i) out += (i ? "," : "") + o.families[i];
  }
  if (o.seed != defaults.seed) out += join(" --seed ", o.seed);
  if (o.effort != defaults.effort) out += join(" --effort ", o.effort);
  if (!o.folder.empty()) out += " --out " + o.folder;
  if (default_device().is_cuda()) out += " --device " + to_string(default_device());
  return out;
}

void run(const AtlasOptions& o) {
  check_folder(o.folder);
  for (const std::string& name : o.families) family(name);
  std::error_code error;
  fs::create_directories(o.folder, error);
  check(!error, "--out ", o.folder, ": cannot be made: ", error.message());
  const bool terminal = isatty(STDERR_FILENO) != 0;
  watch_interrupt();
  std::string last;
  const bool finished = make_atlas(
      o,
      [&](const std::string& family, const std::string& doing, const TrainProgress* p) {
        const std::string line = join(family, ": ", doing);
        if (!p) {
          std::cerr << (terminal ? "\r\x1b[K" : "") << line << (terminal ? "" : "\n") << std::flush;
        } else if (terminal) {
          std::cerr << "\r\x1b[K" << line << ", step " << p->step << " of " << p->steps << ", loss " << brief(p->loss)
                    << ", " << duration(p->seconds_left) << " left" << std::flush;
        }
      },
      interrupted);
  if (terminal) std::cerr << "\r\x1b[K";
  if (!finished) {
    std::cerr << "stopped before the page was made; the runs so far are in " << o.folder << '\n';
    return;
  }
  std::cout << "the atlas is " << (fs::path(o.folder) / "atlas.html").string() << '\n';
}

}  // namespace

void add_atlas(Program& program) {
  auto o = std::make_shared<AtlasOptions>();
  Command command = program.add("atlas", "train every family on the same data and noise, and show them on one page");
  command.option("--data", &o->data, "a 2-D set, or images such as fashion-mnist");
  o->folder.clear();
  command.option("--out", &o->folder, "folder for the page and the runs; by default out/atlas-DATA");
  command.option("--families", &o->families, "only these", {.separator = ','});
  command.option("--seed", &o->seed, "of everything");
  command.option("--effort", &o->effort, "multiplies every family's training steps", {.least = 1e-4, .most = 1000.0});
  command.machine();
  command.action([o] {
    AtlasOptions options = *o;
    if (options.folder.empty()) {
      std::string name = options.data;
      for (char& c : name)
        if (c == ':' || c == '/') c = '-';
      options.folder = "out/atlas-" + name;
    }
    options.command = command_of(*o);
    run(options);
  });
}

}  // namespace pf::cli
