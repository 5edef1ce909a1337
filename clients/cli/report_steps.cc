#include "clients/cli/report_steps.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "clients/cli/describe.h"

namespace kiln {
namespace {

constexpr int kMostNotes = 4;

std::string NameOfStep(const v1::Manifest& manifest, const v1::StepInfo& step) {
  if (step.has_kernel() && step.kernel() >= 0 && step.kernel() < manifest.kernels_size()) {
    return std::string(absl::StripPrefix(manifest.kernels(step.kernel()).symbol(), "kernel."));
  }
  if (step.has_extern_op() && step.extern_op() >= 0 && step.extern_op() < manifest.extern_ops_size()) {
    return manifest.extern_ops(step.extern_op()).name();
  }
  return "?";
}

std::string NameOfOp(const v1::Manifest& manifest, const v1::StepInfo& step, int node) {
  if (step.has_kernel() && step.kernel() >= 0 && step.kernel() < manifest.kernels_size()) {
    const v1::KernelInfo& kernel = manifest.kernels(step.kernel());
    for (int i = 0; i < std::min(kernel.nodes_size(), kernel.ops_size()); ++i) {
      if (kernel.nodes(i) == node) return kernel.ops(i);
    }
  }
  return NameOfStep(manifest, step);
}

std::vector<std::string> OpsOfStep(const v1::Manifest& manifest, const v1::VariantRecord* record, int step) {
  std::vector<std::string> ops;
  for (int node : manifest.steps(step).nodes()) {
    const std::string location = LocationOf(record, node);
    ops.push_back(absl::StrCat(NameOfOp(manifest, manifest.steps(step), node), " #", node,
                               location.empty() ? "" : "  ", location));
  }
  return ops;
}

std::string KindOf(const v1::Guard& guard) {
  return absl::AsciiStrToLower(absl::StripPrefix(v1::Guard::Kind_Name(guard.kind()), "KIND_"));
}

}  // namespace

std::vector<std::string> NotesOfStep(const v1::Manifest& manifest, const v1::VariantRecord* record, int step) {
  std::vector<std::string> notes = OpsOfStep(manifest, record, step);
  const size_t all = notes.size();
  if (all > kMostNotes) {
    notes.resize(kMostNotes - 1);
    notes.push_back(absl::StrCat("and ", all - notes.size(), " more"));
  }
  return notes;
}

PropagationReport ReportSteps(const v1::Manifest& manifest, const v1::VariantRecord* record) {
  PropagationReport report;
  std::map<int, int> step_of_node;
  for (int s = 0; s < manifest.steps_size(); ++s) {
    NodeReport& node = report.nodes.emplace_back();
    node.op = NameOfStep(manifest, manifest.steps(s));
    node.text = absl::StrJoin(OpsOfStep(manifest, record, s), ", ");
    for (int n : manifest.steps(s).nodes()) step_of_node.emplace(n, s);
  }
  for (const std::string& name : manifest.symbols()) {
    SymbolReport& symbol = report.symbols.emplace_back();
    symbol.name = symbol.value = name;
    symbol.policy = "what it may be, the guards say";
  }
  for (const v1::Guard& guard : manifest.guards()) {
    FactReport fact;
    fact.condition = guard.condition();
    fact.kind = KindOf(guard);
    const auto step = step_of_node.find(guard.reason().node());
    fact.node = step == step_of_node.end() ? -1 : step->second;
    fact.op = guard.reason().op();
    fact.what = guard.reason().what();
    fact.location = guard.reason().location().empty() ? LocationOf(record, guard.reason().node())
                                                      : guard.reason().location();
    report.guards.push_back(std::move(fact));
  }
  report.recorded_guards = report.guards;
  return report;
}

}  // namespace kiln
