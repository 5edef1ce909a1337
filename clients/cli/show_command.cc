#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/show.h"

namespace kiln {
namespace {

absl::Status RunShow(const ShowArguments& arguments) {
  const bool may_be_graph = !arguments.html.empty() || !arguments.kernel.empty();
  // What comes by a pipe is read once.
  if (arguments.stages || (may_be_graph && arguments.file == "-")) return ShowGraph(arguments);
  KILN_ASSIGN_OR_RETURN(std::string bytes, ReadWholeFile(arguments.file));
  if (IsElf(bytes)) return ShowArtifact(arguments, bytes);
  if (may_be_graph) return ShowGraph(arguments);
  return MakeError(ErrorReason::kBadArgumentValue,
                   absl::StrCat(arguments.file, " is no artifact; of a graph there are --stages, --kernel and --html"));
}

}  // namespace

bool IsNamed(absl::string_view symbol, absl::string_view kernel) {
  return symbol == kernel || symbol == absl::StrCat("kernel.", kernel);
}

absl::Status NoSuchKernel(absl::string_view kernel, const std::vector<std::string>& symbols) {
  return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("--kernel: there is no '", kernel, "'; there are ",
                                                                absl::StrJoin(symbols, ", ")));
}

void AddShowCommand(CLI::App& app, CommandOutcome& outcome) {
  auto arguments = std::make_shared<ShowArguments>();
  CLI::App* command = app.add_subcommand("show", "Print what is in an artifact, or the stages of a graph's compile");
  command->footer(
      "  kiln show add.so                                  inputs, outputs, guards, extern ops, kernels with the ops\n"
      "                                                    fused into them, and why they were, or were not; with\n"
      "                                                    add.so.variant beside it, source lines and milliseconds too\n"
      "  kiln show --asm add.so                            the kernels' machine code\n"
      "  kiln show --stages --bind=s0=8,s1=16 add.txt      loop IR, LLVM IR and assembly, compiled in this process\n"
      "  kiln show --stages --only=asm --arch=aarch64 --features=sve,sve256 add.txt\n"
      "                                                    the assembly for another machine\n"
      "  kiln show --kernel add_0 --bind=... add.txt       one kernel's, side by side where the terminal is wide enough\n"
      "  kiln show --html add.html add.so                  a page, of an artifact or of a graph");
  command->add_option("file", arguments->file, "An artifact, or a graph")->required();
  command->add_flag("--asm", arguments->assembly, "Of an artifact: the kernels' machine code, disassembled");
  command->add_option("--kernel", arguments->kernel, "This kernel alone: what is known of it, and its code");
  command->add_option("--html", arguments->html,
                      "Write a page here: the graph coloured by kernel, each kernel's code, time by stage and kernel");
  command->add_flag("--stages", arguments->stages, "Compile the graph here and print the text of every stage");
  command
      ->add_option("--only", arguments->only,
                   absl::StrCat("With --stages: these alone, of ", absl::StrJoin(kStageOrder, ", ")))
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--bind", arguments->graph.bind, "Of a graph: the symbols' sizes, s0=8,s1=16");
  command->add_flag("--dynamic", arguments->graph.dynamic, "Of a graph: turn plain sizes of inputs into symbols");
  command->add_option("--option", arguments->options, "Of a graph: a compile option NAME=VALUE; may be repeated")
      ->allow_extra_args(false);
  AddTargetOptions(*command, arguments->target);
  command->add_flag("--json", arguments->json, "The manifest as JSON");
  command->callback([arguments, &outcome] { outcome.status = RunShow(*arguments); });
}

}  // namespace kiln
