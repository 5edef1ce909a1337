#include "service/artifact_reactor.h"

#include <utility>

#include "base/error.h"
#include "service/grpc_status.h"
#include "service/message_bytes.h"

namespace kiln {

ArtifactReactor::ArtifactReactor(Front& front, Rpc rpc, const grpc::ByteBuffer& request)
    : front_(front), asks_others_(rpc == Rpc::kGetArtifact && front.cache->has_shared()), log_(front, rpc) {
  v1::GetArtifactRequest parsed;
  if (absl::Status status = ParseRequest(request, parsed); !status.ok()) {
    End(status);
    return;
  }
  log_.SetHeader(parsed.header());
  absl::StatusOr<ArtifactChunks> chunks = ArtifactChunks::Open(front, parsed, ArtifactChunks::Reach::kHere);
  if (!IsElsewhere(chunks.status())) {
    Begin(std::move(chunks));
    return;
  }
  front.shared_calls->Submit([this, parsed = std::move(parsed)](absl::Status admission) {
    Begin(ArtifactChunks::Open(front_, parsed,
                               admission.ok() ? ArtifactChunks::Reach::kShared : ArtifactChunks::Reach::kHere));
  });
}

bool ArtifactReactor::IsElsewhere(const absl::Status& status) const {
  return asks_others_ && GetErrorReason(status) == ErrorReason::kArtifactNotFound;
}

void ArtifactReactor::Begin(absl::StatusOr<ArtifactChunks> chunks) {
  if (!chunks.ok()) return End(chunks.status());
  chunks_ = *std::move(chunks);
  WriteNext();
}

void ArtifactReactor::WriteNext() {
  const std::optional<ArtifactChunk> chunk = chunks_->Next();
  if (!chunk.has_value()) return End(absl::OkStatus());
  front_.metrics->CountSentArtifactBytes(chunk->data.size());
  message_ = SerializeWithBytes(chunk->message, {v1::GetArtifactResponse::kDataFieldNumber}, chunks_->elf(), chunk->data);
  StartWrite(&message_);
}

void ArtifactReactor::OnWriteDone(bool ok) {
  if (ok) return WriteNext();
  End(MakeError(ErrorReason::kRequestCancelled, "the client went away"));
}

void ArtifactReactor::End(const absl::Status& status) {
  log_.Finish(status);
  Finish(ToGrpcStatus(status));
}

}  // namespace kiln
