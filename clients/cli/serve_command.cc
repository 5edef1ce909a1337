#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include <memory>

#include "clients/cli/command.h"
#include "clients/cli/option_checks.h"
#include "service/serve.h"

namespace kiln {
namespace {

struct ServeArguments {
  ServeOptions options;
  double idle_exit_seconds = 0;
  double drain_seconds = 10;
  double redis_ttl_hours = 0;
  double lease_seconds = absl::ToDoubleSeconds(FleetOptions().lifetime);
  int64_t memory_cache_mib = 256;
  int64_t disk_cache_mib = 16 << 10;
  double pin_lease_seconds = 86400;
  double scrub_mib_per_second = 4;
};

ServeOptions OptionsOf(const ServeArguments& arguments) {
  ServeOptions options = arguments.options;
  options.memory_cache_bytes = arguments.memory_cache_mib << 20;
  options.disk_cache_bytes = arguments.disk_cache_mib << 20;
  options.pin_lease = absl::Seconds(arguments.pin_lease_seconds);
  options.scrub_bytes_per_second = static_cast<int64_t>(arguments.scrub_mib_per_second * (1 << 20));
  options.drain = absl::Seconds(arguments.drain_seconds);
  options.fleet.lifetime = absl::Seconds(arguments.lease_seconds);
  if (options.metrics == "none") options.metrics.clear();
  if (arguments.redis_ttl_hours > 0) options.redis_ttl = absl::Hours(arguments.redis_ttl_hours);
  if (arguments.idle_exit_seconds > 0) options.idle_exit = absl::Seconds(arguments.idle_exit_seconds);
  return options;
}

}  // namespace

void AddServeCommand(CLI::App& app, CommandOutcome& outcome) {
  auto arguments = std::make_shared<ServeArguments>();
  ServeOptions& options = arguments->options;
  CLI::App* command = app.add_subcommand("serve", "Run a server until SIGTERM or SIGINT");
  command->footer(
      "Prints one line on standard output once clients may come,\n"
      "  kiln: serving on 127.0.0.1:41234 metrics http://127.0.0.1:34567/metrics\n"
      "and logs to standard error. The data folder holds the signing key (signing_key, and\n"
      "signing_key.pub for the hosts that shall trust it) and the cache.\n"
      "Exit codes: 0 stopped, 2 bad options, 3 data folder or key, 4 cannot listen, 5 no workers.");
  command->add_option("--listen", options.listen, "HOST:PORT (0: a free port) or unix:/PATH; may be repeated")
      ->allow_extra_args(false)
      ->capture_default_str();
  command->add_option("--metrics", options.metrics, "HOST:PORT of /metrics; empty or none: nowhere")
      ->capture_default_str();
  command->add_option("--data", options.data_folder,
                      "Where key and cache live. Without it nothing survives the process");
  command->add_option("--key", options.key_file, "The signing key's file. Default: signing_key in the data folder");
  command
      ->add_option("--trusted-keys", options.trusted_keys_file,
                   "A file of public keys, 64 hex digits a line: rows that they signed are served beside its own. Read "
                   "again when it changes, and at SIGHUP");
  command
      ->add_option("--revoked", options.revoked_file,
                   "A file of what must not be served any more: lines of artifact, key, build, before. Read again "
                   "likewise. Default: revoked in the data folder");
  command->add_option("--admin-listen", options.admin_listen,
                      "Where `kiln cache` reaches the server: unix:/PATH, or a loopback HOST:PORT with a token; none: "
                      "nowhere. Default: admin.sock in the data folder");
  command->add_option("--admin-token", options.admin_token_file,
                      "A file of mode 0600 with the token that a TCP --admin-listen asks for");
  command->add_option("--workers", options.workers, "Compiles at a time. 0: one for each core")->capture_default_str();
  // A mebibyte more would not fit 64 bits.
  constexpr int64_t kMaxMib = int64_t{1} << 40;
  command->add_option("--memory-cache-mib", arguments->memory_cache_mib, "Artifacts kept in memory, in MiB")
      ->check(CLI::Range(int64_t{1}, kMaxMib))
      ->capture_default_str();
  command->add_option("--shape-threshold", options.shape_threshold,
                      "Distinct sizes from which on clients are told that a dimension varies")
      ->capture_default_str();
  command->add_option("--disk-cache-mib", arguments->disk_cache_mib, "Artifacts kept in the data folder, in MiB")
      ->check(CLI::Range(int64_t{1}, kMaxMib))
      ->capture_default_str();
  command->add_option("--pin-lease", arguments->pin_lease_seconds,
                      "Seconds that what a job was answered is kept after its last request, whatever else is evicted")
      ->check(NumberWithin(kMinSeconds, kMaxSeconds))
      ->capture_default_str();
  command->add_option("--scrub-mib-per-second", arguments->scrub_mib_per_second,
                      "How much of the data folder is read again to find what rots. 0: nothing")
      ->check(NumberWithin(0, 1e6))
      ->capture_default_str();
  command->add_flag("--better-isa", options.better_isa,
                    "Compile again, behind their back, for clients that got a variant of a lesser processor");
  command->add_option("--idle-exit", arguments->idle_exit_seconds,
                      "Stop after so many seconds without a request. 0: never")
      ->check(NumberWithin(0, kMaxSeconds))
      ->capture_default_str();
  command->add_option("--drain", arguments->drain_seconds, "Seconds that calls may go on after SIGTERM")
      ->check(NumberWithin(0, kMaxSeconds))
      ->capture_default_str();
  command
      ->add_option("--redis", options.redis,
                   "Where servers share artifacts: redis://USER:PASSWORD@HOST:PORT/DB, rediss:// for TLS,\n"
                   "redis+sentinel://H1,H2/MASTER, redis+cluster://H1,H2. Better given as KILN_REDIS, which is\n"
                   "in no list of processes. A Redis that is away is no error")
      ->envname("KILN_REDIS");
  command
      ->add_option("--peers", options.peers,
                   "Servers that are asked for what is not here: HOST:PORT or unix:/PATH, with commas between. They\n"
                   "must be trusted (--key, --trusted-keys). Not beside --redis")
      ->delimiter(',')
      ->envname("KILN_PEERS");
  command->add_option("--redis-ca", options.redis_tls.ca_file,
                      "Who signs Redis' certificate, a PEM file. Default: whom this machine trusts");
  command->add_option("--redis-cert", options.redis_tls.cert_file, "This server's certificate for Redis, a PEM file");
  command->add_option("--redis-key", options.redis_tls.key_file, "The certificate's key, a PEM file");
  command->add_option("--redis-server-name", options.redis_tls.server_name,
                      "The name in Redis' certificate. Default: the host of the URL");
  command
      ->add_option("--redis-ttl", arguments->redis_ttl_hours,
                   "Hours that Redis keeps what nobody writes again. 0: until it needs the room")
      ->check(NumberWithin(0, 1e6))
      ->capture_default_str();
  command
      ->add_option("--lease", arguments->lease_seconds,
                   "Seconds after which another server takes over a compile whose server has died, where they share "
                   "a Redis")
      ->check(NumberWithin(0.1, 600))
      ->capture_default_str();
  command->add_option("--ready-file", options.ready_file, "A file that gets the ready line too, written whole");
  command->add_option("--log-level", options.log_level, "trace, debug, info, warn, err or off")->capture_default_str();
  command->callback([arguments, &outcome] { outcome.exit_code = Serve(OptionsOf(*arguments)); });
}

}  // namespace kiln
