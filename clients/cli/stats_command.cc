#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <memory>

#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/describe.h"
#include "clients/cli/message_json.h"
#include "clients/cli/server_options.h"

namespace kiln {
namespace {

struct StatsArguments {
  ServerOptions server;
  bool json = false;
};

absl::Status PrintStats(const StatsArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, ConnectTo(arguments.server));
  KILN_ASSIGN_OR_RETURN(v1::GetServerInfoResponse info, client->GetServerInfo());
  std::cout << (arguments.json ? MessageJson(info) + "\n" : DescribeServer(info));
  return absl::OkStatus();
}

}  // namespace

void AddStatsCommand(CLI::App& app, CommandOutcome& outcome) {
  auto arguments = std::make_shared<StatsArguments>();
  CLI::App* command = app.add_subcommand("stats", "Print what a server has done: compiles, hits, misses, stages");
  AddServerOptions(*command, arguments->server);
  command->add_flag("--json", arguments->json, "Everything that GetServerInfo says, as JSON: limits and options too");
  command->callback([arguments, &outcome] { outcome.status = PrintStats(*arguments); });
}

}  // namespace kiln
