#include "service/frame_socket.h"

#include <fcntl.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

constexpr size_t kHeaderBytes = 4;
constexpr size_t kReadStepBytes = size_t{1} << 20;

std::string EncodeLength(size_t length) {
  std::string out(kHeaderBytes, '\0');
  for (size_t i = 0; i < kHeaderBytes; ++i) out[i] = static_cast<char>((length >> (8 * i)) & 0xff);
  return out;
}

int64_t DecodeLength(absl::string_view header) {
  int64_t length = 0;
  for (size_t i = 0; i < kHeaderBytes; ++i) length |= int64_t{static_cast<unsigned char>(header[i])} << (8 * i);
  return length;
}

absl::Status PeerClosed(absl::string_view doing) {
  return MakeError(ErrorReason::kWorkerCrashed, absl::StrCat("the peer closed its socket while ", doing));
}

// Milliseconds for poll(), rounded up so that a wait never ends too early.
int PollMillis(absl::Duration left) {
  const int64_t millis = absl::ToInt64Milliseconds(left + absl::Microseconds(999));
  return static_cast<int>(std::clamp<int64_t>(millis, 0, 60 * 1000));
}

}  // namespace

FrameSocket::FrameSocket(UniqueFd fd, int64_t max_frame_bytes)
    : fd_(std::move(fd)), max_frame_bytes_(max_frame_bytes) {
  const int flags = fcntl(fd_.get(), F_GETFL);
  fcntl(fd_.get(), F_SETFL, flags | O_NONBLOCK);
}

absl::Status FrameSocket::AwaitReady(short events, const FrameWait& wait) {
  while (true) {
    if (wait.cancel != nullptr && wait.cancel->cancelled()) {
      return MakeError(ErrorReason::kRequestCancelled, "nobody waits for the answer any more");
    }
    const absl::Duration left = wait.deadline - Clock::Real()->Monotonic();
    if (left <= absl::ZeroDuration()) {
      return MakeError(ErrorReason::kDeadlineExceeded, "the peer did not answer in time");
    }
    pollfd polled[] = {{fd_.get(), events, 0}, {wait.cancel != nullptr ? wait.cancel->fd() : -1, POLLIN, 0}};
    const int ready = poll(polled, 2, PollMillis(left));
    if (ready < 0 && errno != EINTR) {
      return MakeError(ErrorReason::kWorkerProtocol, absl::StrCat("poll: ", std::strerror(errno)));
    }
    if (ready > 0 && polled[0].revents != 0) return absl::OkStatus();
  }
}

absl::Status FrameSocket::WriteAll(absl::string_view bytes, const FrameWait& wait) {
  while (!bytes.empty()) {
    const ssize_t sent = send(fd_.get(), bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (sent >= 0) {
      bytes.remove_prefix(static_cast<size_t>(sent));
      continue;
    }
    if (errno == EINTR) continue;
    if (errno != EAGAIN) return PeerClosed("a frame was written");
    KILN_RETURN_IF_ERROR(AwaitReady(POLLOUT, wait));
  }
  return absl::OkStatus();
}

absl::Status FrameSocket::ReadAll(size_t count, std::string& out, const FrameWait& wait) {
  out.clear();
  while (out.size() < count) {
    KILN_RETURN_IF_ERROR(AwaitReady(POLLIN, wait));
    const size_t had = out.size();
    out.resize(had + std::min(count - had, kReadStepBytes));
    const ssize_t got = recv(fd_.get(), out.data() + had, out.size() - had, 0);
    out.resize(had + static_cast<size_t>(std::max<ssize_t>(got, 0)));
    if (got > 0) continue;
    if (got < 0 && (errno == EINTR || errno == EAGAIN)) continue;
    return PeerClosed("a frame was read");
  }
  return absl::OkStatus();
}

absl::Status FrameSocket::Write(absl::string_view payload, const FrameWait& wait) {
  if (static_cast<int64_t>(payload.size()) > max_frame_bytes_) {
    return MakeError(ErrorReason::kLimitExceeded, absl::StrCat("a frame of ", payload.size(), " bytes is over the ",
                                                               max_frame_bytes_, " that frames may have"));
  }
  KILN_RETURN_IF_ERROR(WriteAll(EncodeLength(payload.size()), wait));
  return WriteAll(payload, wait);
}

absl::StatusOr<std::string> FrameSocket::Read(const FrameWait& wait) {
  std::string bytes;
  KILN_RETURN_IF_ERROR(ReadAll(kHeaderBytes, bytes, wait));
  const int64_t length = DecodeLength(bytes);
  if (length > max_frame_bytes_) {
    return MakeError(ErrorReason::kWorkerProtocol, absl::StrCat("a frame announces ", length, " bytes, over the ",
                                                                max_frame_bytes_, " that frames may have"));
  }
  KILN_RETURN_IF_ERROR(ReadAll(static_cast<size_t>(length), bytes, wait));
  return bytes;
}

}  // namespace kiln
