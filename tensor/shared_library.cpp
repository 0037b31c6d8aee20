#include "tensor/shared_library.h"

#include <dlfcn.h>

#include <cstdlib>
#include <vector>

namespace pf {

#ifndef PF_LIBRARY_FOLDER  // of an installation, set by the build
#define PF_LIBRARY_FOLDER "lib"
#endif

void* SharedLibrary::symbol(const char* name) const { return handle ? dlsym(handle, name) : nullptr; }

SharedLibrary open_shared_library(const std::string& name, const char* variable, bool global) {
  std::vector<std::filesystem::path> places;
  const std::string file = "lib" + name + ".so";
  if (const char* given = std::getenv(variable)) {
    places.emplace_back(given);
  } else {
    std::error_code none;
    const auto program = std::filesystem::read_symlink("/proc/self/exe", none).parent_path();
    for (const char* folder : {".", "cuda", "../cuda", "../" PF_LIBRARY_FOLDER})
      if (const auto path = program / folder / file; std::filesystem::exists(path, none)) places.push_back(path);
    places.emplace_back(file);
  }
  SharedLibrary out;
  for (const auto& path : places) {
    out.handle = dlopen(path.c_str(), RTLD_NOW | (global ? RTLD_GLOBAL : RTLD_LOCAL));
    if (out.handle) {
      out.path = path;
      break;
    }
    const char* text = dlerror();
    // Of a file that is there, it is what to tell: the names that are tried after it only do not exist.
    std::error_code none;
    if (!out.path.empty() || !text) continue;
    out.why_not = text;
    if (std::filesystem::exists(path, none)) out.path = path;
  }
  return out;
}

}  // namespace pf
