#include <sys/resource.h>

#include <chrono>
#include <csignal>
#include <iostream>
#include <new>
#include <thread>

#include "models/cli/command.h"
#include "nn/data_parallel.h"
#include "tensor/error.h"

namespace pf::cli {
namespace {

using AddCommand = void (*)(Program&);
constexpr AddCommand commands[] = {add_families, add_train,    add_sample,      add_push,  add_pull,
                                   add_score,    add_evaluate, add_interpolate, add_guide, add_atlas,
                                   add_transfer, add_ops,      add_gradcheck,   add_doctor};

volatile std::sig_atomic_t interrupt_count = 0;

extern "C" void on_interrupt(int) {
  if (interrupt_count) std::_Exit(130);
  interrupt_count = 1;
}

/// One line on stderr, whatever happened; of several processes all end with it.
int report(std::string message, int code) {
  for (char& c : message)
    if (c == '\n') c = ' ';
  // What goes wrong everywhere is said by the first process. Its end is that of the others, within about two seconds.
  const Launch process = launch();
  if (process.rank > 0) std::this_thread::sleep_for(std::chrono::seconds(4));
  std::cerr << "pushforward: " << (process.rank > 0 ? join("process ", process.rank, ": ") : "") << message
            << std::endl;
  end_world(code);
  return code;
}

int run(int argc, char** argv) {
  try {
    Program program;
    for (AddCommand add : commands) add(program);
    program.run(argc, argv);
    if (!std::cout.flush()) return report("standard output cannot be written (is the disk full?)", 1);
    return 0;
  } catch (const UsageError& error) { return report(error.what(), 2); } catch (const std::bad_alloc&) {
    return report("out of memory; use a smaller batch or fewer samples", 1);
  } catch (const std::exception& error) { return report(error.what(), 1); }
}

/// Under a limit of memory OpenBLAS's own thread may still be waiting for some, and the end of a process waits for it.
int leave(int code) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) {
    std::cout.flush();
    std::_Exit(code);
  }
  return code;
}

}  // namespace

void watch_interrupt() {
  interrupt_count = 0;
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}
bool interrupted() { return interrupt_count != 0; }

}  // namespace pf::cli

int main(int argc, char** argv) { return pf::cli::leave(pf::cli::run(argc, argv)); }
