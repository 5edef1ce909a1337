#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <memory>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/compile_arguments.h"
#include "clients/cli/compile_options.h"
#include "clients/cli/describe_explanation.h"
#include "clients/cli/message_json.h"

namespace kiln {
namespace {

struct ExplainArguments {
  CompileArguments compile;
  std::string request_id;
  std::string digest;
  bool json = false;
};

absl::StatusOr<v1::ExplainResponse> Ask(const ExplainArguments& arguments, Client& client) {
  if (!arguments.request_id.empty()) return client.ExplainRequest(arguments.request_id);
  if (!arguments.digest.empty()) {
    const std::optional<Digest> digest = Digest::FromHex(arguments.digest);
    if (digest.has_value()) return client.ExplainDigest(*digest);
    return MakeError(ErrorReason::kBadArgumentValue,
                     absl::StrCat("--digest: '", arguments.digest.substr(0, 80), "' is not 64 lower-case hex digits"));
  }
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(const OptionValues options, ParseOptionFlags(arguments.compile.options));
  KILN_ASSIGN_OR_RETURN(const Graph graph, ReadGraphFile(arguments.compile.file, arguments.compile.graph, &pool));
  return client.ExplainGraph(graph, options, HostOf(arguments.compile));
}

absl::Status RunExplain(const ExplainArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, ConnectTo(arguments.compile.server));
  KILN_ASSIGN_OR_RETURN(const v1::ExplainResponse explanation, Ask(arguments, *client));
  std::cout << (arguments.json ? MessageJson(explanation) + "\n" : DescribeExplanation(explanation));
  return absl::OkStatus();
}

}  // namespace

void AddExplainCommand(CLI::App& app, CommandOutcome& outcome) {
  auto arguments = std::make_shared<ExplainArguments>();
  CLI::App* command = app.add_subcommand("explain", "Say why a request missed, or what is held under a digest");
  command->footer(
      "Compiles nothing. Of a hit: in which tier and under which guards. Of a miss: how the nearest entry differs,\n"
      "and what would avoid it. Examples:\n"
      "  kiln explain --bind=s0=8,s1=16,s2=8 add.txt       what `kiln compile` would do with the same arguments\n"
      "  kiln explain --request=4f0c6cbe8d1f2a77           one of the last requests, by the id in the server's log\n"
      "  kiln explain --digest=9f86d081884c7d65...         an artifact, a graph or a key, 64 hex digits");
  CLI::Option* file = AddCompileArguments(*command, arguments->compile);
  CLI::Option* request = command->add_option("--request", arguments->request_id, "The id of a request to that server");
  CLI::Option* digest =
      command->add_option("--digest", arguments->digest, "The digest of an artifact, a graph or a key");
  file->excludes(request)->excludes(digest);
  request->excludes(digest);
  command->add_flag("--json", arguments->json, "A kiln.v1.ExplainResponse as JSON");
  command->callback([arguments, &outcome, command] {
    const bool has_subject =
        !arguments->compile.file.empty() || !arguments->request_id.empty() || !arguments->digest.empty();
    if (!has_subject) throw CLI::RequiredError("a graph's file, --request or --digest");
    outcome.status = RunExplain(*arguments);
  });
}

}  // namespace kiln
