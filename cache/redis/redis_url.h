// Where Redis is, as a person writes it:
//
//   redis://[USER:PASSWORD@]HOST[:PORT][/DB]            one server
//   rediss://...                                        the same over TLS
//   redis+unix:///run/redis.sock[?db=N]                 a socket of this machine
//   redis+sentinel://[USER:PASSWORD@]H1[:P1],H2[:P2],.../MASTER[/DB]
//   redis+cluster://[USER:PASSWORD@]H1[:P1],H2[:P2],...
//   rediss+sentinel://..., rediss+cluster://...         the same over TLS
//
// ":PASSWORD@" alone is the password of the default user. User, password and
// master are percent-decoded; an IPv6 address stands in brackets. What follows '?'
// is NAME=VALUE with '&' between them:
//   prefix=NAME  what every key begins with; "kiln" unless told
//   db=N         the same as /DB
//
// Ports unless told: 6379, and 26379 for Sentinels.
#ifndef KILN_CACHE_REDIS_REDIS_URL_H_
#define KILN_CACHE_REDIS_REDIS_URL_H_

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"

namespace kiln {

// One server's address. A plain value.
struct RedisAddress {
  // A name, an IPv4 or IPv6 address; or the path of a Unix socket, beginning with
  // '/', and then there is no port.
  std::string host;
  int port = 0;

  bool is_unix() const { return !host.empty() && host.front() == '/'; }
  // "host:port", "[::1]:port" or the path.
  std::string ToString() const;
  friend auto operator<=>(const RedisAddress&, const RedisAddress&) = default;
};

enum class RedisTopology { kSingle, kSentinel, kCluster };

struct RedisUrl {
  RedisTopology topology = RedisTopology::kSingle;
  bool tls = false;
  // Exactly one of a single server.
  std::vector<RedisAddress> addresses;
  // Both empty: no AUTH. A password without a user is the default user's.
  std::string user;
  std::string password;
  std::string master;  // of Sentinels
  int db = 0;
  std::string prefix = "kiln";

  // The URL less the password, for logs and errors.
  std::string Redacted() const;
};

// BAD_ARGUMENT_VALUE, saying what is wrong and never what the password is.
absl::StatusOr<RedisUrl> ParseRedisUrl(absl::string_view text);

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_URL_H_
