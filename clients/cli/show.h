// `kiln show`: what is in an artifact, or what becomes of a graph.
#ifndef KILN_CLIENTS_CLI_SHOW_H_
#define KILN_CLIENTS_CLI_SHOW_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/strings/string_view.h"
#include "clients/cli/graph_file.h"
#include "clients/cli/target_options.h"

namespace kiln {

struct ShowArguments {
  std::string file;
  GraphFileOptions graph;
  std::vector<std::string> options;
  TargetOptions target;
  bool stages = false;
  std::vector<std::string> only;
  // One kernel alone, by its symbol with or without "kernel.".
  std::string kernel;
  bool assembly = false;
  std::string html;
  bool json = false;
};

// In the order of the compile.
inline constexpr absl::string_view kStageOrder[] = {"propagate", "decompose", "layout", "loops", "schedule", "llvm", "asm"};

// `elf` is the file's bytes.
absl::Status ShowArtifact(const ShowArguments& arguments, const std::string& elf);
// Compiles in this process.
absl::Status ShowGraph(const ShowArguments& arguments);

// True if `symbol` is what --kernel names.
bool IsNamed(absl::string_view symbol, absl::string_view kernel);
// BAD_ARGUMENT_VALUE with the symbols that there are.
absl::Status NoSuchKernel(absl::string_view kernel, const std::vector<std::string>& symbols);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_SHOW_H_
