#include "compiler/compile.h"

#include <algorithm>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/build_manifest.h"
#include "compiler/codegen/codegen.h"
#include "compiler/decompose/decompose.h"
#include "compiler/layout/choose_layouts.h"
#include "compiler/loops/loop_ir.h"
#include "compiler/schedule/schedule.h"
#include "compiler/stage_clock.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/metadata_proto.h"

namespace kiln {
namespace {

bool IsOn(const CompileOptions& options, const std::string& name) {
  auto option = options.find(name);
  return option != options.end() && option->second == "true";
}

// Without locations: those belong to a requester.
std::vector<v1::Guard> ExportGuards(const ShapeEnv& env) {
  std::vector<v1::Guard> guards;
  for (const Guard& guard : env.Guards()) {
    guards.push_back(ExportGuard(guard));
    guards.back().mutable_reason()->clear_location();
  }
  return guards;
}

bool UsesInput(const Node& node, int input) {
  bool uses = false;
  for (const Argument& arg : node.args) {
    VisitValues(arg, [&](ValueId id) { uses = uses || id.value == input; });
  }
  return uses;
}

// The kernel ABI passes integers. Named is the first node that takes such an input.
absl::Status RefuseFloatInputs(const Graph& graph) {
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    const Expr* e = std::get_if<Expr>(&graph.inputs[i].value);
    if (e == nullptr || e->type() != ExprType::kFloat) continue;
    const std::string what = absl::StrCat("input ", i, " (", graph.inputs[i].name, ") is the float ", e->ToString(),
                                          ", and compiled code takes no floats but in tensors");
    for (size_t n = 0; n < graph.nodes.size(); ++n) {
      if (UsesInput(graph.nodes[n], static_cast<int>(i))) {
        return MakeError(ErrorReason::kUnsupportedGraph, absl::StrCat(DescribeNode(graph, static_cast<int>(n)), ": ", what));
      }
    }
    return MakeError(ErrorReason::kUnsupportedGraph, what);
  }
  return absl::OkStatus();
}

// A guess before anything is known but the graph: a fixed cost of LLVM and the
// linker, and half a millisecond a node.
double EstimateSeconds(const FakeGraph& fake) { return 0.05 + 0.0005 * static_cast<double>(fake.graph.nodes.size()); }

ScheduleOptions ScheduleOptionsOf(const CompileRequest& request) {
  ScheduleOptions options;
  if (request.target.vector_bits() > 0) options.vector_bits = request.target.vector_bits();
  if (request.target.threads() > 0) options.threads = request.target.threads();
  options.fuse = IsOn(request.options, "fuse");
  options.specialize_divisible = IsOn(request.options, "specialize_divisible");
  options.allow_performance_guards = request.allow_performance_guards;
  return options;
}

LoweringOptions LoweringOptionsOf(const CompileRequest& request) {
  LoweringOptions options;
  options.eager_random = IsOn(request.options, "eager_random");
  options.library_epilogues = IsOn(request.options, "library_epilogues");
  options.all_epilogues = IsOn(request.options, "all_epilogues");
  options.pack_weights = IsOn(request.options, "pack_weights");
  // oneDNN has bfloat16 where it has AVX-512 with bytes and words.
  const auto& features = request.target.features();
  options.library_bfloat16 = std::find(features.begin(), features.end(), "avx512bw") != features.end();
  return options;
}

CodegenOptions CodegenOptionsOf(const CompileRequest& request) {
  CodegenOptions options;
  options.target = request.target;
  options.check_bounds = IsOn(request.options, "check_bounds");
  options.threads = request.threads;
  return options;
}

std::string Joined(const ObjectCode& code, std::string UnitCode::*text) {
  std::string all;
  for (const UnitCode& unit : code.units) absl::StrAppend(&all, unit.*text, "\n");
  return all;
}

// What the first lines of a module say is the same for all kernels.
std::string WithoutModuleLines(absl::string_view llvm_ir) {
  while (absl::StartsWith(llvm_ir, "; ModuleID") || absl::StartsWith(llvm_ir, "source_filename") ||
         absl::StartsWith(llvm_ir, "target ") || absl::StartsWith(llvm_ir, "\n")) {
    const size_t end = llvm_ir.find('\n');
    llvm_ir.remove_prefix(end == absl::string_view::npos ? llvm_ir.size() : end + 1);
  }
  return std::string(llvm_ir);
}

// Code comes by kernel of the table, and then the entry's.
std::vector<KernelTexts> TextsOfKernels(const LoopProgram& program, const ObjectCode& code) {
  std::vector<KernelTexts> texts;
  for (size_t i = 0; i < code.kernels.kernels.size(); ++i) {
    const UniqueKernel& kernel = code.kernels.kernels[i];
    const UnitCode& unit = code.units[i];
    const Kernel& first_run = std::get<Kernel>(program.steps[kernel.steps.front()]);
    texts.push_back({kernel.symbol, PrintKernel(program, first_run), WithoutModuleLines(unit.llvm_ir),
                     unit.assembly});
  }
  return texts;
}

// What stages print, where somebody wants to read it.
class TextSink {
 public:
  explicit TextSink(StageTexts* texts) : texts_(texts) {}
  bool wanted() const { return texts_ != nullptr; }
  template <typename Print>
  void Put(const char* stage, Print print) {
    if (texts_ != nullptr) (*texts_)[stage] = print();
  }

 private:
  StageTexts* texts_;
};

}  // namespace

void InitializeCompiler() {
  // Function-local statics are initialised once, by whoever comes first.
  static const bool done = [] {
    InitializeCodegen();
    return true;
  }();
  (void)done;
}

absl::StatusOr<CompileResult> Compile(
    CompileRequest request, ExprPool* pool,
    const std::function<absl::Status(const std::vector<v1::Guard>&, double)>& after_propagation, StageTexts* texts) {
  TextSink sink(texts);
  StageClock clock;
  KILN_RETURN_IF_ERROR(RefuseFloatInputs(request.graph));
  KILN_ASSIGN_OR_RETURN(FakeGraph fake, Propagate(std::move(request.graph), pool));
  const GraphFacts facts = GraphFacts::Of(fake);
  clock.Finish("propagate");
  sink.Put("propagate", [&] { return DescribePropagation(fake); });
  KILN_RETURN_IF_ERROR(after_propagation(ExportGuards(*fake.env), EstimateSeconds(fake)));
  clock.Skip();

  const bool eager_random = IsOn(request.options, "eager_random");
  KILN_ASSIGN_OR_RETURN(Decomposed decomposed, Decompose(std::move(fake), eager_random));
  clock.Finish("decompose");
  sink.Put("decompose", [&] { return PrintGraph(decomposed.fake.graph); });
  clock.Skip();

  KILN_ASSIGN_OR_RETURN(decomposed, ChooseLayouts(std::move(decomposed),
                                                   {eager_random, /*move_weights=*/!IsOn(request.options, "pack_weights")}));
  clock.Finish("layout");
  sink.Put("layout", [&] { return PrintGraph(decomposed.fake.graph); });
  clock.Skip();

  KILN_ASSIGN_OR_RETURN(LoopProgram program, LowerToLoops(decomposed.fake, request.extern_ops, decomposed.origins,
                                                           LoweringOptionsOf(request)));
  KILN_RETURN_IF_ERROR(VerifyLoopProgram(program));
  clock.Finish("lower");
  sink.Put("loops", [&] { return PrintLoopProgram(program); });
  clock.Skip();

  KILN_ASSIGN_OR_RETURN(program, Schedule(std::move(program), ScheduleOptionsOf(request)));
  KILN_RETURN_IF_ERROR(VerifyLoopProgram(program));
  clock.Finish("schedule");
  sink.Put("schedule", [&] { return PrintLoopProgram(program); });
  clock.Skip();

  KILN_ASSIGN_OR_RETURN(ObjectCode code, GenerateCode(program, CodegenOptionsOf(request), sink.wanted()));
  clock.Finish("codegen");
  sink.Put("llvm", [&] { return Joined(code, &UnitCode::llvm_ir); });
  sink.Put("asm", [&] { return Joined(code, &UnitCode::assembly); });

  CompileResult result;
  result.guards = ExportGuards(*program.env);
  result.manifest =
      BuildManifest({&facts, &program, &code.kernels, result.guards, request.key, request.compiler_build,
                     request.target.arch(), code.isa_features, IsOn(request.options, "pack_weights")});
  KILN_ASSIGN_OR_RETURN(result.elf, LinkArtifact(code, result.manifest));
  clock.Finish("link");
  result.stage_times = std::move(clock).Take();
  for (const UnitCode& unit : code.units) {
    result.kernel_milliseconds.push_back(static_cast<float>(absl::ToDoubleMilliseconds(unit.time)));
  }
  if (sink.wanted()) result.kernel_texts = TextsOfKernels(program, code);
  return result;
}

}  // namespace kiln
