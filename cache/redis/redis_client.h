// A client of Redis 7: one server, Sentinels or a cluster, with TLS, ACL users,
// deadlines, and a breaker for each server. Why it is our own: docs/decisions/0012.
//
//   KILN_ASSIGN_OR_RETURN(RedisUrl url, ParseRedisUrl("rediss://kiln:secret@cache:6379"));
//   KILN_ASSIGN_OR_RETURN(auto redis, RedisClient::Create({.url = url}, Clock::Real()));
//   KILN_ASSIGN_OR_RETURN(RedisReply reply, redis->Call(key, {"SET", key, token, "NX", "PX", "5000"}));
//
// Nothing here fails a request: every fault is STORAGE, after a bounded time, and
// the caller goes on without Redis.
//   - A call waits at most for `connect_timeout` if it must connect, and for
//     `call_timeout` and the time that its bytes may take. A connection whose call
//     failed in the middle is closed, so that a late answer is never another's.
//   - After three failures in a row a server is left alone for a while
//     (circuit_breaker.h); calls fail at once meanwhile.
//   - MOVED, ASK, and Sentinels' new masters are followed, a few times a call. After a
//     new master is found a call is sent once more: a command may be done twice, and
//     must tolerate that.
//   - Passwords and TLS keys are in no message and no log.
#ifndef KILN_CACHE_REDIS_REDIS_CLIENT_H_
#define KILN_CACHE_REDIS_REDIS_CLIENT_H_

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "base/clock.h"
#include "cache/redis/circuit_breaker.h"
#include "cache/redis/redis_reply.h"
#include "cache/redis/redis_url.h"

namespace kiln {

struct RedisTlsOptions {
  std::string ca_file;      // empty: the machine's own
  std::string cert_file;    // both or none: a certificate of the client's
  std::string key_file;
  std::string server_name;  // empty: the host's name or address as the URL has it
};

struct RedisOptions {
  RedisUrl url;
  RedisTlsOptions tls;  // looked at if the URL asks for TLS
  absl::Duration connect_timeout = absl::Milliseconds(100);
  absl::Duration call_timeout = absl::Milliseconds(50);
  // What a call's bytes may take on top: 16 MiB a second each way.
  int64_t min_bytes_per_second = int64_t{16} << 20;
  // Of each server; who finds all of them busy waits, within `call_timeout`.
  int max_connections = 8;
  RedisReplyLimits limits;
  CircuitBreaker::Options breaker;
};

// The words of one command; they must live until the call returns.
using RedisWords = std::vector<absl::string_view>;

// A Lua script that is sent once to each server and named by its digest then.
class RedisScript {
 public:
  explicit RedisScript(std::string source);
  const std::string& source() const { return source_; }
  // SHA-1 in hex, as EVALSHA wants it.
  const std::string& sha1() const { return sha1_; }

 private:
  std::string source_;
  std::string sha1_;
};

struct RedisClientState {
  // Of the server that is worst off.
  BreakerState breaker = BreakerState::kClosed;
  int64_t breakers_opened = 0;
  int64_t calls = 0;
  int64_t failures = 0;    // calls that ended with STORAGE
  int64_t refused = 0;     // of them, those that a breaker refused at once
  int64_t connects = 0;    // connections made
  int64_t redirects = 0;   // MOVED, ASK, new masters
  int64_t bytes_sent = 0;
  int64_t bytes_received = 0;
};

// Thread-safe. Calls block, each for a bounded time.
class RedisClient {
 public:
  // Connects to nothing yet. `clock` is for breakers and must outlive the client;
  // deadlines are always of the machine's clock. BAD_ARGUMENT_VALUE if a file for TLS
  // cannot be used.
  static absl::StatusOr<std::unique_ptr<RedisClient>> Create(RedisOptions options, const Clock* clock);
  ~RedisClient();

  // `key` chooses a cluster's server (its hash tag, if it has one); "" is any server.
  // An error that Redis answers is STORAGE with what it said.
  absl::StatusOr<RedisReply> Call(absl::string_view key, const RedisWords& words);
  // Sends all at once and waits for all. Keys must belong to `key`'s slot. Error
  // replies are replies.
  absl::StatusOr<std::vector<RedisReply>> Pipeline(absl::string_view key, absl::Span<const RedisWords> commands);
  // EVALSHA, and EVAL where the server does not know the script yet. The first of
  // `keys` chooses the server. Errors as Call().
  absl::StatusOr<RedisReply> Eval(const RedisScript& script, const RedisWords& keys, const RedisWords& arguments);

  // `prefix:1:kind:` of the URL's prefix: what keys of one kind begin with. Layout:
  // docs/cache.md.
  std::string KeyPrefix(absl::string_view kind) const;

  RedisClientState State() const;
  const RedisOptions& options() const;

 private:
  friend class RedisSubscriber;
  class Rep;
  explicit RedisClient(std::shared_ptr<Rep> rep);

  std::shared_ptr<Rep> rep_;
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_CLIENT_H_
