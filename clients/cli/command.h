// The subcommands of `kiln`. Each Add...Command declares its options on the app
// and, when it is the one that was asked for, runs from the parse and leaves its
// status in `outcome`.
#ifndef KILN_CLIENTS_CLI_COMMAND_H_
#define KILN_CLIENTS_CLI_COMMAND_H_

#include "absl/status/status.h"

namespace CLI {
class App;
}

namespace kiln {

// Exit codes: what the caller of `kiln` may branch on.
inline constexpr int kExitOk = 0;
inline constexpr int kExitError = 1;  // a typed error, printed with its next step
inline constexpr int kExitUsage = 2;  // the command line is wrong

struct CommandOutcome {
  absl::Status status;
  // A server's own exit code.
  int exit_code = kExitOk;
};

void AddServeCommand(CLI::App& app, CommandOutcome& outcome);
void AddStatsCommand(CLI::App& app, CommandOutcome& outcome);
void AddCompileCommand(CLI::App& app, CommandOutcome& outcome);
void AddExplainCommand(CLI::App& app, CommandOutcome& outcome);
void AddPropagateCommand(CLI::App& app, CommandOutcome& outcome);
void AddShowCommand(CLI::App& app, CommandOutcome& outcome);
void AddOpsCommand(CLI::App& app, CommandOutcome& outcome);
void AddCacheCommand(CLI::App& app, CommandOutcome& outcome);
// Of `kiln cache`.
void AddCacheShapesCommand(CLI::App& cache, CommandOutcome& outcome);
void AddWarmCommand(CLI::App& app, CommandOutcome& outcome);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_COMMAND_H_
