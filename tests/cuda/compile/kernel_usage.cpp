#include "tests/cuda/compile/kernel_usage.h"

#include <cxxabi.h>

#include <climits>
#include <cstdlib>
#include <regex>
#include <sstream>

#include "tensor/error.h"

#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wunused-function"  // NVIDIA's calculator is a header of static functions
#include <cuda_occupancy.h>
#pragma GCC diagnostic pop

namespace pf::budget {
namespace {

std::string readable(const std::string& name) {
  int status = 0;
  char* text = abi::__cxa_demangle(name.c_str(), nullptr, nullptr, &status);
  if (!text) return name;
  std::string out = text;
  std::free(text);
  return out;
}

/// Where the bracket that opens at `open` is closed.
size_t closing(const std::string& text, size_t open) {
  int depth = 0;
  for (size_t i = open; i < text.size(); ++i) {
    if (text[i] == '<') ++depth;
    else if (text[i] == '>' && --depth == 0) return i;
  }
  return text.size();
}

std::string identifier(const std::string& text) {
  static const std::regex word("^[A-Za-z_][A-Za-z0-9_]*");
  std::smatch found;
  return std::regex_search(text, found, word) ? found.str() : "";
}

}  // namespace

KernelName parts_of(const std::string& mangled_or_readable) {
  std::string text = readable(mangled_or_readable);
  static const std::regex spaces("\\(anonymous namespace\\)::|_GLOBAL__N__[A-Za-z0-9_]*::|[A-Za-z_][A-Za-z0-9_]*::");
  text = std::regex_replace(text, spaces, "");
  if (text.starts_with("void ")) text.erase(0, 5);
  KernelName out;
  out.kernel = identifier(text);
  const size_t open = out.kernel.size();
  std::string arguments;
  if (open < text.size() && text[open] == '<') arguments = text.substr(open, closing(text, open) + 1 - open);
  out.whole = out.kernel + arguments;
  if (arguments.empty()) return out;
  const std::string first = identifier(arguments.substr(1));
  static const std::regex plain("bool|char|short|int|long|float|double|unsigned|true|false|BFloat16|Float16");
  if (!std::regex_match(first, plain)) out.body = first;
  static const std::pair<const char*, const char*> types[] = {
      {"double", "float64"}, {"float", "float32"}, {"BFloat16", "bfloat16"}, {"Float16", "float16"},
      {"long", "int64"},     {"bool", "bool"},     {"char", "bool"}};
  for (const auto& [type, dtype] : types)
    if (std::regex_search(arguments, std::regex("\\b" + std::string(type) + "\\b")) &&
        out.elements.find(dtype) == std::string::npos)
      out.elements += (out.elements.empty() ? "" : " ") + std::string(dtype);
  return out;
}

std::vector<KernelUsage> read_usage(const std::string& text) {
  static const std::regex entry("Compiling entry function '([^']+)' for 'sm_([0-9]+)[a-z]*'"),
      frame("([0-9]+) bytes stack frame, ([0-9]+) bytes spill stores"), used("Used ([0-9]+) registers"),
      cumulative("([0-9]+) bytes cumulative stack size"), shared("([0-9]+) bytes smem");
  std::vector<KernelUsage> out;
  bool of_kernel = false;  // functions that are not inlined have lines of their own
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    std::smatch found;
    if (std::regex_search(line, found, entry)) {
      out.push_back({.name = parts_of(found[1]), .architecture = std::stoi(found[2])});
      of_kernel = true;
    } else if (std::regex_search(line, found, frame) && !out.empty() && of_kernel) {
      out.back().local = std::max<int64_t>(out.back().local, std::stoll(found[1]));
      out.back().spilled = std::stoll(found[2]);
    } else if (std::regex_search(line, found, used)) {
      check(!out.empty() && of_kernel, "ptxas: '", line, "' belongs to no kernel");
      out.back().registers = std::stoi(found[1]);
      if (std::regex_search(line, found, cumulative))
        out.back().local = std::max<int64_t>(out.back().local, std::stoll(found[1]));
      if (std::regex_search(line, found, shared)) out.back().shared = std::stoll(found[1]);
      of_kernel = false;
    }
  }
  check(!out.empty(), "ptxas: no kernel in ", text.size(), " bytes of its output; compile with -Xptxas --verbose");
  return out;
}

double occupancy(const KernelUsage& usage, int threads, int64_t dynamic_shared) {
  // Resident threads and kilobytes of shared memory of an SM: CUDA C++ Programming Guide, technical specifications.
  struct Sm {
    int architecture, threads, shared;
  };
  static constexpr Sm known[] = {{75, 1024, 64},   {80, 2048, 164},  {86, 1536, 100},  {87, 1536, 164},
                                 {88, 1536, 100},  {89, 1536, 100},  {90, 2048, 228},  {100, 2048, 228},
                                 {103, 2048, 228}, {110, 1536, 228}, {120, 1536, 100}, {121, 1536, 100}};
  for (const Sm& sm : known) {
    if (sm.architecture != usage.architecture) continue;
    cudaOccDeviceProp device{};
    device.computeMajor = sm.architecture / 10;
    device.computeMinor = sm.architecture % 10;
    device.maxThreadsPerBlock = 1024;
    device.maxThreadsPerMultiprocessor = sm.threads;
    device.regsPerBlock = device.regsPerMultiprocessor = 65536;
    device.warpSize = 32;
    device.sharedMemPerBlock = 48 * 1024;
    device.sharedMemPerMultiprocessor = size_t(sm.shared) * 1024;
    device.sharedMemPerBlockOptin = size_t(sm.shared - 1) * 1024;
    device.reservedSharedMemPerBlock = sm.architecture >= 80 ? 1024 : 0;
    device.numSms = 1;
    cudaOccFuncAttributes kernel{};
    kernel.maxThreadsPerBlock = 1024;
    kernel.numRegs = usage.registers;
    kernel.sharedSizeBytes = size_t(usage.shared);
    cudaOccDeviceState state{};
    cudaOccResult result{};
    const cudaOccError status =
        cudaOccMaxActiveBlocksPerMultiprocessor(&result, &device, &kernel, &state, threads, size_t(dynamic_shared));
    check(status == CUDA_OCC_SUCCESS, "occupancy of ", usage.name.whole, " for sm_", usage.architecture,
          ": NVIDIA's calculator gives error ", int(status));
    return double(result.activeBlocksPerMultiprocessor) * threads / sm.threads;
  }
  return 0;
}

}  // namespace pf::budget
