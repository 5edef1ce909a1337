// The front's side of one conversation with one worker: forks it, speaks frames
// with it, kills it when it goes out of scope.
//
// Errors besides those of FrameSocket: WORKER_CRASHED says how the worker ended;
// LIMIT_EXCEEDED that it took longer than it may.
#ifndef KILN_SERVICE_WORKER_SESSION_H_
#define KILN_SERVICE_WORKER_SESSION_H_

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/time/time.h"
#include "kiln/v1/worker.pb.h"
#include "service/cancel_signal.h"
#include "service/frame_socket.h"
#include "service/zygote.h"

namespace kiln {

// Not thread-safe.
class WorkerSession {
 public:
  // `cancel` (may be null) must outlive the session. `time_limit` is for all of it.
  static absl::StatusOr<WorkerSession> Start(const Zygote& zygote, absl::Duration time_limit,
                                             const CancelSignal* cancel);

  absl::Status Send(const v1::FrontToWorker& frame);
  // The worker's next frame; the status of a Failed one.
  absl::StatusOr<v1::WorkerToFront> Receive();

 private:
  WorkerSession(WorkerProcess process, absl::Duration time_limit, const CancelSignal* cancel);
  absl::Status Explain(const absl::Status& status);

  WorkerProcess process_;
  FrameSocket socket_;
  absl::Duration time_limit_;
  FrameWait wait_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_WORKER_SESSION_H_
