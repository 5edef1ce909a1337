#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <algorithm>
#include <iostream>
#include <memory>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "clients/cli/command.h"
#include "clients/cli/compile_options.h"
#include "clients/cli/describe.h"
#include "clients/cli/graph_file.h"
#include "clients/cli/local_compile.h"
#include "clients/cli/message_json.h"
#include "compiler/artifact/read_manifest.h"

namespace kiln {
namespace {

struct ShowArguments {
  std::string file;
  GraphFileOptions graph;
  std::vector<std::string> options;
  bool stages = false;
  std::vector<std::string> only;
  bool json = false;
};

// The record beside an artifact that `kiln compile --out` wrote, if it is there
// and of this very artifact.
absl::StatusOr<v1::VariantRecord> ReadRecord(const std::string& artifact_path, absl::string_view elf) {
  KILN_ASSIGN_OR_RETURN(std::string bytes, ReadWholeFile(absl::StrCat(artifact_path, ".variant")));
  v1::SignedVariant signed_variant;
  v1::VariantRecord record;
  if (!signed_variant.ParseFromString(bytes) || !record.ParseFromString(signed_variant.record()) ||
      record.artifact_sha256() != Sha256(elf).bytes()) {
    return MakeError(ErrorReason::kArtifactCorrupt, absl::StrCat(artifact_path, ".variant is not this artifact's"));
  }
  return record;
}

absl::Status ShowArtifact(const ShowArguments& arguments, const std::string& elf) {
  absl::StatusOr<v1::Manifest> manifest = ReadManifest(elf);
  if (!manifest.ok()) return AddContext(manifest.status(), arguments.file);
  if (arguments.json) {
    std::cout << MessageJson(*manifest) << "\n";
    return absl::OkStatus();
  }
  absl::StatusOr<v1::VariantRecord> record = ReadRecord(arguments.file, elf);
  if (GetErrorReason(record.status()) == ErrorReason::kArtifactCorrupt) return record.status();
  std::cout << DescribeArtifact(*manifest, static_cast<int64_t>(elf.size()), record.ok() ? &*record : nullptr);
  return absl::OkStatus();
}

// Stages in the order of the compile; others, if there ever are, after them.
constexpr absl::string_view kStageOrder[] = {"propagate", "decompose", "loops", "schedule", "llvm", "asm"};

std::vector<std::string> InOrder(const StageTexts& texts) {
  std::vector<std::string> names;
  for (absl::string_view stage : kStageOrder) {
    if (texts.contains(std::string(stage))) names.emplace_back(stage);
  }
  for (const auto& [name, text] : texts) {
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

absl::Status PrintStages(const StageTexts& texts, const std::vector<std::string>& only) {
  const std::vector<std::string> names = InOrder(texts);
  for (const std::string& name : only) {
    if (texts.contains(name)) continue;
    return MakeError(ErrorReason::kBadArgumentValue, absl::StrCat("--only: there is no stage '", name, "'; there are ",
                                                                  absl::StrJoin(names, ", ")));
  }
  for (const std::string& name : names) {
    const std::string& text = texts.at(name);
    const bool wanted = only.empty() || std::find(only.begin(), only.end(), name) != only.end();
    if (wanted) std::cout << "== " << name << "\n" << text << (text.empty() || text.back() != '\n' ? "\n" : "");
  }
  return absl::OkStatus();
}

absl::Status ShowStages(const ShowArguments& arguments) {
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(auto options, ParseOptionFlags(arguments.options));
  KILN_ASSIGN_OR_RETURN(Graph graph, ReadGraphFile(arguments.file, arguments.graph, &pool));
  StageTexts texts;
  const absl::StatusOr<CompileResult> result = CompileLocally(graph, options, &pool, &texts);
  // The stages before the one that failed are what explains it.
  if (!result.ok()) PrintStages(texts, arguments.only).IgnoreError();
  KILN_RETURN_IF_ERROR(result.status());
  KILN_RETURN_IF_ERROR(PrintStages(texts, arguments.only));
  if (!arguments.only.empty()) return absl::OkStatus();
  std::cout << "== manifest\n"
            << DescribeArtifact(result->manifest, static_cast<int64_t>(result->elf.size()), nullptr);
  return absl::OkStatus();
}

absl::Status RunShow(const ShowArguments& arguments) {
  if (arguments.stages) return ShowStages(arguments);
  KILN_ASSIGN_OR_RETURN(std::string bytes, ReadWholeFile(arguments.file));
  if (IsElf(bytes)) return ShowArtifact(arguments, bytes);
  return MakeError(ErrorReason::kBadArgumentValue,
                   absl::StrCat(arguments.file, " is no artifact; for the stages of a graph say --stages"));
}

}  // namespace

void AddShowCommand(CLI::App& app, CommandOutcome& outcome) {
  auto arguments = std::make_shared<ShowArguments>();
  CLI::App* command = app.add_subcommand("show", "Print what is in an artifact, or the stages of a graph's compile");
  command->footer(
      "  kiln show add.so                                  inputs, outputs, guards, extern ops, kernels with the ops\n"
      "                                                    fused into them; with add.so.variant beside it, source\n"
      "                                                    lines and the milliseconds of each stage too\n"
      "  kiln show --stages --bind=s0=8,s1=16 add.txt      loop IR, LLVM IR and assembly, compiled in this process");
  command->add_option("file", arguments->file, "An artifact, or with --stages a graph")->required();
  command->add_flag("--stages", arguments->stages, "Compile the graph here and print the text of every stage");
  command
      ->add_option("--only", arguments->only,
                   absl::StrCat("With --stages: these alone, of ", absl::StrJoin(kStageOrder, ", ")))
      ->delimiter(',')
      ->allow_extra_args(false);
  command->add_option("--bind", arguments->graph.bind, "With --stages: the symbols' sizes, s0=8,s1=16");
  command->add_flag("--dynamic", arguments->graph.dynamic, "With --stages: turn plain sizes of inputs into symbols");
  command->add_option("--option", arguments->options, "With --stages: a compile option NAME=VALUE; may be repeated")
      ->allow_extra_args(false);
  command->add_flag("--json", arguments->json, "The manifest as JSON");
  command->callback([arguments, &outcome] { outcome.status = RunShow(*arguments); });
}

}  // namespace kiln
