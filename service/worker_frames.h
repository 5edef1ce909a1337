// The messages of worker.proto on a frame socket, and absl::Status in a Failed
// frame. Both ends use it.
#ifndef KILN_SERVICE_WORKER_FRAMES_H_
#define KILN_SERVICE_WORKER_FRAMES_H_

#include <cstdint>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "kiln/v1/worker.pb.h"
#include "service/frame_socket.h"

namespace kiln {

// An artifact at its limit, with room for the guards and times beside it. A
// request's graph is smaller.
inline constexpr int64_t kMaxFrameBytes = int64_t{96} << 20;

template <typename Message>
absl::StatusOr<Message> ReadMessage(FrameSocket& socket, const FrameWait& wait) {
  KILN_ASSIGN_OR_RETURN(std::string bytes, socket.Read(wait));
  Message message;
  if (!message.ParseFromString(bytes)) {
    return MakeError(ErrorReason::kWorkerProtocol, "a frame does not parse as the message that belongs here");
  }
  return message;
}

template <typename Message>
absl::Status WriteMessage(FrameSocket& socket, const Message& message, const FrameWait& wait) {
  return socket.Write(message.SerializeAsString(), wait);
}

// Statuses without a reason of ours travel as COMPILER_BUG.
v1::WorkerToFront FailedFrame(const absl::Status& status);
// The same way back. A reason that is not in the table is WORKER_PROTOCOL.
absl::Status StatusOf(const v1::WorkerToFront::Failed& failed);

}  // namespace kiln

#endif  // KILN_SERVICE_WORKER_FRAMES_H_
