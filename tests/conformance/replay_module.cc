// Reads a GraphModule in proto form from the file named, propagates its entry
// graph, and prints one JSON object a line: a value's name and what is known of
// it. Then the guards and runtime asserts, as {"guard": ...} and {"assert": ...},
// and the time that propagation took.
//
//   replay_module gpt2.forward.pb [REPEATS]
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <sstream>
#include <string>

#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "fake_runtime/fake_tensor_mode.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

std::string Quote(absl::string_view text) { return absl::StrCat("\"", text, "\""); }

std::string List(absl::Span<const Expr> exprs) {
  return absl::StrCat(
      "[", absl::StrJoin(exprs, ", ", [](std::string* out, Expr e) { out->append(Quote(e.ToString())); }), "]");
}

std::string Describe(const FakeValue& value) {
  if (const Expr* e = std::get_if<Expr>(&value)) return absl::StrCat("{\"scalar\": ", Quote(e->ToString()), "}");
  const FakeTensor* t = std::get_if<FakeTensor>(&value);
  if (t == nullptr) return "null";
  return absl::StrCat("{\"dtype\": ", Quote(DTypeText(t->dtype)), ", \"device\": ", Quote(t->device.ToString()),
                      ", \"sizes\": ", List(t->sizes), ", \"strides\": ", List(t->strides),
                      ", \"offset\": ", Quote(t->storage_offset.ToString()), ", \"storage\": ", t->storage.value, "}");
}

int Replay(const std::string& bytes, int repeats) {
  v1::GraphModule module;
  if (!module.ParseFromString(bytes)) {
    std::cerr << "not a GraphModule\n";
    return 1;
  }
  double best_us = 1e18;
  for (int i = 0; i < repeats; ++i) {
    ExprPool pool;
    absl::StatusOr<Graph> graph = ImportModule(module, &pool, {FindOpSchema, RefusedOps()});
    if (!graph.ok()) {
      std::cerr << "import: " << graph.status() << "\n";
      return 1;
    }
    const auto start = std::chrono::steady_clock::now();
    absl::StatusOr<FakeGraph> fake = Propagate(*std::move(graph), &pool);
    const std::chrono::duration<double, std::micro> took = std::chrono::steady_clock::now() - start;
    best_us = std::min(best_us, took.count());
    if (!fake.ok()) {
      std::cerr << "propagate: " << fake.status() << "\n";
      return 1;
    }
    if (i + 1 < repeats) continue;
    for (int v = 0; v < fake->graph.num_values(); ++v) {
      if (fake->graph.value_names[v].empty()) continue;
      std::cout << "{\"name\": " << Quote(fake->graph.value_names[v]) << ", \"value\": " << Describe(fake->values[v])
                << "}\n";
    }
    for (const Guard& guard : fake->env->Guards()) {
      std::cout << "{\"guard\": " << Quote(guard.ToString()) << "}\n";
    }
    for (const Guard& runtime_assert : fake->env->runtime_asserts()) {
      std::cout << "{\"assert\": " << Quote(runtime_assert.condition.ToString()) << "}\n";
    }
    std::cout << "{\"nodes\": " << fake->graph.nodes.size() << ", \"microseconds\": " << best_us << "}\n";
  }
  return 0;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  std::ifstream file(argv[1], std::ios::binary);
  std::stringstream bytes;
  bytes << file.rdbuf();
  return kiln::Replay(bytes.str(), argc > 2 ? std::max(1, std::atoi(argv[2])) : 1);
}
