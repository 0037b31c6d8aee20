#include "emulator/settings.h"

#include <cstdio>
#include <cstdlib>
#include <initializer_list>
#include <string>

namespace pf::emulator {
namespace {

const char* environment(const char* name) {
  const char* value = std::getenv(name);
  return value && *value ? value : nullptr;
}

[[noreturn]] void refuse(const char* name, const char* value, const std::string& expected) {
  std::fprintf(stderr, "emulator: %s=%s: write one of %s\n", name, value, expected.c_str());
  std::_Exit(64);
}

/// The position of the variable's value in the list.
int choice(const char* name, std::initializer_list<const char*> choices, int standard) {
  const char* value = environment(name);
  if (!value) return standard;
  int i = 0;
  std::string expected;
  for (const char* candidate : choices) {
    if (std::string(candidate) == value) return i;
    ++i;
    expected += (expected.empty() ? "" : ", ") + std::string(candidate);
  }
  refuse(name, value, expected);
}

uint64_t number(const char* name, uint64_t standard) {
  const char* value = environment(name);
  if (!value) return standard;
  char* end = nullptr;
  const uint64_t parsed = std::strtoull(value, &end, 10);
  if (*end) refuse(name, value, "the numbers 0, 1, 2 …");
  return parsed;
}

uint64_t random_state = 1;

Settings from_environment() {
  Settings s;
  s.order = Order(choice("PF_EMULATOR_ORDER", {"forward", "reverse", "random"}, 0));
  s.streams = StreamMode(choice("PF_EMULATOR_STREAMS", {"lazy", "eager", "random"}, 0));
  s.seed = number("PF_EMULATOR_SEED", s.seed);
  s.reuse_memory = choice("PF_EMULATOR_MEMORY", {"fresh", "reuse"}, 0) == 1;
  s.guard_memory = choice("PF_EMULATOR_GUARD", {"on", "off"}, 0) == 0;
  s.exit_on_fault = choice("PF_EMULATOR_ON_FAULT", {"exit", "continue"}, 0) == 0;
  s.report_table = choice("PF_EMULATOR_REPORT", {"none", "table"}, 0) == 1;
  s.devices = int(number("PF_EMULATOR_DEVICES", 1));
  s.device_memory = size_t(number("PF_EMULATOR_DEVICE_MEMORY", s.device_memory >> 20)) << 20;
  if (const char* value = environment("PF_EMULATOR_FAIL")) {
    const std::string text = value;
    const size_t first = text.find(':'), second = text.find(':', first + 1);
    if (second == std::string::npos) refuse("PF_EMULATOR_FAIL", value, "cudaMallocAsync:3:2, kernel:10:700, …");
    s.fail_call = text.substr(0, first);
    s.fail_at = std::strtoull(text.c_str() + first + 1, nullptr, 10);
    s.fail_error = std::atoi(text.c_str() + second + 1);
  }
  set_seed(s.seed);
  return s;
}

}  // namespace

Settings& settings() {
  static Settings instance = from_environment();
  return instance;
}

void set_seed(uint64_t seed) { random_state = seed * 0x9e3779b97f4a7c15ull | 1; }

uint64_t random_below(uint64_t bound) {  // xorshift64*
  random_state ^= random_state >> 12;
  random_state ^= random_state << 25;
  random_state ^= random_state >> 27;
  return (random_state * 0x2545f4914f6cdd1dull >> 11) % bound;
}

}  // namespace pf::emulator
