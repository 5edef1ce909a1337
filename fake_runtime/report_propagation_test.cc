#include "fake_runtime/report_propagation.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/error.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/report_proto.h"
#include "fake_runtime/ops/op_table.h"
#include "fake_runtime/report/explain_symbol.h"
#include "fake_runtime/report/graph_page.h"
#include "fake_runtime/report/print_table.h"

namespace kiln {
namespace {

using ::testing::HasSubstr;
using ::testing::Not;

PropagationReport ReportOf(const std::string& text, const std::string& input = "") {
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph(text, &pool, FindOpSchema, {FindOverloads, "model.kiln"});
  EXPECT_TRUE(graph.ok()) << graph.status();
  if (!graph.ok()) return {};
  if (!input.empty()) {
    EXPECT_EQ(OverrideInput(*graph, input, &pool, FindOpSchema), absl::OkStatus());
  }
  absl::StatusOr<FakeGraph> fake = Propagate(*std::move(graph), &pool);
  EXPECT_TRUE(fake.ok()) << fake.status();
  return fake.ok() ? ReportPropagation(*fake) : PropagationReport();
}

constexpr char kChain[] = R"(graph chain(%x: f32[s0=8, 4], %y: f32[s1=8, 4]) {
  %c = aten.add(%x, %y)
  %d = aten.view(%c, [8, 4])
  return (%d)
})";

TEST(ReportPropagationTest, OverloadsAndLinesNeedNotBeWritten) {
  const PropagationReport report = ReportOf(kChain);
  EXPECT_EQ(report.nodes[0].op, "aten.add.Tensor");
  EXPECT_EQ(report.nodes[1].op, "aten.view.default");
  EXPECT_EQ(report.nodes[1].location, "model.kiln:3");
  EXPECT_EQ(report.values[3].alias_of, 2);
}

TEST(ReportPropagationTest, AnAmbiguousOrMissingOverloadIsNamed) {
  ExprPool pool;
  absl::StatusOr<Graph> graph =
      ParseGraph("graph f(%x: f32[4]) { %y = aten.add(%x) return %y }", &pool, FindOpSchema, {FindOverloads, ""});
  EXPECT_EQ(GetErrorReason(graph.status()), ErrorReason::kBadArgumentType);
  EXPECT_THAT(std::string(graph.status().message()), HasSubstr("fit none of its overloads: aten.add."));
  graph = ParseGraph("graph f(%x: f32[4]) { %y = aten.add(%x, 1) %v, %i = aten.max(%y, 0) return %v }", &pool,
                     FindOpSchema, {FindOverloads, ""});
  ASSERT_TRUE(graph.ok()) << graph.status();
  EXPECT_EQ(graph->nodes[0].op->name, "aten.add.Scalar");
  EXPECT_EQ(graph->nodes[1].op->name, "aten.max.dim");
}

TEST(ReportPropagationTest, GuardsReadAsPeopleWriteThem) {
  const PropagationReport report = ReportOf(R"(graph f(%x: f32[s0=9]) {
  %w = aten.slice(%x, 0, 0, 8)
  %v = aten.view(%w, [-1, 4])
  return (%v)
})");
  ASSERT_EQ(report.guards.size(), 1u);
  EXPECT_EQ(report.guards[0].condition, "s0 >= 8");
  EXPECT_THAT(PrintTable(report), HasSubstr("  s0 >= 8  # aten.slice.Tensor at model.kiln:2: "));
}

TEST(ReportPropagationTest, SaysWhichInputsTheGraphWrites) {
  const PropagationReport report = ReportOf(R"(graph f(%x: f32[4, 6], %y: f32[2, 3], %z: f32[4]) {
  %row = aten.select(%x, 0, 1)
  %w = aten.zero_(%row)
  %t = aten.t_(%y)
  return %t, %z
})");
  EXPECT_TRUE(report.inputs[0].data_written);
  EXPECT_FALSE(report.inputs[0].metadata_changed);
  EXPECT_FALSE(report.inputs[1].data_written);
  EXPECT_TRUE(report.inputs[1].metadata_changed);
  EXPECT_FALSE(report.inputs[2].data_written || report.inputs[2].metadata_changed);
  EXPECT_THAT(PrintTable(report), HasSubstr("input, written"));
  EXPECT_THAT(PrintTable(report), HasSubstr("input, reshaped"));
  absl::StatusOr<PropagationReport> over_the_wire = ImportReport(ExportReport(report));
  ASSERT_TRUE(over_the_wire.ok()) << over_the_wire.status();
  EXPECT_TRUE(over_the_wire->inputs[0].data_written);
  EXPECT_TRUE(over_the_wire->inputs[1].metadata_changed);
}

TEST(ReportPropagationTest, GoesOverTheWireWithoutLoss) {
  const PropagationReport report = ReportOf(R"(graph f(%x: f32[s0=8, 4] device=cuda:1 parameter, %n: int = s0 + 1) {
  %c = aten.nonzero(%x)
  %p, _ = aten.split(%x, 2, 1)
  %k = sym.mul(%n, 2)
  return (%c, %p, %k)
})");
  const v1::PropagateResponse response = ExportReport(report);
  absl::StatusOr<PropagationReport> back = ImportReport(response);
  ASSERT_TRUE(back.ok()) << back.status();
  EXPECT_EQ(ExportReport(*back).SerializeAsString(), response.SerializeAsString());
  EXPECT_EQ(PrintTable(*back), response.table());
}

TEST(ReportPropagationTest, ARepliesNumbersAreChecked) {
  v1::PropagateResponse response = ExportReport(ReportOf(kChain));
  response.mutable_nodes(0)->add_uses(99);
  EXPECT_EQ(GetErrorReason(ImportReport(response).status()), ErrorReason::kMalformedMessage);
}

TEST(ExplainSymbolTest, TellsTheChainNearestFirst) {
  absl::StatusOr<std::string> why = ExplainSymbol(ReportOf(kChain), "s1");
  ASSERT_TRUE(why.ok()) << why.status();
  EXPECT_THAT(*why, HasSubstr("s1 is specialised to 8\n  size 0 of %y; automatic; hint 8"));
  EXPECT_THAT(*why, HasSubstr("# aten.add.Tensor at model.kiln:2"));
  EXPECT_THAT(*why, HasSubstr("# aten.view at model.kiln:3"));
  EXPECT_LT(why->find("model.kiln:2"), why->find("model.kiln:3"));
  EXPECT_THAT(*why, HasSubstr("to avoid it:\n"));
  EXPECT_THAT(*why, HasSubstr("the shape is written in numbers"));
}

TEST(ExplainSymbolTest, NamesTheSymbolsThatThereAre) {
  absl::Status status = ExplainSymbol(ReportOf(kChain), "s7").status();
  EXPECT_EQ(status.message(), "there is no symbol 's7'; there are s0, s1");
}

TEST(ExplainSymbolTest, ASymbolThatNothingHoldsIsSaidToBeFree) {
  absl::StatusOr<std::string> why =
      ExplainSymbol(ReportOf("graph f(%x: f32[s0=8]) { %y = aten.relu(%x) return %y }"), "s0");
  ASSERT_TRUE(why.ok());
  EXPECT_THAT(*why, HasSubstr("no guard speaks of it"));
}

TEST(PrintTableTest, ColourIsOnlyWhereItIsAskedFor) {
  const PropagationReport report = ReportOf(kChain);
  EXPECT_THAT(PrintTable(report), Not(HasSubstr("\x1b")));
  EXPECT_THAT(PrintTable(report, TableColor::kAnsi), HasSubstr("\x1b[33mguard"));
}

// Names are letters and digits by the reader's law; lines are not, and a report may
// come from a server that keeps no law.
TEST(GraphPageTest, HostileNamesStayText) {
  const std::string attack = "</script><img src=x onerror=alert(1)>\"'\x1b[31m";
  PropagationReport report = ReportOf(kChain);
  report.graph = report.nodes[0].location = report.nodes[1].op = report.values[0].name = attack;
  report.values[1].sizes[0] = report.recorded_guards[0].condition = report.symbols[0].name = attack;
  report.guards[0].what = report.nodes[0].text = attack;
  const std::string page = GraphPage(report);
  EXPECT_THAT(page, Not(HasSubstr("<img")));
  EXPECT_THAT(page, Not(HasSubstr("\x1b")));
  size_t scripts = 0;
  for (size_t at = page.find("</script"); at != std::string::npos; at = page.find("</script", at + 1)) ++scripts;
  EXPECT_EQ(scripts, 2u);
  EXPECT_THAT(PrintTable(report), HasSubstr("?[31m"));
}

TEST(GraphPageTest, LoadsNothingFromElsewhere) {
  const std::string page = GraphPage(ReportOf(kChain));
  EXPECT_THAT(page, HasSubstr("default-src 'none'"));
  EXPECT_THAT(page, Not(HasSubstr(" src=")));
  EXPECT_THAT(page, Not(HasSubstr("href=")));
}

}  // namespace
}  // namespace kiln
