// Graphs from the wire: what a stranger's Compile or Propagate brings.
#include <cstdint>

#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/export_graph.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"
#include "kiln/v1/graph.pb.h"
#include "tests/fuzz/mutate_message.h"
#include "tests/fuzz/propagate_anything.h"
#include "tests/fuzz/require.h"

extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  kiln::v1::GraphModule module;
  return kiln::MutateMessage(module, data, size, max_size, seed);
}

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace kiln;
  v1::GraphModule module;
  if (!module.ParseFromArray(data, static_cast<int>(size))) return 0;
  ExprPool pool;
  const OpCatalog ops = {FindOpSchema, RefusedOps()};
  absl::StatusOr<Graph> graph = ImportModule(module, &pool, ops);
  if (!graph.ok()) {
    RequireReason(graph.status());
    return 0;
  }
  const v1::GraphModule exported = ExportModule(*graph, module.opset());
  const absl::StatusOr<Graph> again = ImportModule(exported, &pool, ops);
  Require(again.ok(), again.status().ToString());
  Require(PrintGraph(*again) == PrintGraph(*graph), PrintGraph(*graph) + "\nbecomes\n" + PrintGraph(*again));
  PropagateAnything(*std::move(graph), &pool);
  return 0;
}
