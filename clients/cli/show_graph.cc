#include <algorithm>
#include <iostream>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "clients/cli/columns.h"
#include "clients/cli/compile_options.h"
#include "clients/cli/compile_page.h"
#include "clients/cli/describe.h"
#include "clients/cli/local_compile.h"
#include "clients/cli/show.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/report_propagation.h"

namespace kiln {
namespace {

// Stages in the order of the compile; others, if there ever are, after them.
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

// What a record beside the artifact would say: the lines, and what the compile took.
v1::VariantRecord RecordOf(const LocalCompile& local) {
  v1::VariantRecord record;
  for (const Node& node : local.graph.nodes) record.add_locations(node.location);
  for (const v1::StageTime& time : local.result.stage_times) *record.add_stage_times() = time;
  const std::vector<float>& times = local.result.kernel_milliseconds;
  record.mutable_kernel_milliseconds()->Add(times.begin(), times.end());
  return record;
}

absl::Status PrintKernel(const LocalCompile& local, const std::string& kernel) {
  const v1::VariantRecord record = RecordOf(local);
  std::vector<std::string> symbols;
  for (size_t i = 0; i < local.result.kernel_texts.size(); ++i) {
    const KernelTexts& texts = local.result.kernel_texts[i];
    symbols.push_back(texts.symbol);
    if (!IsNamed(texts.symbol, kernel)) continue;
    std::cout << DescribeKernel(local.result.manifest, static_cast<int>(i), &record) << "\n"
              << SideBySide({{"loop IR", texts.loops}, {"LLVM IR", texts.llvm_ir}, {"assembly", texts.assembly}},
                            TerminalWidth());
    return absl::OkStatus();
  }
  return NoSuchKernel(kernel, symbols);
}

absl::Status WritePage(const ShowArguments& arguments, LocalCompile local, ExprPool* pool) {
  CompilePageInput input;
  input.title = arguments.file == "-" ? local.graph.name : arguments.file;
  input.record = RecordOf(local);
  input.manifest = std::move(local.result.manifest);
  for (KernelTexts& texts : local.result.kernel_texts) {
    input.code.push_back({std::move(texts.loops), std::move(texts.llvm_ir), std::move(texts.assembly)});
  }
  KILN_ASSIGN_OR_RETURN(FakeGraph fake, Propagate(std::move(local.graph), pool));
  input.graph = ReportPropagation(fake);
  return WriteWholeFile(arguments.html, CompilePage(input));
}

}  // namespace

absl::Status ShowGraph(const ShowArguments& arguments) {
  if (arguments.assembly) {
    return MakeError(ErrorReason::kBadArgumentValue,
                     absl::StrCat("--asm: ", arguments.file, " is no artifact; say --stages --only asm, or --kernel"));
  }
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(auto options, ParseOptionFlags(arguments.options));
  KILN_ASSIGN_OR_RETURN(Graph graph, ReadGraphFile(arguments.file, arguments.graph, &pool));
  LocalCompile local;
  const absl::Status compiled = CompileLocally(graph, options, TargetOf(arguments.target), &pool, &local);
  // The stages before the one that failed are what explains it.
  if (!compiled.ok() && arguments.stages) PrintStages(local.texts, arguments.only).IgnoreError();
  KILN_RETURN_IF_ERROR(compiled);
  if (!arguments.kernel.empty()) KILN_RETURN_IF_ERROR(PrintKernel(local, arguments.kernel));
  if (!arguments.html.empty()) return WritePage(arguments, std::move(local), &pool);
  if (!arguments.stages) return absl::OkStatus();
  KILN_RETURN_IF_ERROR(PrintStages(local.texts, arguments.only));
  if (!arguments.only.empty()) return absl::OkStatus();
  std::cout << "== manifest\n"
            << DescribeArtifact(local.result.manifest, static_cast<int64_t>(local.result.elf.size()), nullptr);
  return absl::OkStatus();
}

}  // namespace kiln
