#include "models/cli/command.h"

#include <CLI/CLI.hpp>
#include <algorithm>
#include <cmath>

#include "nn/data_parallel.h"
#include "tensor/device.h"
#include "tensor/error.h"
#include "tensor/parallel.h"
#include "tensor/suggest.h"

namespace pf::cli {
namespace {

/// One sentence, with whole numbers as such.
CLI::Validator within(const Rules& rules, bool whole) {
  auto number = [whole](double x) { return whole ? join(int64_t(x)) : join(x); };
  return CLI::Validator(
      [=](std::string& text) -> std::string {
        double value = 0;
        if (!CLI::detail::lexical_cast(text, value)) return join("'", text, "' is not a number");
        if (value >= rules.least && value <= rules.most) return {};
        if (std::isinf(rules.most)) return join(text, ": expected at least ", number(rules.least));
        return join(text, ": expected ", number(rules.least), " to ", number(rules.most));
      },
      "");
}

template <class T> CLI::Option* add(CLI::App& app, const std::string& name, T& target, const std::string& text) {
  CLI::Option* option = app.add_option(name, target, text);
  if constexpr (std::is_arithmetic_v<T> || std::same_as<T, std::string>) option->capture_default_str();
  return option;
}

}  // namespace

void Command::option(const std::string& name, Target target, const std::string& text, const Rules& rules) {
  std::visit(
      [&](auto* to) {
        using T = std::remove_pointer_t<decltype(to)>;
        CLI::Option* option = add(*app_, name, *to, text);
        if (rules.required) option->required();
        if (std::isfinite(rules.least) || std::isfinite(rules.most)) {
          constexpr bool whole = std::is_integral_v<T> || std::same_as<T, std::optional<int64_t>>;
          option->check(within(rules, whole));
        }
        if constexpr (std::same_as<T, std::vector<std::string>>) {
          if (rules.separator) option->delimiter(rules.separator);
          else option->allow_extra_args(false);
        }
      },
      target);
}

void Command::flag(const std::string& name, bool& target, const std::string& text) {
  app_->add_flag(name, target, text);
}

void Command::machine() {
  auto count = std::make_shared<int64_t>(0);
  option("--threads", count.get(), "threads to use; 0, the default, is one for each processor",
         {.least = 0, .most = 1024});
  auto device = std::make_shared<std::string>("cpu");
  option("--device", device.get(),
         "where to compute: cpu, cuda, or cuda:N on a machine with several GPUs; under mpirun, cuda gives each process "
         "its own");
  app_->parse_complete_callback([count, device] {
    set_threads(int(*count));
    // For the rest of the program.
    static std::optional<UseDevice> chosen;
    chosen.emplace(*device == "cuda" ? Device::cuda(launch().local_rank) : parse_device(*device));
  });
}

void Command::action(std::function<void()> run) { app_->callback(std::move(run)); }

struct Program::Parser {
  CLI::App app{"Generative models as pushforwards: x = T(z), z from a simple distribution.", "pushforward"};
};

Program::Program() : parser_(std::make_unique<Parser>()) {
  parser_->app.set_version_flag("--version", "pushforward 0.1.0");
  parser_->app.require_subcommand(1);
  parser_->app.get_formatter()->column_width(34);
}
Program::~Program() = default;

Command Program::add(const std::string& name, const std::string& text) {
  return Command(*parser_->app.add_subcommand(name, text));
}

void Program::run(int argc, char** argv) {
  CLI::App& app = parser_->app;
  if (argc > 1 && argv[1][0] != '-') {
    std::vector<std::string> names;
    for (const CLI::App* command : app.get_subcommands({})) names.push_back(command->get_name());
    if (std::find(names.begin(), names.end(), argv[1]) == names.end())
      throw UsageError(join("command '", argv[1], "': there is none of this name", did_you_mean(argv[1], names),
                            "; `pushforward --help` lists them"));
  }
  if (const int processes = launch().size; processes > 1 && argc > 1 && std::string(argv[1]) != "train")
    throw UsageError(join(argv[1], ": mpirun started ", processes,
                          " processes, but only train shares its work among them; start one"));
  try {
    app.parse(argc, argv);
  } catch (const CLI::Success& asked) {  // --help, --version
    app.exit(asked);
  } catch (const CLI::ParseError& error) {
    throw UsageError(
        join(error.what(), "; see pushforward ", argc > 1 ? argv[1] : "", argc > 1 ? " --help" : "--help"));
  }
}

}  // namespace pf::cli
