// The reactor of GetArtifact: writes one chunk after the other.
#ifndef KILN_SERVICE_ARTIFACT_REACTOR_H_
#define KILN_SERVICE_ARTIFACT_REACTOR_H_

#include <grpcpp/support/byte_buffer.h>
#include <grpcpp/support/server_callback.h>

#include <optional>

#include "service/front.h"
#include "service/get_artifact.h"
#include "service/request_log.h"

namespace kiln {

// Deletes itself when the call is done. gRPC calls it from one thread at a time.
class ArtifactReactor final : public grpc::ServerWriteReactor<grpc::ByteBuffer> {
 public:
  // Starts the call. `rpc` is kGetArtifact, or kFetchArtifact, which is answered from
  // this server's own tiers alone.
  ArtifactReactor(Front& front, Rpc rpc, const grpc::ByteBuffer& request);

  void OnWriteDone(bool ok) override;
  void OnDone() override { delete this; }

 private:
  // True if only the tier that replicas share may have it.
  bool IsElsewhere(const absl::Status& status) const;
  void Begin(absl::StatusOr<ArtifactChunks> chunks);
  void WriteNext();
  void End(const absl::Status& status);

  Front& front_;
  const bool asks_others_;
  RequestLog log_;
  std::optional<ArtifactChunks> chunks_;
  grpc::ByteBuffer message_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_ARTIFACT_REACTOR_H_
