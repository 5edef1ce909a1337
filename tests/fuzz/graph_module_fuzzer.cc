// Graphs from the wire: what a stranger's Compile or Propagate brings.
#include <cstdint>
#include <cstring>

#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/export_graph.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"
#include "kiln/v1/graph.pb.h"
#include "tests/fuzz/mutate_graph.h"
#include "tests/fuzz/mutate_message.h"
#include "tests/fuzz/propagate_anything.h"
#include "tests/fuzz/require.h"

namespace kiln {
namespace {

// The number of bytes written, 0 if it does not fit.
size_t Write(const v1::GraphModule& module, uint8_t* out, size_t max_size) {
  const std::string bytes = module.SerializeAsString();
  if (bytes.size() > max_size) return 0;
  std::memcpy(out, bytes.data(), bytes.size());
  return bytes.size();
}

}  // namespace
}  // namespace kiln

// Mostly as a graph, else as a message or as bytes.
extern "C" size_t LLVMFuzzerCustomMutator(uint8_t* data, size_t size, size_t max_size, unsigned seed) {
  kiln::v1::GraphModule module;
  if (seed % 4 == 0 || !module.ParseFromArray(data, static_cast<int>(size)) || module.graphs_size() == 0) {
    kiln::v1::GraphModule message;
    return kiln::MutateMessage(message, data, size, max_size, seed);
  }
  for (unsigned i = 0; i <= seed / 4 % 3; ++i) kiln::MutateGraph(*module.mutable_graphs(0), seed / 16 + i);
  const size_t written = kiln::Write(module, data, max_size);
  return written > 0 ? written : size;
}

extern "C" size_t LLVMFuzzerCustomCrossOver(const uint8_t* data1, size_t size1, const uint8_t* data2, size_t size2,
                                            uint8_t* out, size_t max_size, unsigned seed) {
  kiln::v1::GraphModule module, other;
  if (!module.ParseFromArray(data1, static_cast<int>(size1)) || module.graphs_size() == 0) return 0;
  if (!other.ParseFromArray(data2, static_cast<int>(size2)) || other.graphs_size() == 0) return 0;
  kiln::CrossGraphs(*module.mutable_graphs(0), other.graphs(0), seed);
  return kiln::Write(module, out, max_size);
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
