#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <memory>

#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/graph_file.h"
#include "fake_runtime/fake_tensor_mode.h"

namespace kiln {
namespace {

struct PropagateArguments {
  GraphFileOptions graph;
  std::string file;
  bool why = false;
};

absl::Status RunPropagate(const PropagateArguments& arguments) {
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, ReadGraphFile(arguments.file, arguments.graph, &pool));
  KILN_ASSIGN_OR_RETURN(FakeGraph fake, Propagate(std::move(graph), &pool));
  std::cout << DescribePropagation(fake);
  if (!arguments.why) return absl::OkStatus();
  std::cout << "every guard as it was recorded, those included that follow from others:\n";
  for (const Guard& guard : fake.env->recorded_guards()) std::cout << "  " << guard.ToString() << "\n";
  return absl::OkStatus();
}

}  // namespace

void AddPropagateCommand(CLI::App& app, CommandOutcome& outcome) {
  auto arguments = std::make_shared<PropagateArguments>();
  CLI::App* command =
      app.add_subcommand("propagate", "Print what is known of every value of a graph, and the guards it cost");
  command->footer(
      "Needs no server and compiles nothing. Example:\n"
      "  kiln propagate --bind=s0=8,s1=16,s2=8 add.txt\n"
      "The text form of graphs is told in docs/text_form.md.");
  command->add_option("file", arguments->file, "A graph: text form, or a serialized kiln.v1.GraphModule; - for stdin")
      ->required();
  command->add_option("--bind", arguments->graph.bind, "The symbols' sizes: s0=8,s1=16");
  command->add_flag("--dynamic", arguments->graph.dynamic, "Turn plain sizes of inputs into symbols");
  command->add_flag("--why", arguments->why, "Also guards that follow from others");
  command->callback([arguments, &outcome] { outcome.status = RunPropagate(*arguments); });
}

}  // namespace kiln
