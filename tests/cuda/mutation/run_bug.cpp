// run_bug NAME [--fixed]: runs one seeded bug, or its corrected twin. Exit code 0: nothing was noticed; 3: a call gave an
// error; 4: the result was wrong; 66, 67, 68: a report of the emulator's; others: a sanitizer's.
// run_bug --list: the names.

#include <cstring>

#include "mutation/bug.h"

using namespace pf::mutation;

int main(int count, char** arguments) {
  std::vector<Bug> bugs = kernel_bugs;
  bugs.insert(bugs.end(), host_bugs.begin(), host_bugs.end());
  if (count < 2 || !std::strcmp(arguments[1], "--list")) {
    for (const Bug& bug : bugs) std::printf("%s\n", bug.name);
    return 0;
  }
  const bool fixed = count > 2 && !std::strcmp(arguments[2], "--fixed");
  for (const Bug& bug : bugs) {
    if (std::strcmp(bug.name, arguments[1])) continue;
    std::printf("%s: %s%s\n", bug.name, fixed ? "without: " : "", bug.what);
    std::fflush(stdout);
    Trial trial;
    bug.run(trial, fixed);
    trial.ok(cudaDeviceSynchronize());
    return trial.error_seen ? 3 : trial.wrong_result ? 4 : 0;
  }
  std::printf("there is no bug %s\n", arguments[1]);
  return 2;
}
