#include "clients/cli/local_compile.h"

#include <thread>
#include <utility>

#include "base/status_macros.h"
#include "cache/variant_key.h"
#include "clients/runtime/cpu_features.h"
#include "compiler/artifact/options_digest.h"
#include "fake_runtime/graph/canonical.h"

namespace kiln {

absl::StatusOr<CompileResult> CompileLocally(const Graph& graph, const std::map<std::string, std::string>& options,
                                             ExprPool* pool, StageTexts* texts) {
  InitializeCompiler();
  CompileRequest request;
  KILN_ASSIGN_OR_RETURN(request.options, ParseOptions(options));
  KILN_ASSIGN_OR_RETURN(CanonicalGraph canonical, Canonicalize(graph, pool));
  request.target = DetectTarget(static_cast<int>(std::thread::hardware_concurrency()));
  request.compiler_build = CompilerBuild();
  request.key = ComposeKey({canonical.graph_digest, canonical.signature_digest, OptionsDigest(options),
                            request.compiler_build, request.target, ""});
  request.extern_ops = {"aten.*"};
  request.graph = std::move(canonical.graph);
  // The canonical graph has no locations; people who read stages want them.
  for (size_t i = 0; i < request.graph.nodes.size(); ++i) {
    request.graph.nodes[i].location = graph.nodes[static_cast<size_t>(canonical.original_node[i])].location;
  }
  request.threads = static_cast<int>(std::thread::hardware_concurrency());
  auto go_on = [](const std::vector<v1::Guard>&, double) { return absl::OkStatus(); };
  return Compile(std::move(request), pool, go_on, texts);
}

}  // namespace kiln
