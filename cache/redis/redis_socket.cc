#include "cache/redis/redis_socket.h"

#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "base/clock.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "cache/redis/name_lookup.h"

namespace kiln {
namespace {

// Encrypted at a time, so that a large value is not held three times.
constexpr size_t kEncryptBytes = 256 << 10;
constexpr size_t kReceiveBytes = 64 << 10;

absl::Status Failed(absl::string_view what, int error) {
  return MakeError(ErrorReason::kStorage, absl::StrCat(what, ": ", std::strerror(error)));
}

absl::Status Await(int fd, short events, absl::Duration deadline) {
  while (true) {
    const absl::Duration left = deadline - Clock::Real()->Monotonic();
    if (left <= absl::ZeroDuration()) return MakeError(ErrorReason::kStorage, "Redis takes too long");
    pollfd wait = {fd, events, 0};
    // Rounded up: zero would be a busy loop in the last millisecond.
    const int64_t millis = std::min<int64_t>(absl::ToInt64Milliseconds(left) + 1, 60000);
    const int ready = poll(&wait, 1, static_cast<int>(millis));
    if (ready > 0) return absl::OkStatus();
    if (ready < 0 && errno != EINTR) return Failed("poll", errno);
  }
}

absl::StatusOr<int> ConnectOne(const SocketAddress& address, absl::Duration deadline) {
  const int fd = socket(address.storage.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
  if (fd < 0) return Failed("socket", errno);
  absl::Status status;
  if (connect(fd, reinterpret_cast<const sockaddr*>(&address.storage), address.size) != 0) {
    // A full backlog of a Unix socket says EAGAIN, and nothing wakes us up from that.
    status = errno == EINPROGRESS ? Await(fd, POLLOUT, deadline) : Failed("connect", errno);
    int error = 0;
    socklen_t size = sizeof(error);
    if (status.ok() && getsockopt(fd, SOL_SOCKET, SO_ERROR, &error, &size) == 0 && error != 0) {
      status = Failed("connect", error);
    }
  }
  if (status.ok()) {
    const int on = 1;
    if (address.storage.ss_family != AF_UNIX) setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof(on));
    return fd;
  }
  close(fd);
  return status;
}

}  // namespace

absl::StatusOr<std::unique_ptr<RedisSocket>> RedisSocket::Connect(const RedisAddress& address, const TlsContext* tls,
                                                                  absl::Duration deadline) {
  KILN_ASSIGN_OR_RETURN(const std::vector<SocketAddress> found, FindAddresses(address, deadline));
  absl::StatusOr<int> fd = MakeError(ErrorReason::kStorage, absl::StrCat(address.host, " has no address"));
  for (const SocketAddress& one : found) {
    fd = ConnectOne(one, deadline);
    if (fd.ok()) break;
  }
  if (!fd.ok()) return AddContext(fd.status(), address.ToString());
  std::unique_ptr<RedisSocket> socket(new RedisSocket(*fd));
  if (tls == nullptr) return socket;
  KILN_ASSIGN_OR_RETURN(socket->tls_, TlsSession::Create(*tls, address.host));
  if (absl::Status status = socket->Handshake(deadline); !status.ok()) return AddContext(status, address.ToString());
  return socket;
}

RedisSocket::~RedisSocket() { close(fd_); }

absl::Status RedisSocket::Handshake(absl::Duration deadline) {
  std::string buffer(kReceiveBytes, '\0');
  while (true) {
    absl::StatusOr<bool> done = tls_->Handshake();
    // An alert is sent even when it failed, so that the server can say why.
    absl::Status sent = SendRaw(tls_->TakeOutput(), deadline);
    KILN_RETURN_IF_ERROR(done.status());
    KILN_RETURN_IF_ERROR(sent);
    if (*done) return absl::OkStatus();
    KILN_RETURN_IF_ERROR(Await(fd_, POLLIN, deadline));
    KILN_ASSIGN_OR_RETURN(const size_t size, ReceiveRaw(buffer.data(), buffer.size()));
    tls_->Feed(absl::string_view(buffer.data(), size));
  }
}

absl::Status RedisSocket::SendRaw(absl::string_view bytes, absl::Duration deadline) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent > 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      KILN_RETURN_IF_ERROR(Await(fd_, POLLOUT, deadline));
    } else if (errno != EINTR) {
      return Failed("send", errno);
    }
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> RedisSocket::ReceiveRaw(char* bytes, size_t size) {
  const ssize_t received = recv(fd_, bytes, size, 0);
  if (received > 0) return static_cast<size_t>(received);
  if (received == 0) return MakeError(ErrorReason::kStorage, "Redis closed the connection");
  if (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR) return 0;
  return Failed("receive", errno);
}

absl::Status RedisSocket::Send(absl::string_view bytes, absl::Duration deadline) {
  if (tls_ == nullptr) return SendRaw(bytes, deadline);
  for (size_t at = 0; at < bytes.size(); at += kEncryptBytes) {
    KILN_RETURN_IF_ERROR(tls_->Encrypt(bytes.substr(at, kEncryptBytes)));
    KILN_RETURN_IF_ERROR(SendRaw(tls_->TakeOutput(), deadline));
  }
  return absl::OkStatus();
}

absl::StatusOr<size_t> RedisSocket::TryReceive(char* bytes, size_t size) {
  if (tls_ == nullptr) return ReceiveRaw(bytes, size);
  char wire[16 << 10];
  while (true) {
    KILN_ASSIGN_OR_RETURN(const size_t plain, tls_->Decrypt(bytes, size));
    if (plain > 0) return plain;
    KILN_ASSIGN_OR_RETURN(const size_t received, ReceiveRaw(wire, sizeof(wire)));
    if (received == 0) return 0;
    tls_->Feed(absl::string_view(wire, received));
  }
}

absl::Status RedisSocket::AwaitReadable(absl::Duration deadline) { return Await(fd_, POLLIN, deadline); }

}  // namespace kiln
