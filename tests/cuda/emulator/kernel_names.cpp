#include "emulator/kernel_names.h"

#include <cxxabi.h>
#include <dlfcn.h>
#include <elf.h>
#include <fcntl.h>
#include <link.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cstdlib>
#include <map>
#include <unordered_map>

namespace pf::emulator {
namespace {

/// Address in the file to name, from the full symbol table of an object: kernels need not be exported.
std::map<uintptr_t, std::string> function_symbols(const char* path) {
  std::map<uintptr_t, std::string> names;
  const int file = open(path, O_RDONLY);
  struct stat status;
  if (file < 0 || fstat(file, &status) != 0) return names;
  const auto size = size_t(status.st_size);
  void* mapped = mmap(nullptr, size, PROT_READ, MAP_PRIVATE, file, 0);
  close(file);
  if (mapped == MAP_FAILED) return names;
  const char* bytes = static_cast<const char*>(mapped);
  const auto* header = reinterpret_cast<const ElfW(Ehdr)*>(bytes);
  const auto* sections = reinterpret_cast<const ElfW(Shdr)*>(bytes + header->e_shoff);
  for (int i = 0; i < header->e_shnum; ++i) {
    if (sections[i].sh_type != SHT_SYMTAB) continue;
    const char* strings = bytes + sections[sections[i].sh_link].sh_offset;
    const auto* symbols = reinterpret_cast<const ElfW(Sym)*>(bytes + sections[i].sh_offset);
    for (size_t k = 0; k < sections[i].sh_size / sizeof(ElfW(Sym)); ++k) {
      if (ELF64_ST_TYPE(symbols[k].st_info) == STT_FUNC && symbols[k].st_value) {
        names.emplace(symbols[k].st_value, strings + symbols[k].st_name);
      }
    }
  }
  munmap(mapped, size);
  return names;
}

/// Where template arguments, parentheses and the like are closed again.
size_t end_of_name(const std::string& text, size_t start) {
  int depth = 0;
  for (size_t i = start; i < text.size(); ++i) {
    if (text[i] == '<') ++depth;
    else if (text[i] == '>') --depth;
    else if (text[i] == '(' && depth == 0) {
      if (text.compare(i, 21, "(anonymous namespace)") == 0) i += 20;
      else return i;
    }
  }
  return text.size();
}

size_t start_of_name(const std::string& text, size_t end) {
  int depth = 0;
  for (size_t i = end; i > 0; --i) {
    if (text[i - 1] == '>' || text[i - 1] == ')') ++depth;
    else if (text[i - 1] == '<' || text[i - 1] == '(') --depth;
    else if (text[i - 1] == ' ' && depth == 0) return i;
  }
  return 0;
}

}  // namespace

std::string readable_name(const char* mangled) {
  int status = 0;
  char* demangled = abi::__cxa_demangle(mangled, nullptr, nullptr, &status);
  if (!demangled) return mangled;
  std::string text = demangled;
  std::free(demangled);
  const size_t end = end_of_name(text, 0);
  const size_t start = start_of_name(text, end);
  return text.substr(start, end - start);
}

const std::string& kernel_name(const void* kernel) {
  static std::unordered_map<const void*, std::string> known;
  static std::map<std::string, std::map<uintptr_t, std::string>> objects;
  if (const auto found = known.find(kernel); found != known.end()) return found->second;
  std::string name = "unknown";
  Dl_info info;
  if (dladdr(kernel, &info) && info.dli_fname) {
    auto [object, fresh] = objects.try_emplace(info.dli_fname);
    if (fresh) object->second = function_symbols(info.dli_fname);
    const auto address = reinterpret_cast<uintptr_t>(kernel);
    auto symbol = object->second.find(address - reinterpret_cast<uintptr_t>(info.dli_fbase));
    if (symbol == object->second.end()) symbol = object->second.find(address);  // a program at a fixed address
    if (symbol != object->second.end()) name = readable_name(symbol->second.c_str());
    else if (info.dli_sname && info.dli_saddr == kernel) name = readable_name(info.dli_sname);
  }
  return known.emplace(kernel, name).first->second;
}

}  // namespace pf::emulator
