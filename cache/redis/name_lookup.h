// Addresses of a host name, within a deadline: getaddrinfo() has none of its own
// and may take many seconds when a name server is away.
#ifndef KILN_CACHE_REDIS_NAME_LOOKUP_H_
#define KILN_CACHE_REDIS_NAME_LOOKUP_H_

#include <sys/socket.h>

#include <vector>

#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "cache/redis/redis_url.h"

namespace kiln {

struct SocketAddress {
  sockaddr_storage storage = {};
  socklen_t size = 0;
};

// Where `address` is, by preference. `deadline` is on the machine's monotonic clock.
// Literal addresses and Unix sockets ask nobody; names are asked for on a thread
// of their own, which goes on for the next caller if this one's time is up: at most
// one for each name. What was found is good for 30 seconds, and longer while the
// name server does not answer. STORAGE. Thread-safe.
absl::StatusOr<std::vector<SocketAddress>> FindAddresses(const RedisAddress& address, absl::Duration deadline);

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_NAME_LOOKUP_H_
