// The reactor of a unary call: owns the call's log line, its status and itself.
#ifndef KILN_SERVICE_UNARY_REACTOR_H_
#define KILN_SERVICE_UNARY_REACTOR_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <memory>
#include <utility>

#include "absl/status/status.h"
#include "service/cancel_signal.h"
#include "service/front.h"
#include "service/grpc_status.h"
#include "service/message_bytes.h"
#include "service/request_log.h"

namespace kiln {

// Deletes itself when the call is done. Finish once, from any thread.
class UnaryReactor final : public grpc::ServerUnaryReactor {
 public:
  UnaryReactor(Front& front, Rpc rpc, grpc::ByteBuffer* response) : log_(front, rpc), response_(response) {}

  RequestLog& log() { return log_; }
  // Set when the client is gone or its time is up.
  const std::shared_ptr<CancelSignal>& cancel() const { return cancel_; }

  void FinishWith(const absl::Status& status, const google::protobuf::MessageLite& response) {
    status.ok() ? FinishWith(SerializeMessage(response)) : FinishWith(status);
  }
  void FinishWith(grpc::ByteBuffer response) {
    *response_ = std::move(response);
    End(absl::OkStatus());
  }
  // With an error.
  void FinishWith(const absl::Status& error) { End(error); }

  void OnCancel() override { cancel_->Cancel(); }
  void OnDone() override { delete this; }

 private:
  void End(const absl::Status& status) {
    log_.Finish(status);
    Finish(ToGrpcStatus(status));
  }

  RequestLog log_;
  grpc::ByteBuffer* const response_;
  const std::shared_ptr<CancelSignal> cancel_ = std::make_shared<CancelSignal>();
};

}  // namespace kiln

#endif  // KILN_SERVICE_UNARY_REACTOR_H_
