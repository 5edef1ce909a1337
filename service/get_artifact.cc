#include "service/get_artifact.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "service/request_header.h"

namespace kiln {

absl::StatusOr<ArtifactChunks> ArtifactChunks::Open(Front& front, const v1::GetArtifactRequest& request,
                                                    Reach reach) {
  KILN_RETURN_IF_ERROR(CheckHeader(request.header()));
  KILN_ASSIGN_OR_RETURN(const Digest sha256, ParseDigest("sha256", request.sha256()));
  KILN_ASSIGN_OR_RETURN(StoredArtifact artifact,
                        reach == Reach::kHere ? front.cache->GetArtifact(sha256)
                                              : front.cache->GetArtifactShared(request.header().domain(), sha256));
  const auto size = static_cast<int64_t>(artifact.elf->size());
  if (request.offset() < 0 || request.offset() > size) {
    return absl::OutOfRangeError(absl::StrCat("offset ", request.offset(), " is not within artifact ",
                                              sha256.ToShortHex(), " of ", size, " bytes"));
  }
  return ArtifactChunks(std::move(artifact.elf), static_cast<size_t>(request.offset()));
}

std::optional<ArtifactChunk> ArtifactChunks::Next() {
  if (!is_first_ && offset_ >= elf_->size()) return std::nullopt;
  ArtifactChunk chunk;
  if (is_first_) chunk.message.set_total_bytes(static_cast<int64_t>(elf_->size()));
  is_first_ = false;
  const size_t count = std::min(elf_->size() - offset_, static_cast<size_t>(GetLimit(Limit::kChunkBytes)));
  chunk.data = absl::string_view(*elf_).substr(offset_, count);
  offset_ += count;
  return chunk;
}

}  // namespace kiln
