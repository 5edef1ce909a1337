#include "cache/memory_graph_store.h"

#include <memory>

#include "absl/strings/str_cat.h"
#include "base/error.h"

namespace kiln {

absl::StatusOr<std::string> MemoryGraphStore::GetGraph(const Digest& name) {
  absl::StatusOr<StoredArtifact> found = blobs_.GetArtifact(name);
  if (found.ok()) {
    blobs_.NoteUse(name, {});
    return *found->elf;
  }
  return MakeError(ErrorReason::kGraphNotFound, absl::StrCat("graph ", name.ToShortHex(), " is not here"));
}

absl::Status MemoryGraphStore::PutGraph(const Digest& name, absl::string_view bytes) {
  return blobs_.PutArtifact(name, std::make_shared<const std::string>(bytes));
}

bool MemoryGraphStore::HasGraph(const Digest& name) { return blobs_.GetArtifact(name).ok(); }

}  // namespace kiln
