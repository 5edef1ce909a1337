// The classes of crafted-graph CVEs (overflowing sizes, zero divisors, type
// confusion, cycles, ...): malformed_graphs.txt has graphs of each, per operator
// where an attribute is what is wrong. Each gets its typed error, in text form and,
// where the text can be read at all, as a message.
#include <gtest/gtest.h>

#include <map>
#include <string>

#include "absl/strings/str_cat.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/export_graph.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/import/testing/malformed_graphs.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

absl::Status PropagateText(const std::string& text) {
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph(text, &pool, FindOpSchema);
  return graph.ok() ? Propagate(*std::move(graph), &pool).status() : graph.status();
}

absl::Status PropagateMessage(const Graph& graph) {
  v1::GraphModule wire;
  EXPECT_TRUE(wire.ParseFromString(ExportModule(graph, "2.13").SerializeAsString()));
  ExprPool pool;
  absl::StatusOr<Graph> imported = ImportModule(wire, &pool, {FindOpSchema, RefusedOps()});
  return imported.ok() ? Propagate(*std::move(imported), &pool).status() : imported.status();
}

TEST(MalformedGraphsTest, EachHasItsTypedErrorAsText) {
  for (const MalformedGraph& malformed : ReadMalformedGraphs()) {
    SCOPED_TRACE(absl::StrCat(malformed.what, "\n", malformed.text));
    ExpectRefusal(malformed, PropagateText(malformed.text));
  }
}

TEST(MalformedGraphsTest, EachHasItsTypedErrorAsAMessage) {
  int messages = 0;
  for (const MalformedGraph& malformed : ReadMalformedGraphs()) {
    SCOPED_TRACE(absl::StrCat(malformed.what, "\n", malformed.text));
    ExprPool pool;
    const absl::StatusOr<Graph> graph = ParseGraph(malformed.text, &pool, FindOpSchema);
    if (!graph.ok()) continue;
    ++messages;
    ExpectRefusal(malformed, PropagateMessage(*graph));
  }
  EXPECT_GT(messages, 100);
}

TEST(MalformedGraphsTest, EveryClassHasGraphs) {
  std::map<std::string, int> graphs;
  for (const MalformedGraph& malformed : ReadMalformedGraphs()) ++graphs[malformed.what.substr(0, malformed.what.find(':'))];
  for (const char* name : {"overflow of sizes", "attribute out of range", "division by zero",
                           "type confusion, null or empty", "recursion and cycles", "allocation sized by the client",
                           "out of bounds in shape inference"}) {
    EXPECT_GT(graphs[name], 0) << name;
  }
}

}  // namespace
}  // namespace kiln
