// The text form of graphs: refused by name, or a graph that prints and parses to
// itself and goes the way of every graph.
#include <cstdint>

#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/ops/op_table.h"
#include "tests/fuzz/propagate_anything.h"
#include "tests/fuzz/require.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kiln;
  ExprPool pool;
  absl::StatusOr<Graph> graph = ParseGraph({reinterpret_cast<const char*>(data), size}, &pool, FindOpSchema);
  if (!graph.ok()) {
    RequireReason(graph.status());
    return 0;
  }
  const std::string text = PrintGraph(*graph);
  const absl::StatusOr<Graph> again = ParseGraph(text, &pool, FindOpSchema);
  Require(again.ok(), again.status().ToString() + "\n" + text);
  Require(PrintGraph(*again) == text, text + "\nbecomes\n" + PrintGraph(*again));
  PropagateAnything(*std::move(graph), &pool);
  return 0;
}
