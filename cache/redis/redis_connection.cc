#include "cache/redis/redis_connection.h"

#include <hiredis/hiredis.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

constexpr size_t kReceiveBytes = 64 << 10;

void AppendCommand(const RedisWords& words, std::string& out) {
  std::vector<const char*> texts;
  std::vector<size_t> sizes;
  for (absl::string_view word : words) {
    // A null pointer has no bytes to be copied, and memcpy() none of its own.
    texts.push_back(word.data() == nullptr ? "" : word.data());
    sizes.push_back(word.size());
  }
  char* command = nullptr;
  const int size = redisFormatCommandArgv(&command, static_cast<int>(words.size()), texts.data(), sizes.data());
  if (size > 0) out.append(command, static_cast<size_t>(size));
  redisFreeCommand(command);
}

}  // namespace

CallTime::CallTime(absl::Duration allowed, int64_t min_bytes_per_second)
    : min_bytes_per_second_(min_bytes_per_second), deadline_(Clock::Real()->Monotonic() + allowed) {}

void CallTime::AddBytes(size_t bytes) {
  deadline_ += absl::Seconds(static_cast<double>(bytes) / static_cast<double>(min_bytes_per_second_));
}

std::string FormatCommands(absl::Span<const RedisWords> commands) {
  std::string out;
  for (const RedisWords& words : commands) AppendCommand(words, out);
  return out;
}

RedisConnection::RedisConnection(std::unique_ptr<RedisSocket> socket, std::shared_ptr<const RedisDialing> dialing)
    : socket_(std::move(socket)),
      dialing_(std::move(dialing)),
      reader_(dialing_->options.limits),
      buffer_(kReceiveBytes, '\0') {}

absl::StatusOr<std::unique_ptr<RedisConnection>> RedisConnection::Open(const RedisAddress& address,
                                                                       std::shared_ptr<const RedisDialing> dialing) {
  const absl::Duration deadline = Clock::Real()->Monotonic() + dialing->options.connect_timeout;
  KILN_ASSIGN_OR_RETURN(std::unique_ptr<RedisSocket> socket,
                        RedisSocket::Connect(address, dialing->tls.get(), deadline));
  dialing->traffic->connects.fetch_add(1, std::memory_order_relaxed);
  std::unique_ptr<RedisConnection> self(new RedisConnection(std::move(socket), std::move(dialing)));
  if (absl::Status status = self->LogIn(); !status.ok()) return AddContext(status, address.ToString());
  return self;
}

absl::Status RedisConnection::LogIn() {
  if (!dialing_->log_in) return absl::OkStatus();
  const RedisUrl& url = dialing_->options.url;
  const std::string db = absl::StrCat(url.db);
  std::vector<RedisWords> commands;
  if (!url.password.empty()) {
    commands.push_back(url.user.empty() ? RedisWords{"AUTH", url.password}
                                        : RedisWords{"AUTH", url.user, url.password});
  }
  if (url.db != 0) commands.push_back({"SELECT", db});
  if (commands.empty()) return absl::OkStatus();
  KILN_ASSIGN_OR_RETURN(const std::vector<RedisReply> replies, Exchange(commands));
  // Only the first word: a server that does not know AUTH repeats its arguments.
  for (const RedisReply& reply : replies) {
    if (reply.is_error()) {
      return MakeError(ErrorReason::kStorage, absl::StrCat("Redis refuses the login: ", reply.error_word()));
    }
  }
  return absl::OkStatus();
}

absl::Status RedisConnection::Send(absl::Span<const RedisWords> commands) {
  const std::string bytes = FormatCommands(commands);
  CallTime time(dialing_->options.call_timeout, dialing_->options.min_bytes_per_second);
  time.AddBytes(bytes.size());
  dialing_->traffic->bytes_sent.fetch_add(static_cast<int64_t>(bytes.size()), std::memory_order_relaxed);
  return socket_->Send(bytes, time.deadline());
}

absl::StatusOr<bool> RedisConnection::TryFeed(CallTime* time) {
  KILN_ASSIGN_OR_RETURN(const size_t size, socket_->TryReceive(buffer_.data(), buffer_.size()));
  if (size == 0) return false;
  dialing_->traffic->bytes_received.fetch_add(static_cast<int64_t>(size), std::memory_order_relaxed);
  if (time != nullptr) time->AddBytes(size);
  KILN_RETURN_IF_ERROR(reader_.Feed(absl::string_view(buffer_.data(), size)));
  return true;
}

absl::StatusOr<std::vector<RedisReply>> RedisConnection::Exchange(absl::Span<const RedisWords> commands) {
  const std::string bytes = FormatCommands(commands);
  CallTime time(dialing_->options.call_timeout, dialing_->options.min_bytes_per_second);
  time.AddBytes(bytes.size());
  dialing_->traffic->bytes_sent.fetch_add(static_cast<int64_t>(bytes.size()), std::memory_order_relaxed);
  KILN_RETURN_IF_ERROR(socket_->Send(bytes, time.deadline()));
  std::vector<RedisReply> replies;
  while (true) {
    KILN_ASSIGN_OR_RETURN(std::optional<RedisReply> reply, reader_.Next());
    if (reply.has_value()) {
      replies.push_back(*std::move(reply));
      if (replies.size() == commands.size()) return replies;
      continue;
    }
    KILN_ASSIGN_OR_RETURN(const bool fed, TryFeed(&time));
    if (!fed) KILN_RETURN_IF_ERROR(socket_->AwaitReadable(time.deadline()));
  }
}

bool RedisConnection::IsIdle() {
  const absl::StatusOr<bool> fed = TryFeed(nullptr);
  return fed.ok() && !*fed && reader_.empty();
}

absl::StatusOr<std::optional<RedisReply>> RedisConnection::TryNext() {
  while (true) {
    KILN_ASSIGN_OR_RETURN(std::optional<RedisReply> reply, reader_.Next());
    if (reply.has_value()) return reply;
    KILN_ASSIGN_OR_RETURN(const bool fed, TryFeed(nullptr));
    if (!fed) return std::nullopt;
  }
}

}  // namespace kiln
