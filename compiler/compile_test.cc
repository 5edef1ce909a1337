// Graphs in text form through all stages, loaded and run.
#include <cmath>
#include <map>
#include <string>
#include <vector>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/artifact/read_manifest.h"
#include "compiler/codegen/testing/test_host.h"
#include "compiler/codegen/testing/test_target.h"
#include "compiler/compile.h"
#include "compiler/loops/loop_ir.h"
#include "compiler/loops/testing/tensor_literals.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::Contains;
using ::testing::Each;
using ::testing::ElementsAre;
using ::testing::Gt;
using ::testing::HasSubstr;
using ::testing::IsEmpty;
using ::testing::Key;
using ::testing::SizeIs;

using Hints = std::vector<std::pair<std::string, int64_t>>;

struct Outcome {
  CompileResult result;
  StageTexts texts;
  int propagated = 0;
};

absl::StatusOr<Outcome> CompileText(absl::string_view text, const Hints& hints,
                                    const std::map<std::string, std::string>& options = {}, int threads = 1,
                                    std::vector<std::string> extern_ops = {"aten.*"}) {
  InitializeCompiler();
  ExprPool pool;
  KILN_ASSIGN_OR_RETURN(Graph graph, ParseGraph(text, &pool, FindOpSchema));
  KILN_RETURN_IF_ERROR(BindSymbols(graph, hints));
  KILN_ASSIGN_OR_RETURN(CanonicalGraph canonical, Canonicalize(graph, &pool));
  CompileRequest request;
  request.graph = std::move(canonical.graph);
  KILN_ASSIGN_OR_RETURN(request.options, ParseOptions(options));
  request.target = TestTarget();
  request.key.set_domain("test");
  request.compiler_build = CompilerBuild();
  request.extern_ops = std::move(extern_ops);
  request.threads = threads;
  Outcome outcome;
  auto count = [&](const std::vector<v1::Guard>&, double seconds) {
    EXPECT_GT(seconds, 0);
    ++outcome.propagated;
    return absl::OkStatus();
  };
  KILN_ASSIGN_OR_RETURN(outcome.result, Compile(std::move(request), &pool, count, &outcome.texts));
  return outcome;
}

constexpr absl::string_view kAdd = "graph main(%a: f32[s0, s1], %b: f32[s2, s1]) {\n"
                                   "  %c = aten.add.Tensor(%a, %b)\n  return (%c)\n}\n";

std::vector<std::string> Conditions(const Outcome& outcome) {
  std::vector<std::string> conditions;
  for (const v1::Guard& guard : outcome.result.guards) conditions.push_back(guard.condition());
  return conditions;
}

TEST(CompileTest, AddOfEqualSizesIsGuardedAndRunsForOthers) {
  absl::StatusOr<Outcome> outcome = CompileText(kAdd, {{"s0", 8}, {"s1", 16}, {"s2", 8}});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_EQ(outcome->propagated, 1);
  EXPECT_THAT(Conditions(*outcome), Contains(HasSubstr("s0")));
  auto artifact = TestArtifact::Load(outcome->result.elf);
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  for (int rows : {8, 2, 33}) {
    for (int columns : {16, 7, 100}) {
      TestHost host;
      const int n = rows * columns;
      auto out = host.Run(*artifact, TestSignature::Of(outcome->result.manifest),
                          {F32({rows, columns}, Ramp(n, 0, 1)), F32({rows, columns}, Ramp(n, 5, 0.5))},
                          {{"s0", rows}, {"s1", columns}, {"s2", rows}});
      ASSERT_TRUE(out.ok()) << out.status();
      EXPECT_EQ((*out)[0].Values(), Ramp(n, 5, 1.5));
    }
  }
}

TEST(CompileTest, AddOfABroadcastRowIsAnotherVariant) {
  absl::StatusOr<Outcome> outcome = CompileText(kAdd, {{"s0", 8}, {"s1", 16}, {"s2", 1}});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  auto artifact = TestArtifact::Load(outcome->result.elf);
  ASSERT_TRUE(artifact.ok()) << artifact.status();
  TestHost host;
  auto out = host.Run(*artifact, TestSignature::Of(outcome->result.manifest),
                      {F32({3, 5}, std::vector<double>(15, 1.0)), F32({1, 5}, Ramp(5, 0, 1))},
                      {{"s0", 3}, {"s1", 5}, {"s2", 1}});
  ASSERT_TRUE(out.ok()) << out.status();
  EXPECT_THAT((*out)[0].Values(), ElementsAre(1, 2, 3, 4, 5, 1, 2, 3, 4, 5, 1, 2, 3, 4, 5));
}

TEST(CompileTest, ManifestSaysWhatAHostNeeds) {
  absl::StatusOr<Outcome> outcome =
      CompileText("graph main(%a: f32[s0, 8] parameter, %b: f32[8, 4] donated, %n: int = s0) {\n"
                  "  %c = aten.mm.default(%a, %b)\n  %d = aten.relu.default(%c)\n  return (%d, %a, none, %n)\n}\n",
                  {{"s0", 4}});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  absl::StatusOr<v1::Manifest> manifest = ReadManifest(outcome->result.elf);
  ASSERT_TRUE(manifest.ok()) << manifest.status();
  EXPECT_EQ(manifest->SerializeAsString(), outcome->result.manifest.SerializeAsString());
  EXPECT_EQ(manifest->key().domain(), "test");
  EXPECT_EQ(manifest->compiler_build(), CompilerBuild());
  EXPECT_THAT(manifest->symbols(), ElementsAre("s0"));
  ASSERT_THAT(manifest->inputs(), SizeIs(3));
  EXPECT_EQ(manifest->inputs(0).kind(), v1::INPUT_KIND_PARAMETER);
  EXPECT_EQ(manifest->inputs(0).tensor().sizes(0).expr(), "s0");
  EXPECT_TRUE(manifest->inputs(0).used());
  EXPECT_TRUE(manifest->inputs(1).donated());
  EXPECT_EQ(manifest->inputs(2).sym_int().expr(), "s0");
  ASSERT_THAT(manifest->outputs(), SizeIs(4));
  EXPECT_EQ(manifest->outputs(0).kind(), v1::ManifestOutput::KIND_NEW);
  EXPECT_EQ(manifest->outputs(1).kind(), v1::ManifestOutput::KIND_INPUT);
  EXPECT_EQ(manifest->outputs(1).alias_of(), 0);
  EXPECT_EQ(manifest->outputs(2).kind(), v1::ManifestOutput::KIND_NONE);
  ASSERT_THAT(manifest->extern_ops(), SizeIs(1));
  EXPECT_EQ(manifest->extern_ops(0).call_sites(), 1);
  EXPECT_THAT(manifest->extern_ops(0).nodes(), ElementsAre(0));
  ASSERT_THAT(manifest->kernels(), SizeIs(1));
  EXPECT_THAT(manifest->kernels(0).nodes(), ElementsAre(1));
  EXPECT_THAT(manifest->kernels(0).ops(), ElementsAre("aten.relu.default"));
  EXPECT_THAT(manifest->entry_points(), SizeIs(1));
}

TEST(CompileTest, TensorsOfOtherDevicesAreRefusedWithTheNode) {
  absl::Status status = CompileText("graph main(%a: f32[4] device=cuda:0) {\n"
                                    "  %b = aten.relu.default(%a)  # model.py:3\n  return (%b)\n}\n",
                                    {})
                            .status();
  EXPECT_EQ(GetErrorReason(status), ErrorReason::kUnsupportedDevice) << status;
  EXPECT_THAT(std::string(status.message()), HasSubstr("node 0 (aten.relu.default)"));
  EXPECT_THAT(std::string(status.message()), HasSubstr("cuda"));
}

TEST(CompileTest, AFloatOfATensorsDataIsRead) {
  for (const char* body : {"  return (%i)\n", "  %b = aten.mul.Scalar(%a, %i)\n  return (%b)\n",
                           "  %s = sym.floor(%i)\n  %b = aten.full.default([%s], 1.0)\n  return (%b)\n",
                           "  %c = sym.lt(%i, 2.0)\n  aten._assert_scalar.default(%c, \"small\")\n  return (%a)\n"}) {
    absl::StatusOr<Outcome> outcome =
        CompileText(absl::StrCat("graph main(%a: f32[]) {\n  %i = aten.item.default(%a)\n", body, "}\n"), {});
    ASSERT_TRUE(outcome.ok()) << body << outcome.status();
    EXPECT_THAT(outcome->texts.at("schedule"), HasSubstr("read zuf0 from ")) << body;
  }
}

TEST(CompileTest, ATruthAboutATensorsDataIsRefusedWithTheNode) {
  absl::StatusOr<Outcome> outcome =
      CompileText("graph main(%a: f32[4]) {\n  %i = aten.equal.default(%a, %a)\n  return (%i)\n}\n", {});
  ASSERT_FALSE(outcome.ok());
  EXPECT_EQ(GetErrorReason(outcome.status()), ErrorReason::kDataDependentSize) << outcome.status();
  EXPECT_THAT(std::string(outcome.status().message()), HasSubstr("node 0 (aten.equal.default"));
}

TEST(CompileTest, AFloatAmongTheInputsIsRefusedWithTheNode) {
  for (const char* scale : {"zf0", "0.5", "ToFloat(s0)"}) {
    absl::StatusOr<Outcome> outcome =
        CompileText(absl::StrCat("graph main(%a: f32[s0], %scale: float = ", scale, ", %n: int = s0) symbols { s0 = 4",
                                 scale == absl::string_view("zf0") ? ", zf0 = 2.5" : "", " } {\n",
                                 "  %b = aten.relu.default(%a)\n  %c = aten.mul.Scalar(%b, %scale)  # model.py:3\n",
                                 "  return (%c)\n}\n"),
                    {{"s0", 4}});
    ASSERT_FALSE(outcome.ok()) << scale;
    EXPECT_EQ(GetErrorReason(outcome.status()), ErrorReason::kUnsupportedGraph) << outcome.status();
    EXPECT_THAT(std::string(outcome.status().message()),
                HasSubstr("node 1 (aten.mul.Scalar): input 1 (1) is the float"));
  }
}

// Autograd is around the code: what it says of inputs changes no kernel.
TEST(CompileTest, ResultsNeverRequireGrad) {
  absl::StatusOr<Outcome> outcome = CompileText(
      "graph main(%a: f32[4] requires_grad) {\n  %b = aten.relu.default(%a)\n  return (%b)\n}\n", {});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_TRUE(outcome->result.manifest.inputs(0).tensor().requires_grad());
  EXPECT_FALSE(outcome->result.manifest.outputs(0).tensor().requires_grad());
}

TEST(CompileTest, EveryStageHasATimeAndAText) {
  absl::StatusOr<Outcome> outcome = CompileText(kAdd, {{"s0", 8}, {"s1", 16}, {"s2", 8}});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  std::vector<std::string> stages;
  for (const v1::StageTime& time : outcome->result.stage_times) stages.push_back(time.stage());
  EXPECT_THAT(stages, ElementsAre("propagate", "decompose", "layout", "lower", "schedule", "codegen", "link"));
  for (const char* stage : {"propagate", "decompose", "layout", "loops", "schedule", "llvm", "asm"}) {
    EXPECT_THAT(outcome->texts, Contains(Key(stage)));
  }
}

TEST(CompileTest, EveryKernelHasATimeAndSoHasTheEntry) {
  absl::StatusOr<Outcome> outcome = CompileText(kAdd, {{"s0", 8}, {"s1", 16}, {"s2", 8}});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  EXPECT_THAT(outcome->result.kernel_milliseconds, SizeIs(outcome->result.manifest.kernels_size() + 1));
  EXPECT_THAT(outcome->result.kernel_milliseconds, Each(Gt(0)));
}

TEST(CompileTest, EveryKernelHasItsTexts) {
  absl::StatusOr<Outcome> outcome = CompileText(kAdd, {{"s0", 8}, {"s1", 16}, {"s2", 8}});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  ASSERT_THAT(outcome->result.kernel_texts, SizeIs(outcome->result.manifest.kernels_size()));
  const KernelTexts& texts = outcome->result.kernel_texts[0];
  EXPECT_EQ(texts.symbol, outcome->result.manifest.kernels(0).symbol());
  EXPECT_THAT(texts.loops, HasSubstr("buffer b0 input 0 f32[s0*s1]\n"));
  EXPECT_THAT(texts.loops, HasSubstr("load f32 b0["));
  EXPECT_THAT(texts.llvm_ir, HasSubstr(texts.symbol));
  EXPECT_THAT(texts.assembly, HasSubstr(texts.symbol));
}

// "add_0 apart from sum_1: few_rows", in the kernels' order.
std::vector<std::string> ApartTexts(const v1::Manifest& manifest) {
  std::vector<std::string> texts;
  for (const v1::KernelInfo& kernel : manifest.kernels()) {
    for (const v1::ApartKernel& apart : kernel.apart()) {
      texts.push_back(absl::StrCat(kernel.symbol(), " from ", manifest.kernels(apart.kernel()).symbol(), ": ",
                                   v1::ApartReason_Name(apart.reason())));
    }
  }
  return texts;
}

TEST(CompileTest, TheManifestSaysWhyKernelsAreOneOrNot) {
  // Sums over rows and over columns of what one kernel made: neither has the other's rows.
  absl::StatusOr<Outcome> outcome =
      CompileText("graph main(%a: f32[s0, 300]) {\n  %e = aten.exp.default(%a)\n"
                  "  %r = aten.sum.dim_IntList(%e, [1])\n  %c = aten.sum.dim_IntList(%e, [0])\n"
                  "  return (%e, %r, %c)\n}\n",
                  {{"s0", 400}});
  ASSERT_TRUE(outcome.ok()) << outcome.status();
  const v1::Manifest& manifest = outcome->result.manifest;
  ASSERT_THAT(manifest.kernels(), SizeIs(2));
  EXPECT_EQ(manifest.kernels(0).why(), "2 kernels joined over the same rows");
  EXPECT_THAT(ApartTexts(manifest), ElementsAre(absl::StrCat(manifest.kernels(1).symbol(), " from ",
                                                             manifest.kernels(0).symbol(), ": APART_REASON_OTHER_ROWS")));
}

TEST(CompileTest, EpiloguesAreTheLibrarysWhereTheHostHasItAndTheOptionSaysSo) {
  constexpr absl::string_view kText =
      "graph main(%x: f32[8, 16], %w: f32[16, 32]) {\n  %p = aten.mm.default(%x, %w)\n"
      "  %y = aten.tanh.default(%p)\n  return (%y)\n}\n";
  const std::map<std::string, std::string> on = {{"all_epilogues", "true"}};
  const std::string library = "mkldnn._linear_pointwise.default";
  struct Case {
    std::map<std::string, std::string> options;
    std::vector<std::string> extern_ops;
    std::string op;
  };
  for (const Case& c : {Case{on, {"aten.*", library}, library}, Case{on, {"aten.*"}, "aten.mm.out"},
                        Case{{}, {"aten.*", library}, "aten.mm.out"}}) {
    absl::StatusOr<Outcome> outcome = CompileText(kText, {}, c.options, 1, c.extern_ops);
    ASSERT_TRUE(outcome.ok()) << outcome.status();
    const v1::Manifest& manifest = outcome->result.manifest;
    ASSERT_THAT(manifest.extern_ops(), SizeIs(1));
    const v1::ExternOp& op = manifest.extern_ops(0);
    EXPECT_EQ(op.name(), c.op);
    if (c.op != library) continue;
    EXPECT_THAT(manifest.kernels(), IsEmpty());
    EXPECT_THAT(op.nodes(), ElementsAre(0, 1));
    ASSERT_THAT(op.epilogues(), SizeIs(1));
    EXPECT_EQ(op.epilogues(0).what(), "tanh");
    EXPECT_EQ(op.epilogues(0).calls(), 1);
    EXPECT_THAT(manifest.steps(0).nodes(), ElementsAre(0, 1));
  }
}

TEST(CompileTest, ReasonsOfTheWireAreTheSchedulers) {
  EXPECT_EQ(static_cast<int>(ApartReasons().size()), v1::ApartReason_descriptor()->value_count() - 1);
  for (ApartReason reason : ApartReasons()) {
    EXPECT_EQ(v1::ApartReason_Name(static_cast<v1::ApartReason>(static_cast<int>(reason) + 1)),
              absl::StrCat("APART_REASON_", absl::AsciiStrToUpper(ApartReasonName(reason))));
  }
}

TEST(CompileTest, EqualRequestsGiveEqualBytes) {
  absl::StatusOr<Outcome> first = CompileText(kAdd, {{"s0", 8}, {"s1", 16}, {"s2", 8}});
  absl::StatusOr<Outcome> second = CompileText(kAdd, {{"s0", 9}, {"s1", 17}, {"s2", 9}});
  ASSERT_TRUE(first.ok() && second.ok());
  EXPECT_EQ(first->result.elf, second->result.elf);
}

TEST(CompileTest, BytesDoNotDependOnTheNumberOfThreads) {
  std::string text = "graph main(%v0: f32[s0, 64], %w: f32[64, 64]) {\n";
  // Each its own kernel: products are the host's.
  int i = 0;
  for (const char* op : {"relu", "exp", "sin", "cos", "tanh", "abs", "neg", "sigmoid"}) {
    absl::StrAppend(&text, "  %a", i, " = aten.", op, ".default(%v", i, ")\n  %v", i + 1, " = aten.mm.default(%a", i,
                    ", %w)\n");
    ++i;
  }
  absl::StrAppend(&text, "  return (%v", i, ")\n}\n");
  absl::StatusOr<Outcome> one = CompileText(text, {{"s0", 8}});
  ASSERT_TRUE(one.ok()) << one.status();
  EXPECT_GT(one->result.manifest.kernels_size(), 4);
  for (int threads : {2, 3, 64}) {
    absl::StatusOr<Outcome> several = CompileText(text, {{"s0", 8}}, {}, threads);
    ASSERT_TRUE(several.ok()) << several.status();
    EXPECT_EQ(one->result.elf, several->result.elf) << threads;
  }
}

TEST(CompileTest, ADroppedCompileEndsAfterPropagation) {
  InitializeCompiler();
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph("graph main(%a: f32[4]) {\n  return (%a)\n}\n", &pool, FindOpSchema);
  ASSERT_TRUE(graph.ok()) << graph.status();
  CompileRequest request;
  request.graph = *std::move(graph);
  request.target = TestTarget();
  absl::StatusOr<CompileResult> result = Compile(std::move(request), &pool, [](const auto&, double) {
    return MakeError(ErrorReason::kRequestCancelled, "nobody waits");
  });
  EXPECT_EQ(GetErrorReason(result.status()), ErrorReason::kRequestCancelled);
}

TEST(CompileTest, EagerNumbersComeFromTheHost) {
  constexpr absl::string_view kText =
      "graph g(%x: f32[4, 8]) { %r, %m = aten.native_dropout.default(%x, 0.5, true) return (%r, %m) }";
  absl::StatusOr<Outcome> ours = CompileText(kText, {});
  ASSERT_TRUE(ours.ok()) << ours.status();
  EXPECT_THAT(ours->result.manifest.extern_ops(), IsEmpty());
  absl::StatusOr<Outcome> hosts = CompileText(kText, {}, {{"eager_random", "true"}});
  ASSERT_TRUE(hosts.ok()) << hosts.status();
  ASSERT_EQ(hosts->result.manifest.extern_ops_size(), 1);
  EXPECT_EQ(hosts->result.manifest.extern_ops(0).name(), "aten.native_dropout.default");
}

TEST(CompileOptionsTest, DefaultsAreFilledIn) {
  absl::StatusOr<CompileOptions> options = ParseOptions({{"fuse", "false"}});
  ASSERT_TRUE(options.ok());
  EXPECT_EQ((*options)["fuse"], "false");
  EXPECT_EQ((*options)["check_bounds"], "false");
  EXPECT_THAT(*options, SizeIs(CompileOptionRows().size()));
}

TEST(CompileOptionsTest, StrangersAreRefusedByName) {
  absl::Status unknown = ParseOptions({{"fuze", "true"}}).status();
  EXPECT_EQ(GetErrorReason(unknown), ErrorReason::kOptionUnknown);
  EXPECT_THAT(std::string(unknown.message()), HasSubstr("fuze"));
  absl::Status bad = ParseOptions({{"fuse", "maybe"}}).status();
  EXPECT_EQ(GetErrorReason(bad), ErrorReason::kBadArgumentValue);
  EXPECT_THAT(std::string(bad.message()), HasSubstr("maybe"));
}

TEST(CompileOptionsTest, RowsAreSorted) {
  for (size_t i = 1; i < CompileOptionRows().size(); ++i) {
    EXPECT_LT(CompileOptionRows()[i - 1].name, CompileOptionRows()[i].name);
  }
}

}  // namespace
}  // namespace kiln
