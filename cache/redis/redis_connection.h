// One connection: logged in, and in step, since every command's reply is read
// before the next is sent. After an error it is of no use.
#ifndef KILN_CACHE_REDIS_REDIS_CONNECTION_H_
#define KILN_CACHE_REDIS_REDIS_CONNECTION_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "absl/types/span.h"
#include "cache/redis/redis_client.h"
#include "cache/redis/redis_socket.h"

namespace kiln {

// What a client counts, wherever it happens.
struct RedisTraffic {
  std::atomic<int64_t> calls{0};
  std::atomic<int64_t> failures{0};
  std::atomic<int64_t> refused{0};
  std::atomic<int64_t> connects{0};
  std::atomic<int64_t> redirects{0};
  std::atomic<int64_t> bytes_sent{0};
  std::atomic<int64_t> bytes_received{0};
};

// How connections to any server of one client are made. Constant.
struct RedisDialing {
  RedisOptions options;
  std::shared_ptr<const TlsContext> tls;  // null: plain
  bool log_in = true;                     // AUTH and SELECT as the URL has it
  std::shared_ptr<RedisTraffic> traffic;
};

// The time of one call: some at the beginning, and more for each byte that has
// been sent or has come.
class CallTime {
 public:
  CallTime(absl::Duration allowed, int64_t min_bytes_per_second);
  absl::Duration deadline() const { return deadline_; }
  void AddBytes(size_t bytes);

 private:
  const int64_t min_bytes_per_second_;
  absl::Duration deadline_;
};

// The bytes of commands as they are sent.
std::string FormatCommands(absl::Span<const RedisWords> commands);

// Not thread-safe. Errors are STORAGE.
class RedisConnection {
 public:
  static absl::StatusOr<std::unique_ptr<RedisConnection>> Open(const RedisAddress& address,
                                                               std::shared_ptr<const RedisDialing> dialing);

  // One reply for each command; errors among them.
  absl::StatusOr<std::vector<RedisReply>> Exchange(absl::Span<const RedisWords> commands);

  // False if the server has closed it, or said something that nobody asked for.
  bool IsIdle();

  // For a subscriber, whose replies are not one for each command.
  absl::Status Send(absl::Span<const RedisWords> commands);
  // What has come, without waiting.
  absl::StatusOr<std::optional<RedisReply>> TryNext();
  int fd() const { return socket_->fd(); }

 private:
  RedisConnection(std::unique_ptr<RedisSocket> socket, std::shared_ptr<const RedisDialing> dialing);
  absl::Status LogIn();
  // Takes what has come; false if there is nothing.
  absl::StatusOr<bool> TryFeed(CallTime* time);

  // Constant after construction.
  const std::unique_ptr<RedisSocket> socket_;
  const std::shared_ptr<const RedisDialing> dialing_;

  RedisReplyReader reader_;
  std::string buffer_;
};

}  // namespace kiln

#endif  // KILN_CACHE_REDIS_REDIS_CONNECTION_H_
