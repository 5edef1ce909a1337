#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <memory>
#include <string>

#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/describe_shapes.h"
#include "clients/cli/message_json.h"
#include "clients/cli/server_options.h"

namespace kiln {
namespace {

struct ShapesArguments {
  ServerOptions server;
  bool json = false;
};

absl::Status PrintShapes(const ShapesArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, ConnectTo(arguments.server));
  v1::ProfileShapesResponse all;
  for (std::string after;;) {
    KILN_ASSIGN_OR_RETURN(v1::ProfileShapesResponse page, client->ListShapes(after));
    all.set_threshold(page.threshold());
    if (page.subjects().empty()) break;
    after = page.subjects(page.subjects_size() - 1).subject();
    if (arguments.json) {
      all.mutable_subjects()->MergeFrom(page.subjects());
    } else {
      for (const auto& subject : page.subjects()) std::cout << DescribeShapes(subject);
    }
  }
  if (arguments.json) std::cout << MessageJson(all) << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddCacheShapesCommand(CLI::App& cache, CommandOutcome& outcome) {
  auto arguments = std::make_shared<ShapesArguments>();
  CLI::App* command =
      cache.add_subcommand("shapes", "Print the sizes that jobs had, and which of them clients make symbolic");
  AddServerOptions(*command, arguments->server);
  command->add_flag("--json", arguments->json, "As JSON");
  command->callback([arguments, &outcome] { outcome.status = PrintShapes(*arguments); });
}

}  // namespace kiln
