// A compile in this process, for people who want to see every stage's text. The
// result goes nowhere: what hosts load comes from a server that signs it.
#ifndef KILN_CLIENTS_CLI_LOCAL_COMPILE_H_
#define KILN_CLIENTS_CLI_LOCAL_COMPILE_H_

#include <map>
#include <string>

#include "absl/status/status.h"
#include "compiler/compile.h"
#include "fake_runtime/graph/graph.h"

namespace kiln {

struct LocalCompile {
  CompileResult result;
  StageTexts texts;
  // The canonical graph that was compiled, with the source's lines and names.
  Graph graph;
};

// With the extern ops of PyTorch. `graph` is bound; it is put
// into canonical form first, as the server does. `local` has the texts of the stages
// that were reached, on errors too. Errors as Compile.
absl::Status CompileLocally(const Graph& graph, const std::map<std::string, std::string>& options, v1::Target target,
                            ExprPool* pool, LocalCompile* local);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_LOCAL_COMPILE_H_
