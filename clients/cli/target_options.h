// The flags of commands that compile for a host which need not be this machine.
#ifndef KILN_CLIENTS_CLI_TARGET_OPTIONS_H_
#define KILN_CLIENTS_CLI_TARGET_OPTIONS_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "kiln/v1/artifact.pb.h"

namespace CLI {
class App;
}

namespace kiln {

struct TargetOptions {
  std::string arch;
  std::vector<std::string> features;
  // No features are none, even of this machine's architecture.
  bool only_features = false;
  int vector_bits = 0;
  int threads = 0;
};

void AddTargetOptions(CLI::App& command, TargetOptions& options);

// "native", "aarch64", "x86_64:avx2,fma". BAD_ARGUMENT_VALUE.
absl::StatusOr<TargetOptions> ParseTarget(const std::string& text);

// This machine where nothing is said. Of another architecture, or with other
// features, vectors are as wide as those features have registers for.
v1::Target TargetOf(const TargetOptions& options);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_TARGET_OPTIONS_H_
