#include "clients/cli/compile_page.h"

#include <string>

#include "absl/strings/str_cat.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/report_propagation.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

int Count(absl::string_view text, absl::string_view what) {
  int count = 0;
  for (size_t at = text.find(what); at != std::string::npos; at = text.find(what, at + 1)) ++count;
  return count;
}

PropagationReport Report(absl::string_view text) {
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph(text, &pool, FindOpSchema, {FindOverloads, "model.kiln"});
  EXPECT_TRUE(graph.ok()) << graph.status();
  absl::StatusOr<FakeGraph> fake = Propagate(*std::move(graph), &pool);
  EXPECT_TRUE(fake.ok()) << fake.status();
  return ReportPropagation(*fake);
}

void AddKernelStep(v1::Manifest& manifest, int kernel, int node) {
  v1::StepInfo& step = *manifest.add_steps();
  step.set_kernel(kernel);
  step.add_nodes(node);
  step.mutable_bytes()->set_expr("8*s0");
  step.mutable_operations()->set_expr("s0");
}

// Nodes 0 and 2 are of one kernel, node 1 is the host's, node 3 is of two kernels.
CompilePageInput FourNodes() {
  CompilePageInput input;
  input.title = "four.kiln";
  input.graph = Report(
      "graph four(%x: f32[s0=8, 4]) {\n  %a = aten.relu(%x)\n  %b, %i = aten.sort(%a)\n  %c = aten.relu(%a)\n"
      "  %d = aten.exp(%c)\n  return %b, %d\n}");
  v1::Manifest& m = input.manifest;
  m.set_arch("x86_64");
  for (const char* name : {"kernel.relu_0", "kernel.exp_1"}) {
    v1::KernelInfo& kernel = *m.add_kernels();
    kernel.set_symbol(name);
    kernel.set_launches(2);
    input.code.push_back({"LOOPS", "LLVM", "ASSEMBLY"});
  }
  for (int node : {0, 2, 3}) {
    m.mutable_kernels(0)->add_nodes(node);
    m.mutable_kernels(0)->add_ops("aten.relu.default");
  }
  v1::ApartKernel& apart = *m.mutable_kernels(1)->add_apart();
  apart.set_kernel(0);
  apart.set_reason(v1::APART_REASON_COSTLY);
  v1::ExternOp& sort = *m.add_extern_ops();
  sort.set_name("aten.sort.default");
  sort.set_call_sites(1);
  AddKernelStep(m, 0, 0);
  m.add_steps()->set_extern_op(0);
  m.mutable_steps(1)->add_nodes(1);
  AddKernelStep(m, 0, 2);
  AddKernelStep(m, 0, 3);
  AddKernelStep(m, 1, 3);
  v1::VariantRecord& record = input.record.emplace();
  for (int line = 2; line < 6; ++line) record.add_locations(absl::StrCat("model.kiln:", line));
  v1::StageTime& stage = *record.add_stage_times();
  stage.set_stage("codegen");
  stage.set_milliseconds(2.5);
  for (float ms : {1.25f, 0.5f, 0.25f}) record.add_kernel_milliseconds(ms);
  return input;
}

TEST(CompilePageTest, NodesHaveTheColourOfTheirKernel) {
  const std::string page = CompilePage(FourNodes());
  // Box 0 is the input. The second kernel's hue is the golden angle.
  EXPECT_THAT(page, HasSubstr("id=\"b1\" data-syms=\"s0\" class=\"box node tint\" style=\"--h:0\""));
  EXPECT_THAT(page, HasSubstr("id=\"b2\" data-syms=\"s0\" class=\"box node extern\""));
  EXPECT_THAT(page, HasSubstr("id=\"b3\" data-syms=\"s0\" class=\"box node tint\" style=\"--h:0\""));
  EXPECT_EQ(Count(page, "<rect class=\"stripe\" style=\"--h:137\""), 1);
}

TEST(CompilePageTest, ItsDataHoldCodeReasonsWorkAndTimes) {
  const std::string page = CompilePage(FourNodes());
  EXPECT_THAT(page, HasSubstr("\"code\":[\"LOOPS\",\"LLVM\",\"ASSEMBLY\"]"));
  EXPECT_THAT(page, HasSubstr("\"apart from kernel.relu_0: too costly to be computed again for each of its readers\""));
  EXPECT_THAT(page, HasSubstr("{\"op\":\"aten.relu.default #2\",\"at\":\"model.kiln:4\",\"box\":3}"));
  EXPECT_THAT(page, HasSubstr("\"moves 8*s0 bytes, s0 operations\""));
  EXPECT_THAT(page, HasSubstr("\"stages\":[[\"codegen\",2.5000]],\"entry\":0.2500"));
  EXPECT_THAT(page, HasSubstr("\"ms\":1.2500"));
}

TEST(CompilePageTest, AnArtifactAloneIsItsStepsInOrder) {
  CompilePageInput input = FourNodes();
  input.graph.reset();
  input.record.reset();
  const std::string page = CompilePage(input);
  EXPECT_THAT(page, HasSubstr("An artifact holds no edges"));
  EXPECT_EQ(Count(page, "class=\"box node"), 5);
  EXPECT_EQ(Count(page, "class=\"box output"), 0);
  EXPECT_THAT(page, HasSubstr("\"stages\":[],\"entry\":null"));
  EXPECT_THAT(page, HasSubstr(">aten.relu.default #0<"));
}

TEST(CompilePageTest, NumbersOutOfRangeAreNoCrash) {
  CompilePageInput input = FourNodes();
  input.manifest.mutable_steps(0)->set_kernel(77);
  input.manifest.mutable_steps(1)->set_extern_op(-1);
  input.manifest.mutable_steps(2)->add_nodes(99);
  input.manifest.mutable_kernels(0)->add_nodes(-5);
  input.manifest.mutable_kernels(1)->mutable_apart(0)->set_kernel(9);
  EXPECT_THAT(CompilePage(input), Not(HasSubstr("--h:-")));
  input.graph.reset();
  EXPECT_THAT(CompilePage(input), HasSubstr("box node"));
}

TEST(CompilePageTest, HostileTextStaysText) {
  const std::string attack = "</script><img src=x onerror=alert(1)>\"'\x1b[31m";
  for (bool with_graph : {true, false}) {
    CompilePageInput input = FourNodes();
    input.title = attack;
    input.graph->nodes[0].text = input.graph->nodes[1].op = input.graph->values[0].name = attack;
    if (!with_graph) input.graph.reset();
    input.manifest.mutable_kernels(0)->set_symbol(attack);
    input.manifest.mutable_kernels(0)->set_ops(0, attack);
    input.manifest.mutable_kernels(0)->set_why(attack);
    input.manifest.mutable_extern_ops(0)->set_name(attack);
    input.manifest.add_symbols(attack);
    input.manifest.set_arch(attack);
    v1::Guard& guard = *input.manifest.add_guards();
    guard.set_condition(attack);
    guard.mutable_reason()->set_op(attack);
    input.manifest.mutable_steps(0)->mutable_bytes()->set_expr(attack);
    input.record->set_locations(0, attack);
    input.record->mutable_stage_times(0)->set_stage(attack);
    input.code[0] = {attack, attack, attack};
    const std::string page = CompilePage(input);
    EXPECT_EQ(Count(page, "<img"), 0);
    EXPECT_EQ(Count(page, "\x1b"), 0);
    EXPECT_EQ(Count(page, "</script"), 2);
  }
}

TEST(CompilePageTest, LoadsNothingFromElsewhere) {
  const std::string page = CompilePage(FourNodes());
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr(" src=")));
  EXPECT_THAT(page, Not(HasSubstr("href=")));
  EXPECT_THAT(page, Not(HasSubstr("url(")));
}

}  // namespace
}  // namespace kiln
