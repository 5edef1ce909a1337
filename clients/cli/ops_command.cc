#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <iostream>
#include <map>
#include <memory>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_format.h"
#include "clients/cli/command.h"
#include "compiler/loops/lowering_table.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

struct OpsArguments {
  std::string filter;
  bool summary = false;
};

struct KindRow {
  LoweringKind kind;
  absl::string_view support;  // what the table says
  absl::string_view what;     // "; why" follows where there is a reason
};
// What lowerings amount to for whoever asks whether an operator is compiled.
constexpr KindRow kKinds[] = {
    {LoweringKind::kView, "native", "a view: costs nothing"},
    {LoweringKind::kSymbolic, "native", "arithmetic on sizes"},
    {LoweringKind::kPointwise, "native", "a pointwise loop, fused with its neighbours"},
    {LoweringKind::kLoops, "native", "loops of its own"},
    {LoweringKind::kInto, "extern", "the host's, into memory of the artifact's"},
    {LoweringKind::kDecomposed, "decomposed", "rewritten into smaller operators"},
    {LoweringKind::kExtern, "extern", "the host's, by its ATen name"},
    {LoweringKind::kRefused, "refused", "propagated, not compiled"},
};

const KindRow& RowOfKind(LoweringKind kind) {
  for (const KindRow& row : kKinds) {
    if (row.kind == kind) return row;
  }
  return kKinds[0];
}

void PrintRow(absl::string_view op, absl::string_view support, absl::string_view what) {
  std::cout << absl::StrFormat("%-64s %-11s %s\n", op, support, what);
}

absl::Status RunOps(const OpsArguments& arguments) {
  std::map<absl::string_view, int> counts;
  for (const OpSupport& op : ListOpSupport()) {
    if (!absl::StrContains(op.op, arguments.filter)) continue;
    const KindRow& row = RowOfKind(op.kind);
    ++counts[row.support];
    if (arguments.summary) continue;
    PrintRow(op.op, row.support, op.why.empty() ? std::string(row.what) : absl::StrCat(row.what, "; ", op.why));
  }
  for (const RefusedOp& refused : RefusedOps()) {
    // A namespace ends in a point; an operator is refused with all its overloads.
    const std::string name = absl::StrCat(refused.name, absl::EndsWith(refused.name, ".") ? "*" : ".*");
    if (!absl::StrContains(name, arguments.filter)) continue;
    ++counts["refused"];
    if (!arguments.summary) PrintRow(name, "refused", refused.why);
  }
  for (const auto& [support, count] : counts) std::cout << absl::StrFormat("%5d %s\n", count, support);
  return absl::OkStatus();
}

}  // namespace

void AddOpsCommand(CLI::App& app, CommandOutcome& outcome) {
  auto arguments = std::make_shared<OpsArguments>();
  CLI::App* command = app.add_subcommand("ops", "List the operators that this build knows, and how it compiles each");
  command->footer(
      "native      machine code of Kiln's own\n"
      "decomposed  rewritten into smaller operators, which are compiled\n"
      "extern      shapes are Kiln's, the computation is the host's\n"
      "refused     a graph that holds it is refused by name\n"
      "Operators that are not listed are refused as UNKNOWN_OP.");
  command->add_option("filter", arguments->filter, "Only operators whose name contains this");
  command->add_flag("--summary", arguments->summary, "Only how many there are of each");
  command->callback([arguments, &outcome] { outcome.status = RunOps(*arguments); });
}

}  // namespace kiln
