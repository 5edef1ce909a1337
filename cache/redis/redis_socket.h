// A connected byte stream to one server, with TLS or without. Never blocks beyond
// a deadline, never raises SIGPIPE. Deadlines are on the machine's monotonic clock.
#ifndef KILN_CACHE_REDIS_REDIS_SOCKET_H_
#define KILN_CACHE_REDIS_REDIS_SOCKET_H_

#include <memory>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "cache/redis/redis_url.h"
#include "cache/redis/tls_session.h"

namespace kiln {

// Not thread-safe. Errors are STORAGE.
class RedisSocket {
 public:
  // `tls` null: plain.
  static absl::StatusOr<std::unique_ptr<RedisSocket>> Connect(const RedisAddress& address, const TlsContext* tls,
                                                              absl::Duration deadline);
  ~RedisSocket();
  RedisSocket(const RedisSocket&) = delete;
  RedisSocket& operator=(const RedisSocket&) = delete;

  absl::Status Send(absl::string_view bytes, absl::Duration deadline);
  // What is here, at most `size` bytes; 0 if nothing is. STORAGE at the end.
  absl::StatusOr<size_t> TryReceive(char* bytes, size_t size);
  // Until there may be something to receive.
  absl::Status AwaitReadable(absl::Duration deadline);
  int fd() const { return fd_; }

 private:
  explicit RedisSocket(int fd) : fd_(fd) {}
  absl::Status Handshake(absl::Duration deadline);
  absl::Status SendRaw(absl::string_view bytes, absl::Duration deadline);
  absl::StatusOr<size_t> ReceiveRaw(char* bytes, size_t size);

  const int fd_;
  std::unique_ptr<TlsSession> tls_;
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_SOCKET_H_
