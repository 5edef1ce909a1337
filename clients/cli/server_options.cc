#include "clients/cli/server_options.h"

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <utility>

#include "base/status_macros.h"
#include "clients/cli/graph_file.h"
#include "clients/cli/option_checks.h"
#include "service/serve.h"

namespace kiln {

void AddServerOptions(CLI::App& command, ServerOptions& options) {
  options.address = ServeOptions().listen.front();
  command.add_option("--address", options.address, "Where the server is: HOST:PORT or unix:/PATH; several replicas with commas between")
      ->envname("KILN_ADDRESS")
      ->capture_default_str();
  command
      .add_option("--trusted-keys", options.trusted_keys,
                  "A file of public keys, 64 hex digits a line. A variant that none of them signed is refused; without "
                  "the option signatures are not checked")
      ->envname("KILN_TRUSTED_KEYS");
  command.add_option("--domain", options.domain, "The tenant whose cache this is. Empty: the shared one");
  command.add_option("--requester", options.requester, "Who asks, for the variant's record: ci-17/warm");
  command
      .add_option("--job", options.job,
                  "The job that uses what is answered: the server keeps it while the job's lease lasts")
      ->envname("KILN_JOB");
  command.add_option("--timeout", options.timeout_seconds, "Seconds to wait for an answer")
      ->check(NumberWithin(kMinSeconds, kMaxSeconds))
      ->capture_default_str();
}

absl::StatusOr<std::unique_ptr<Client>> ConnectTo(const ServerOptions& options) {
  ClientOptions client;
  client.address = options.address;
  client.domain = options.domain;
  client.requester = options.requester;
  client.job = options.job;
  client.explain_misses = true;
  client.no_remembered_failures = options.no_remembered_failures;
  client.compile_timeout = absl::Seconds(options.timeout_seconds);
  client.timeout = std::min(client.timeout, client.compile_timeout);
  client.connect_timeout = std::min(client.connect_timeout, client.compile_timeout);
  if (!options.trusted_keys.empty()) {
    KILN_ASSIGN_OR_RETURN(std::string text, ReadWholeFile(options.trusted_keys));
    KILN_RETURN_IF_ERROR(client.trusted.AddText(text));
  }
  return Client::Connect(std::move(client));
}

}  // namespace kiln
