#include "emulator/source_lines.h"

#include <dlfcn.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <map>
#include <unordered_map>

namespace pf::emulator {
namespace {

std::unordered_map<uintptr_t, std::string>& known_lines() {
  static std::unordered_map<uintptr_t, std::string> lines;
  return lines;
}

bool is_emulators_own(const std::string& line) {
  return line.find("/emulator/") != std::string::npos || line.find("cuda/device_code.h") != std::string::npos ||
         line.find("/include/c++/") != std::string::npos;
}

/// addr2line -a -i prints each address, then its line and those that it was inlined from.
void read_lines(FILE* output, uintptr_t base) {
  char buffer[4096];
  uintptr_t address = 0;
  bool settled = true;
  while (std::fgets(buffer, sizeof buffer, output)) {
    std::string line = buffer;
    while (!line.empty() && line.back() == '\n') line.pop_back();
    if (line.rfind("0x", 0) == 0) {
      address = base + uintptr_t(std::stoull(line, nullptr, 16)) + 1;
      settled = false;
      continue;
    }
    if (const size_t note = line.find(" ("); note != std::string::npos) line.resize(note);
    if (!settled) known_lines()[address] = line;
    settled = settled || !is_emulators_own(line);
  }
}

void look_up_in(const std::string& object, uintptr_t base, const std::vector<uintptr_t>& addresses) {
  constexpr size_t batch = 500;
  for (size_t start = 0; start < addresses.size(); start += batch) {
    std::string command = "addr2line -a -i -e '" + object + "'";
    for (size_t i = start; i < std::min(addresses.size(), start + batch); ++i) {
      char text[32];
      std::snprintf(text, sizeof text, " 0x%lx", static_cast<unsigned long>(addresses[i] - base - 1));
      command += text;
    }
    if (FILE* output = popen((command + " 2>/dev/null").c_str(), "r")) {
      read_lines(output, base);
      pclose(output);
    }
  }
}

}  // namespace

void look_up_lines(const std::vector<uintptr_t>& return_addresses) {
  auto& known = known_lines();
  struct Object {
    uintptr_t base;
    std::vector<uintptr_t> addresses;
  };
  std::map<std::string, Object> objects;
  for (uintptr_t address : return_addresses) {
    if (known.contains(address)) continue;
    known[address] = "an unknown line";
    Dl_info info;
    if (!dladdr(reinterpret_cast<void*>(address), &info) || !info.dli_fname) continue;
    Object& object = objects[info.dli_fname];
    object.base = reinterpret_cast<uintptr_t>(info.dli_fbase);
    object.addresses.push_back(address);
  }
  for (const auto& [path, object] : objects) look_up_in(path, object.base, object.addresses);
}

std::string source_line(uintptr_t return_address) {
  look_up_lines({return_address});
  std::string line = known_lines()[return_address];
  if (const size_t slash = line.rfind('/'); slash != std::string::npos) line.erase(0, slash + 1);
  return line;
}

}  // namespace pf::emulator
