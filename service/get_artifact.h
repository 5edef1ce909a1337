// The GetArtifact RPC: see its comment in compile_service.proto.
#ifndef KILN_SERVICE_GET_ARTIFACT_H_
#define KILN_SERVICE_GET_ARTIFACT_H_

#include <optional>
#include <utility>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "cache/artifact_store.h"
#include "kiln/v1/compile_service.pb.h"
#include "service/front.h"

namespace kiln {

struct ArtifactChunk {
  v1::GetArtifactResponse message;  // without its data
  absl::string_view data;           // of the artifact's bytes
};

// The messages of one answer, one after the other. Not thread-safe.
class ArtifactChunks {
 public:
  enum class Reach { kHere, kShared };

  // `reach` kShared: also from the tier that replicas share, which may take a while.
  // OUT_OF_RANGE when the offset is beyond the artifact's end.
  static absl::StatusOr<ArtifactChunks> Open(Front& front, const v1::GetArtifactRequest& request, Reach reach);

  // nullopt when all has been sent. An offset at the very end gives one message
  // without data.
  std::optional<ArtifactChunk> Next();

  // Whose bytes the chunks' data are.
  const ArtifactBytes& elf() const { return elf_; }

 private:
  ArtifactChunks(ArtifactBytes elf, size_t offset) : elf_(std::move(elf)), offset_(offset) {}

  ArtifactBytes elf_;
  size_t offset_;
  bool is_first_ = true;
};

}  // namespace kiln

#endif  // KILN_SERVICE_GET_ARTIFACT_H_
