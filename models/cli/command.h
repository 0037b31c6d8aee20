#pragma once
// The program's subcommands, one .cpp each: a command declares its options and says what to run. The parser, CLI11, is
// known to command.cpp only: to compile it takes longer than all the commands together.

#include <cstdint>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace CLI {
class App;
}

namespace pf::cli {

/// Where the value of an option goes. An optional stays empty unless the option is given.
using Target = std::variant<std::string*, std::vector<std::string>*, int64_t*, uint64_t*, double*,
                            std::optional<int64_t>*, std::optional<double>*>;

struct Rules {
  bool required = false;
  double least = -std::numeric_limits<double>::infinity();  // of numbers, both included
  double most = std::numeric_limits<double>::infinity();
  char separator = 0;  // of the elements of a list; without it the option is given once for each
};

class Command {
 public:
  explicit Command(CLI::App& app) : app_(&app) {}
  /// `name` is "--steps", "-n,--count", or for a value by its place "DIR".
  void option(const std::string& name, Target target, const std::string& text, const Rules& rules = {});
  void flag(const std::string& name, bool& target, const std::string& text);
  /// --threads N, 0 for all processors, and --device cpu|cuda|cuda:N; both take effect before the action runs.
  void machine();
  /// What the command does. Errors are thrown as pf::Error.
  void action(std::function<void()> run);

 private:
  CLI::App* app_;
};

/// All commands; made once, by main.
class Program {
 public:
  Program();
  ~Program();
  Command add(const std::string& name, const std::string& text);
  /// Parses the arguments and runs the command they name. Throws UsageError where they are wrong, and what the command
  /// throws.
  void run(int argc, char** argv);

 private:
  struct Parser;
  std::unique_ptr<Parser> parser_;
};

void add_families(Program& program);
void add_train(Program& program);
void add_sample(Program& program);
void add_push(Program& program);
void add_pull(Program& program);
void add_score(Program& program);
void add_evaluate(Program& program);
void add_interpolate(Program& program);
void add_guide(Program& program);
void add_atlas(Program& program);
void add_transfer(Program& program);
void add_ops(Program& program);
void add_gradcheck(Program& program);
void add_doctor(Program& program);

/// Asked by long jobs after each step: whether the user pressed Ctrl-C since watch_interrupt() was called. A second Ctrl-C
/// ends the process at once.
void watch_interrupt();
bool interrupted();

}  // namespace pf::cli
