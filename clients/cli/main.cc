// `kiln`: the server and the tools for people, in one binary.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <string>
#include <utility>
#include <vector>

#include "base/lock_checks.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"

namespace {

// The arguments in the order that CLI11 parses from, last first. CLI11 reads
// `--metrics=` as `--metrics` and takes the next argument for its value; whoever
// writes that means the empty value.
std::vector<std::string> ArgumentsOf(int argc, char** argv) {
  std::vector<std::string> arguments;
  for (int i = argc - 1; i > 0; --i) {
    std::string argument = argv[i];
    if (argument.rfind("--", 0) == 0 && argument.find('=') == argument.size() - 1) {
      arguments.emplace_back();
      argument.pop_back();
    }
    arguments.push_back(std::move(argument));
  }
  return arguments;
}

}  // namespace

int main(int argc, char** argv) {
  kiln::SkipLockOrderChecks();
  CLI::App app{
      "Kiln compiles tensor graphs once, for everybody: a server that keeps compiled kernels by the guards under which "
      "they hold, and tools to look at graphs and kernels."};
  app.name("kiln");
  app.require_subcommand(1);
  app.set_version_flag("--version", std::string("kiln ") + KILN_VERSION);
  app.footer(
      "A first look, without a server:\n"
      "  printf 'graph add(%%a: f32[s0, s1], %%b: f32[s2, s1]) {\\n  %%c = aten.add.Tensor(%%a, %%b)\\n  return "
      "(%%c)\\n}\\n' > add.txt\n"
      "  kiln propagate --bind=s0=8,s1=16,s2=8 add.txt\n"
      "With one:\n"
      "  kiln serve --listen=127.0.0.1:7077 --data=/tmp/kiln-data &\n"
      "  kiln compile --bind=s0=8,s1=16,s2=8 --out=add.so add.txt && kiln show add.so && kiln stats\n"
      "Exit codes: 0 done, 1 an error that is printed with its reason and the next step, 2 a bad command line.");
  kiln::CommandOutcome outcome;
  kiln::AddServeCommand(app, outcome);
  kiln::AddCompileCommand(app, outcome);
  kiln::AddExplainCommand(app, outcome);
  kiln::AddPropagateCommand(app, outcome);
  kiln::AddShowCommand(app, outcome);
  kiln::AddStatsCommand(app, outcome);
  kiln::AddOpsCommand(app, outcome);
  kiln::AddCacheCommand(app, outcome);
  kiln::AddWarmCommand(app, outcome);
  try {
    app.parse(ArgumentsOf(argc, argv));
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kiln::kExitOk : kiln::kExitUsage;
  }
  if (!outcome.status.ok()) {
    std::cout.flush();
    std::cerr << kiln::DescribeError(outcome.status);
    return kiln::kExitError;
  }
  return outcome.exit_code;
}
