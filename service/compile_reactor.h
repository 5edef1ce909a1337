// The reactor of Compile: a queue of messages in front of gRPC's one write at a
// time. The last one goes with the end of the stream in one write, and progress that
// has not been written by then is left out.
#ifndef KILN_SERVICE_COMPILE_REACTOR_H_
#define KILN_SERVICE_COMPILE_REACTOR_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <deque>
#include <memory>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "service/compile_call.h"
#include "service/front.h"
#include "service/request_log.h"

namespace kiln {

// Deletes itself when the call is done. Thread-safe.
class CompileReactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer>, private CompileSink {
 public:
  // Starts the call.
  CompileReactor(Front& front, grpc::CallbackServerContext* context, const grpc::ByteBuffer& request);

  void OnWriteDone(bool ok) override;
  void OnCancel() override;
  void OnDone() override { delete this; }

 private:
  void Progress(const v1::Progress& progress) override;
  void Finish(const absl::StatusOr<CompileReply>& reply) override;

  // Starts the next write. True, once: everything is said, and the caller must
  // EndStream() without the mutex, since the reactor may be gone right after.
  bool Advance() ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void EndStream();

  // Constant after construction.
  Front& front_;
  const absl::Duration deadline_;

  absl::Mutex mutex_;
  RequestLog log_ ABSL_GUARDED_BY(mutex_);
  std::shared_ptr<CompileCall> call_ ABSL_GUARDED_BY(mutex_);
  // Progress. The front one is being written while `writing_`.
  std::deque<grpc::ByteBuffer> messages_ ABSL_GUARDED_BY(mutex_);
  bool writing_ ABSL_GUARDED_BY(mutex_) = false;
  bool cancelled_ ABSL_GUARDED_BY(mutex_) = false;
  bool finished_ ABSL_GUARDED_BY(mutex_) = false;

  // Set before `finished_`, constant then. Of an error there is no last message.
  grpc::Status status_;
  grpc::ByteBuffer last_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_COMPILE_REACTOR_H_
