// The options of every command that talks to a server.
#ifndef KILN_CLIENTS_CLI_SERVER_OPTIONS_H_
#define KILN_CLIENTS_CLI_SERVER_OPTIONS_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "clients/cpp/client.h"

namespace CLI {
class App;
}

namespace kiln {

struct ServerOptions {
  std::string address;
  std::string trusted_keys;
  std::string domain;
  std::string requester;
  std::string job;
  double timeout_seconds = 330;
  // No flag of every command's.
  bool no_remembered_failures = false;
};

// --address (KILN_ADDRESS), --trusted-keys (KILN_TRUSTED_KEYS), --domain,
// --requester, --job (KILN_JOB), --timeout. `options` must outlive the app.
void AddServerOptions(CLI::App& command, ServerOptions& options);

// Reads the trusted keys and connects. PARSE_ERROR or NOT_FOUND for the keys.
absl::StatusOr<std::unique_ptr<Client>> ConnectTo(const ServerOptions& options);

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_SERVER_OPTIONS_H_
