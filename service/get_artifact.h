// The GetArtifact RPC: see its comment in compile_service.proto.
#ifndef KILN_SERVICE_GET_ARTIFACT_H_
#define KILN_SERVICE_GET_ARTIFACT_H_

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "cache/artifact_store.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"

namespace kiln {

// The messages of one answer, one after the other. Not thread-safe.
class ArtifactChunks {
 public:
  enum class Reach { kHere, kShared };

  // `reach` kShared: also from the tier that replicas share, which may take a while.
  // OUT_OF_RANGE when the offset is beyond the artifact's end.
  static absl::StatusOr<ArtifactChunks> Open(Front& front, const v1::GetArtifactRequest& request, Reach reach);

  // nullopt when all has been sent. An offset at the very end gives one message
  // without data.
  std::optional<v1::GetArtifactResponse> Next();

 private:
  ArtifactChunks(ArtifactBytes elf, size_t offset) : elf_(std::move(elf)), offset_(offset) {}

  ArtifactBytes elf_;
  size_t offset_;
  bool is_first_ = true;
};

}  // namespace kiln

#endif  // KILN_SERVICE_GET_ARTIFACT_H_
