#include <unistd.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <cstdlib>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/graph_file.h"
#include "clients/cli/message_json.h"
#include "clients/cli/server_options.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/import/report_proto.h"
#include "fake_runtime/report/explain_symbol.h"
#include "fake_runtime/report/graph_page.h"
#include "fake_runtime/report/print_table.h"
#include "fake_runtime/report_propagation.h"

namespace kiln {
namespace {

struct PropagateArguments {
  GraphFileOptions graph;
  std::string file;
  std::vector<std::string> why;
  std::string html;
  bool json = false;
  ServerOptions server;
  CLI::Option* address = nullptr;
};

absl::StatusOr<PropagationReport> Report(const PropagateArguments& arguments) {
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, ReadGraphFile(arguments.file, arguments.graph, &pool));
  if (arguments.address->count() > 0) {
    KILN_ASSIGN_OR_RETURN(std::unique_ptr<Client> client, ConnectTo(arguments.server));
    KILN_ASSIGN_OR_RETURN(v1::PropagateResponse response, client->Propagate(graph));
    return ImportReport(response);
  }
  KILN_ASSIGN_OR_RETURN(FakeGraph fake, Propagate(std::move(graph), &pool));
  return ReportPropagation(fake);
}

// Colour only where a person looks at it: a terminal, and no NO_COLOR.
TableColor ColorOfOutput() {
  const char* no_color = std::getenv("NO_COLOR");
  const bool refused = no_color != nullptr && *no_color != '\0';
  return isatty(STDOUT_FILENO) != 0 && !refused ? TableColor::kAnsi : TableColor::kNone;
}

absl::Status RunPropagate(const PropagateArguments& arguments) {
  KILN_ASSIGN_OR_RETURN(PropagationReport report, Report(arguments));
  if (!arguments.html.empty()) KILN_RETURN_IF_ERROR(WriteWholeFile(arguments.html, GraphPage(report)));
  for (const std::string& symbol : arguments.why) {
    KILN_ASSIGN_OR_RETURN(std::string text, ExplainSymbol(report, symbol));
    std::cout << text;
  }
  if (arguments.json) std::cout << MessageJson(ExportReport(report)) << "\n";
  if (arguments.json || !arguments.why.empty() || !arguments.html.empty()) return absl::OkStatus();
  std::cout << PrintTable(report, ColorOfOutput());
  return absl::OkStatus();
}

}  // namespace

void AddPropagateCommand(CLI::App& app, CommandOutcome& outcome) {
  auto arguments = std::make_shared<PropagateArguments>();
  CLI::App* command =
      app.add_subcommand("propagate", "Print what is known of every value of a graph, and the guards it cost");
  command->footer(
      "Compiles nothing, and needs no server unless --address names one. Examples:\n"
      "  kiln propagate --bind=s0=8,s1=16,s2=8 add.txt\n"
      "  kiln propagate model.kiln --input 'x: f32[s0=8 in [2, 64], 128] strides=[1, s0]'\n"
      "  kiln propagate model.kiln --why s0\n"
      "  kiln propagate model.kiln --html model.html\n"
      "The text form of graphs and inputs is told in docs/text_form.md, the idea in docs/fake_tensors.md.");
  command->add_option("file", arguments->file, "A graph: text form, or a serialized kiln.v1.GraphModule; - for stdin")
      ->required();
  command
      ->add_option("--input", arguments->graph.inputs,
                   "Another type for an input of the graph: 'x: f32[s0=8, 128]'. May be repeated")
      ->allow_extra_args(false);
  command->add_option("--bind", arguments->graph.bind, "The symbols' sizes: s0=8,s1=16");
  command->add_flag("--dynamic", arguments->graph.dynamic, "Turn plain sizes of inputs into symbols");
  command
      ->add_option("--why", arguments->why,
                   "Instead of the table: why this symbol was specialised, or what holds it. May be repeated")
      ->allow_extra_args(false);
  command->add_option("--html", arguments->html, "Instead of the table: write a page of the graph here");
  command->add_flag("--json", arguments->json, "Instead of the table: a kiln.v1.PropagateResponse as JSON");
  AddServerOptions(*command, arguments->server);
  // Only where the command line says so: a KILN_ADDRESS that is meant for compiles
  // does not send graphs away.
  arguments->address = command->get_option("--address")->envname("");
  command->callback([arguments, &outcome] { outcome.status = RunPropagate(*arguments); });
}

}  // namespace kiln
