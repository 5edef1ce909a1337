// Bytes that almost are a graph: serialized graphs with bits flipped, bytes
// changed, cut out, doubled, and cut off. Nothing may crash, and what is
// accepted must hold graph.h's invariants well enough to be printed, parsed,
// canonicalised and exported again. Seeded, so a failure comes back.
#include <google/protobuf/stubs/logging.h>
#include <gtest/gtest.h>

#include <random>
#include <string>

#include "base/error.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/graph/testing/random_graph.h"
#include "fake_runtime/graph/testing/test_schemas.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/export_graph.h"
#include "fake_runtime/import/import_graph.h"

namespace kiln {
namespace {

class Mutator {
 public:
  explicit Mutator(uint32_t seed) : engine_(seed) {}

  std::string Mutate(std::string bytes) {
    for (int edits = 1 + Roll(4); edits > 0 && !bytes.empty(); --edits)
      Edit(bytes);
    return bytes;
  }

 private:
  size_t Roll(size_t sides) { return engine_() % sides; }

  void Edit(std::string& bytes) {
    size_t at = Roll(bytes.size());
    switch (Roll(6)) {
      case 0:
        bytes[at] = static_cast<char>(bytes[at] ^ (1 << Roll(8)));
        break;
      case 1:
        bytes[at] = static_cast<char>(Roll(256));
        break;
      case 2:
        bytes.erase(at, 1 + Roll(8));
        break;
      case 3:
        bytes.insert(at, bytes.substr(Roll(bytes.size()), 1 + Roll(32)));
        break;
      case 4:
        bytes[at] = "\x00\x7f\x80\xff"[Roll(4)];
        break;
      case 5:
        if (Roll(8) == 0) bytes.resize(at);
        break;
    }
  }

  std::mt19937 engine_;
};

// Whatever import accepts, every later reader can handle.
void UseGraph(const Graph& graph, ExprPool& pool) {
  std::string text = PrintGraph(graph);
  absl::StatusOr<Graph> again = ParseGraph(text, &pool, FindTestSchema);
  ASSERT_TRUE(again.ok()) << again.status() << "\n" << text;
  EXPECT_EQ(PrintGraph(*again), text);
  EXPECT_TRUE(Canonicalize(graph, &pool).ok());
  EXPECT_GT(ExportGraph(graph).ByteSizeLong(), 0u);
}

TEST(ImportMutationTest, MutatedMessagesNeverCrash) {
  // Protobuf would write a line for every string that is not UTF-8.
  google::protobuf::LogSilencer silence;
  const OpCatalog ops = {FindTestSchema, {}};
  int parsed = 0, accepted = 0;
  for (uint32_t seed = 0; seed < 20000; ++seed) {
    ExprPool pool;
    Graph graph = RandomGraph(seed % 20, 6, &pool);
    std::erase_if(graph.nodes, [](const Node& node) {
      return node.op->name == "aten._assert_async.msg";
    });
    std::string bytes =
        Mutator(seed).Mutate(ExportGraph(graph).SerializeAsString());
    v1::Graph proto;
    if (!proto.ParseFromString(bytes)) continue;
    ++parsed;
    absl::StatusOr<Graph> imported = ImportGraph(proto, &pool, ops);
    if (imported.ok()) {
      ++accepted;
      UseGraph(*imported, pool);
    } else {
      EXPECT_TRUE(GetErrorReason(imported.status()).has_value())
          << seed << ": " << imported.status();
    }
  }
  // The mutations reach both sides of every check, or this tests nothing.
  EXPECT_GT(parsed, 1000);
  EXPECT_GT(accepted, 100);
  EXPECT_GT(parsed - accepted, 500);
}

}  // namespace
}  // namespace kiln
