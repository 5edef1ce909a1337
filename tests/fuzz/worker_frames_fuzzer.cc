// The frames between the front and a worker, in both directions, as they come out
// of a socket whose other end writes what it likes.
#include <sys/socket.h>

#include <cstdint>

#include "service/worker_frames.h"
#include "tests/fuzz/require.h"

namespace kiln {
namespace {

// Frames that the fuzzer's input can be; larger ones are refused by their length.
constexpr int64_t kMaxBytes = 4096;

void ReadUntilRefused(const uint8_t* data, size_t size) {
  int ends[2];
  Require(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) == 0, "a pair of sockets");
  FrameSocket reader(UniqueFd(ends[0]), kMaxBytes);
  {
    const UniqueFd writer(ends[1]);
    Require(send(writer.get(), data, size, MSG_NOSIGNAL) == static_cast<ssize_t>(size), "the socket takes it all");
  }
  const FrameWait wait = {.deadline = Clock::Real()->Monotonic() + absl::Seconds(5), .cancel = nullptr};
  while (true) {
    const absl::StatusOr<v1::WorkerToFront> frame = ReadMessage<v1::WorkerToFront>(reader, wait);
    if (!frame.ok()) {
      const std::optional<ErrorReason> reason = GetErrorReason(frame.status());
      Require(reason == ErrorReason::kWorkerCrashed || reason == ErrorReason::kWorkerProtocol,
              frame.status().ToString());
      // What follows a frame that does not parse is another frame.
      if (reason == ErrorReason::kWorkerCrashed || frame.status().message().find("announces") != std::string::npos) return;
      continue;
    }
    if (frame->has_failed()) Require(!StatusOf(frame->failed()).ok(), "a failure is no success");
  }
}

}  // namespace
}  // namespace kiln

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  kiln::ReadUntilRefused(data, size);
  return 0;
}
