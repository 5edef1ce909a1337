// The flags that choose variants, for every command of `kiln cache`.
#ifndef KILN_CLIENTS_CLI_VARIANT_FILTER_OPTIONS_H_
#define KILN_CLIENTS_CLI_VARIANT_FILTER_OPTIONS_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "clients/cli/admin_client.h"
#include "kiln/v1/admin_service.pb.h"

namespace kiln {

struct VariantFilterOptions {
  std::vector<std::string> artifacts;
  std::vector<std::string> graphs;
  std::vector<std::string> keys;
  std::optional<std::string> domain;
  std::string older_than;
  std::string job;
};

// --artifact, --graph, --key, --domain, --older-than, --job. `options` must outlive the app.
void AddVariantFilterOptions(CLI::App& command, VariantFilterOptions& options);

// Beginnings of digests are completed by asking `client`. BAD_ARGUMENT_VALUE, naming it, for
// one that is no hex, that nothing begins with, or that several do, and for an age that
// is none.
absl::StatusOr<v1::VariantFilter> FilterOf(const VariantFilterOptions& options, AdminClient& client);

// One digest from hex digits or their beginning, among the artifacts.
absl::StatusOr<std::string> CompleteArtifact(const std::string& hex, AdminClient& client);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_VARIANT_FILTER_OPTIONS_H_
