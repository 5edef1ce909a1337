// Framed messages on a stream socket: a 4-byte little-endian length, then that
// many bytes. What the front and its workers speak.
//
// The peer is not trusted: a length over the limit is refused before anything is
// allocated, and memory grows only as bytes really come in.
#ifndef KILN_SERVICE_FRAME_SOCKET_H_
#define KILN_SERVICE_FRAME_SOCKET_H_

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "service/cancel_signal.h"
#include "service/unique_fd.h"

namespace kiln {

// When to stop waiting for the peer.
struct FrameWait {
  // On the real clock's monotonic time.
  absl::Duration deadline = absl::InfiniteDuration();
  const CancelSignal* cancel = nullptr;
};

// Not thread-safe.
//   WORKER_CRASHED     the peer closed its end
//   WORKER_PROTOCOL    a length over `max_frame_bytes`, or nothing that parses
//   DEADLINE_EXCEEDED  the wait's deadline
//   REQUEST_CANCELLED  the wait's signal
class FrameSocket {
 public:
  FrameSocket(UniqueFd fd, int64_t max_frame_bytes);

  absl::Status Write(absl::string_view payload, const FrameWait& wait);
  absl::StatusOr<std::string> Read(const FrameWait& wait);

 private:
  absl::Status AwaitReady(short events, const FrameWait& wait);
  absl::Status WriteAll(absl::string_view bytes, const FrameWait& wait);
  absl::Status ReadAll(size_t count, std::string& out, const FrameWait& wait);

  UniqueFd fd_;
  int64_t max_frame_bytes_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_FRAME_SOCKET_H_
