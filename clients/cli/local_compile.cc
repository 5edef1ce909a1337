#include "clients/cli/local_compile.h"

#include <thread>
#include <utility>
#include <vector>

#include "base/status_macros.h"
#include "cache/variant_key.h"
#include "compiler/artifact/options_digest.h"
#include "fake_runtime/graph/canonical.h"

namespace kiln {

namespace {

// Gives the canonical graph's values the names that they have in its source.
void NameValues(const Graph& source, const std::vector<int>& original_node, Graph* canonical) {
  auto name = [&](ValueId id, ValueId original) {
    canonical->value_names[static_cast<size_t>(id.value)] = source.value_names[static_cast<size_t>(original.value)];
  };
  for (int i = 0; i < static_cast<int>(source.inputs.size()); ++i) name(ValueId{i}, ValueId{i});
  for (size_t n = 0; n < canonical->nodes.size(); ++n) {
    const std::vector<NodeOutput>& outputs = canonical->nodes[n].outputs;
    const std::vector<NodeOutput>& originals = source.nodes[static_cast<size_t>(original_node[n])].outputs;
    for (size_t o = 0; o < outputs.size(); ++o) {
      for (size_t v = 0; v < outputs[o].values.size(); ++v) name(outputs[o].values[v], originals[o].values[v]);
    }
  }
}

}  // namespace

absl::Status CompileLocally(const Graph& graph, const std::map<std::string, std::string>& options, v1::Target target,
                            ExprPool* pool, LocalCompile* local) {
  InitializeCompiler();
  CompileRequest request;
  KILN_ASSIGN_OR_RETURN(request.options, ParseOptions(options));
  KILN_ASSIGN_OR_RETURN(CanonicalGraph canonical, Canonicalize(graph, pool));
  request.target = std::move(target);
  request.compiler_build = CompilerBuild();
  request.key = ComposeKey({canonical.graph_digest, canonical.signature_digest, OptionsDigest(options),
                            request.compiler_build, request.target, ""});
  // As the Python client says.
  request.extern_ops = {"aten.*", "mkldnn.*"};
  request.graph = std::move(canonical.graph);
  // The canonical graph has no locations; people who read stages want them.
  for (size_t i = 0; i < request.graph.nodes.size(); ++i) {
    request.graph.nodes[i].location = graph.nodes[static_cast<size_t>(canonical.original_node[i])].location;
  }
  request.threads = static_cast<int>(std::thread::hardware_concurrency());
  local->graph = request.graph;
  NameValues(graph, canonical.original_node, &local->graph);
  auto go_on = [](const std::vector<v1::Guard>&, double) { return absl::OkStatus(); };
  KILN_ASSIGN_OR_RETURN(local->result, Compile(std::move(request), pool, go_on, &local->texts));
  return absl::OkStatus();
}

}  // namespace kiln
