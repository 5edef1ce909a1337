// Graphs from files, as commands take them: text form or proto, with hints for
// their symbols.
#ifndef KILN_CLIENTS_CLI_GRAPH_FILE_H_
#define KILN_CLIENTS_CLI_GRAPH_FILE_H_

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fake_runtime/graph/graph.h"

namespace kiln {

using Bindings = std::vector<std::pair<std::string, int64_t>>;

// "s0=8,s1=16". BAD_ARGUMENT_VALUE, naming the piece.
absl::StatusOr<Bindings> ParseBindings(absl::string_view text);

// A whole file; "-" is standard input. NOT_FOUND, naming the path.
absl::StatusOr<std::string> ReadWholeFile(const std::string& path);
// UNKNOWN, naming the path. The file is whole or not there: it is written beside
// and renamed.
absl::Status WriteWholeFile(const std::string& path, absl::string_view bytes);

struct GraphFileOptions {
  std::string bind;
  // Plain sizes become symbols: equal ones share a symbol, 0 and 1 stay.
  bool dynamic = false;
  // Types that inputs get in place of their own: "x: f32[s0=8, 128]".
  std::vector<std::string> inputs;
};

// A graph's text if it starts with the word `graph` (comments before it are
// allowed), else a serialized v1::GraphModule. Symbols are bound. Source lines
// that the text does not give are "FILE:LINE" of the node.
absl::StatusOr<Graph> ReadGraphFile(const std::string& path, const GraphFileOptions& options, ExprPool* pool);

// True if the bytes are those of an ELF file.
bool IsElf(absl::string_view bytes);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_GRAPH_FILE_H_
