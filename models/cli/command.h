#pragma once
// The program's subcommands, one .cpp each. A command declares its options on the app and says what to run.

#include <CLI/CLI.hpp>
#include <cstdint>
#include <functional>
#include <string>

namespace pf::cli {

/// Called once with the app; adds one subcommand whose callback does the work. Errors are thrown as pf::Error.
using AddCommand = void (*)(CLI::App& app);

void add_families(CLI::App& app);
void add_train(CLI::App& app);
void add_sample(CLI::App& app);
void add_push(CLI::App& app);
void add_pull(CLI::App& app);
void add_score(CLI::App& app);
void add_evaluate(CLI::App& app);
void add_interpolate(CLI::App& app);
void add_atlas(CLI::App& app);
void add_ops(CLI::App& app);
void add_gradcheck(CLI::App& app);
void add_doctor(CLI::App& app);

/// --threads N, 0 for all processors; takes effect when the command runs.
void add_threads_option(CLI::App& command);

/// Asked by long jobs after each step: whether the user pressed Ctrl-C since watch_interrupt() was called. A second Ctrl-C
/// ends the process at once.
void watch_interrupt();
bool interrupted();

}  // namespace pf::cli
