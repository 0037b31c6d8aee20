#include <algorithm>
#include <csignal>
#include <cstdio>
#include <iostream>
#include <new>

#include "models/cli/command.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/suggest.h"

namespace pf::cli {
namespace {

constexpr AddCommand commands[] = {add_families, add_train,       add_sample, add_push, add_pull,      add_score,
                                   add_evaluate, add_interpolate, add_atlas,  add_ops,  add_gradcheck, add_doctor};

volatile std::sig_atomic_t interrupt_count = 0;

extern "C" void on_interrupt(int) {
  if (interrupt_count) std::_Exit(130);
  interrupt_count = 1;
}

/// One line on stderr, whatever happened.
int report(std::string message, int code) {
  for (char& c : message)
    if (c == '\n') c = ' ';
  std::cerr << "pushforward: " << message << '\n';
  return code;
}

int run(int argc, char** argv) {
  CLI::App app{"Generative models as pushforwards: x = T(z), z from a simple distribution.", "pushforward"};
  app.set_version_flag("--version", "pushforward 0.1.0");
  app.require_subcommand(1);
  app.get_formatter()->column_width(34);
  for (AddCommand add : commands) add(app);

  if (argc > 1 && argv[1][0] != '-') {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    if (std::find(names.begin(), names.end(), argv[1]) == names.end())
      return report(join("command '", argv[1], "': there is none of this name", did_you_mean(argv[1], names),
                         "; `pushforward --help` lists them"),
                    2);
  }
  try {
    app.parse(argc, argv);
    return 0;
  } catch (const CLI::Success& done) {  // --help, --version
    return app.exit(done);
  } catch (const CLI::ParseError& error) {
    return report(join(error.what(), "; see pushforward ", argc > 1 ? argv[1] : "", argc > 1 ? " --help" : "--help"),
                  2);
  } catch (const UsageError& error) { return report(error.what(), 2); } catch (const std::bad_alloc&) {
    return report("out of memory; use a smaller batch or fewer samples", 1);
  } catch (const std::exception& error) { return report(error.what(), 1); }
}

}  // namespace

void watch_interrupt() {
  interrupt_count = 0;
  std::signal(SIGINT, on_interrupt);
  std::signal(SIGTERM, on_interrupt);
}
bool interrupted() { return interrupt_count != 0; }

void add_threads_option(CLI::App& command) {
  auto count = std::make_shared<int>(0);
  command.add_option("--threads", *count, "threads to use; 0, the default, is one for each processor")
      ->check(CLI::Range(0, 1024));
  command.parse_complete_callback([count] { set_threads(*count); });
}

}  // namespace pf::cli

int main(int argc, char** argv) { return pf::cli::run(argc, argv); }
