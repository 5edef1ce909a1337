// Prints the key's digests of GraphModules in proto form, a line a file: those of the
// graph and of its inputs, and the canonical graph's text with newlines escaped. Takes
// operators that import refuses by name too, such as collectives, by schemas of the
// caller's, a line each as PyTorch prints them:
//
//   digest_modules SCHEMAS rank0.pb rank1.pb
#include <fstream>
#include <iostream>
#include <map>
#include <sstream>
#include <string>

#include "absl/strings/escaping.h"
#include "fake_runtime/graph/canonical.h"
#include "fake_runtime/graph/text_form.h"
#include "fake_runtime/import/import_graph.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

using Schemas = std::map<std::string, OpSchema, std::less<>>;

bool ReadSchemas(const std::string& path, Schemas& schemas) {
  std::ifstream file(path);
  for (std::string line; std::getline(file, line);) {
    absl::StatusOr<OpSchema> schema = ParseOpSchema(line);
    if (!schema.ok()) {
      std::cerr << line << ": " << schema.status() << "\n";
      return false;
    }
    schemas.emplace(schema->name, *schema);
  }
  return true;
}

bool PrintDigests(const std::string& path, const Schemas& schemas) {
  std::ostringstream bytes;
  bytes << std::ifstream(path, std::ios::binary).rdbuf();
  v1::GraphModule module;
  if (!module.ParseFromString(bytes.str())) {
    std::cerr << path << ": not a GraphModule\n";
    return false;
  }
  const auto find = [&](absl::string_view name) -> const OpSchema* {
    auto known = schemas.find(name);
    return known == schemas.end() ? FindOpSchema(name) : &known->second;
  };
  ExprPool pool;
  absl::StatusOr<Graph> graph = ImportModule(module, &pool, {find, {}});
  absl::StatusOr<CanonicalGraph> canonical = graph.ok() ? Canonicalize(*graph, &pool) : graph.status();
  if (!canonical.ok()) {
    std::cerr << path << ": " << canonical.status() << "\n";
    return false;
  }
  std::cout << canonical->graph_digest.ToHex() << " " << canonical->signature_digest.ToHex() << " "
            << absl::CHexEscape(PrintGraph(canonical->graph)) << "\n";
  return true;
}

}  // namespace
}  // namespace kiln

int main(int argc, char** argv) {
  kiln::Schemas schemas;
  if (argc < 3 || !kiln::ReadSchemas(argv[1], schemas)) return 1;
  for (int i = 2; i < argc; ++i) {
    if (!kiln::PrintDigests(argv[i], schemas)) return 1;
  }
  return 0;
}
