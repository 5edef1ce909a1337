// A serving process from start to end: what `kiln serve` runs.
//
//   return Serve({.listen = {"127.0.0.1:0"}, .data_folder = "/var/lib/kiln"});
#ifndef KILN_SERVICE_SERVE_H_
#define KILN_SERVICE_SERVE_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/time/time.h"
#include "cache/fleet_flights.h"
#include "cache/redis/redis_client.h"
#include "service/compiler_entry.h"

namespace kiln {

struct ServeOptions {
  // "127.0.0.1:0" (0: a free port), "[::1]:7077", "unix:/run/kiln.sock". The first
  // is the one that the ready line names.
  std::vector<std::string> listen = {"127.0.0.1:7077"};
  // Where /metrics is; "" for nowhere.
  std::string metrics = "127.0.0.1:0";
  // Made if it is not there. Holds the signing key and the cache. Empty: nothing
  // survives the process.
  std::string data_folder;
  // Empty: `signing_key` in the data folder.
  std::string key_file;
  // Public keys whose rows are served besides those of its own key. Empty: none. Read
  // again when it changes, and at SIGHUP; so is the next.
  std::string trusted_keys_file;
  // What must not be served any more (compiler/artifact/revocation_list.h). Empty:
  // `revoked` in the data folder, which need not be there.
  std::string revoked_file;
  // Where AdminService is: unix:/PATH, or a loopback HOST:PORT, which wants a token.
  // Empty: unix:<data folder>/admin.sock, or nowhere without a data folder. "none":
  // nowhere.
  std::string admin_listen;
  // A file that only its owner can read: what callers over TCP must know.
  std::string admin_token_file;
  // Compiles at a time. 0: one for each core.
  int workers = 0;
  int64_t memory_cache_bytes = int64_t{256} << 20;
  // Distinct sizes from which on a dimension counts as varying: 1 to
  // ShapeProfile::kMaxThreshold.
  int shape_threshold = 2;
  // Of artifacts on disk; graphs beside them have a bound of their own.
  int64_t disk_cache_bytes = int64_t{16} << 30;
  // How long what a job was answered stays after its last request.
  absl::Duration pin_lease = absl::Hours(24);
  // Of artifacts on disk that are read again to see whether they rot. 0: none.
  int64_t scrub_bytes_per_second = int64_t{4} << 20;
  // Whether what was served to a host with better vector instructions than it was
  // compiled for is compiled again for it, behind its back.
  bool better_isa = false;
  // Ends with exit code 0 when nobody has asked for anything for so long: for
  // servers that a client starts for itself.
  absl::Duration idle_exit = absl::InfiniteDuration();
  // How long calls may go on after SIGTERM.
  absl::Duration drain = absl::Seconds(10);
  // Also gets the ready line, if not empty; written whole, when it serves.
  std::string ready_file;
  // "trace", "debug", "info", "warn", "err". Logs go to stderr.
  std::string log_level = "info";
  // Where replicas share artifacts: cache/redis/redis_url.h. Empty: nowhere.
  std::string redis;
  RedisTlsOptions redis_tls;
  absl::Duration redis_ttl = absl::InfiniteDuration();
  // Servers that are asked for what is not here, HOST:PORT or unix:/PATH. Not beside
  // Redis, which has what they have.
  std::vector<std::string> peers;
  // How replicas share compiles, where they share a Redis.
  FleetOptions fleet;
  // Tests put another in.
  CompilerEntry compiler = CompilerEntry::Real();
};

// Exit codes of Serve() besides 0.
inline constexpr int kExitBadOptions = 2;   // says which
inline constexpr int kExitBadData = 3;      // the data folder or the key
inline constexpr int kExitCannotListen = 4; // an address is taken or malformed
inline constexpr int kExitNoWorkers = 5;    // the zygote cannot be forked

// Serves until SIGTERM, SIGINT or `idle_exit`; SIGHUP only makes it read the files of
// trusted keys and revocations. Prints one line on stdout once
// clients may come:
//   kiln: serving on 127.0.0.1:41234 metrics http://127.0.0.1:34567/metrics
// ("-" for no metrics), and one line on stderr, "kiln: ...", if it cannot start.
// Call from main() before the process has a second thread: the zygote is forked
// first. Does not return before everything it started has ended.
int Serve(ServeOptions options);

}  // namespace kiln

#endif  // KILN_SERVICE_SERVE_H_
