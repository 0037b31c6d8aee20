#pragma once
// Libraries that a program loads when it first needs them: engines that most runs do without (CUDA, MPI, NCCL).

#include <filesystem>
#include <string>

namespace pf {

struct SharedLibrary {
  void* handle = nullptr;      // null: not found
  std::filesystem::path path;  // where none could be opened: a file that is there and should have been
  std::string why_not;         // the reason given by the loader

  /// An exported function; null where there is none of this name.
  template <class F> F* find(const char* name) const { return reinterpret_cast<F*>(symbol(name)); }

 private:
  void* symbol(const char* name) const;
};

/// lib<name>.so: the file that the environment variable names; else beside the program, where an installation puts libraries,
/// where the build does, and wherever the system looks. `global`: its symbols are for what it loads itself.
SharedLibrary open_shared_library(const std::string& name, const char* variable, bool global = false);

namespace cuda {
/// A library in the folder of the CUDA library and named like it; its handle is null where there is none.
const SharedLibrary& companion(const std::string& name);
}  // namespace cuda

}  // namespace pf
