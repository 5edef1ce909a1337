// The disk tier: one RocksDB in a folder of its own.
//
//   column family   key                              value
//   default         "format"                         "kiln.cache.1"
//   artifacts       SHA-256 (32 bytes)               the ELF, in blob files
//   variants        variant key (32), SHA-256 (32)   v1::SignedVariant
//   graphs          graph name (32)                  serialized v1::Graph, the oldest out first over 4 GiB
//   shapes          subject (32), domain             v1::ProfileShapesResponse.Subject; not synced
//
// An artifact and its row are one write batch, and an artifact goes with its last
// row. Every write is acknowledged after
// its log record is synced, so that it survives kill -9 and power loss. A log
// that ends in the middle of a record is what kill -9 leaves and is cut there; a
// log that is corrupt before its end is refused at open.
//
// Thread-safe. Another process that opens the same folder is refused.
#ifndef KILN_CACHE_DISK_STORE_H_
#define KILN_CACHE_DISK_STORE_H_

#include <cstdint>
#include <memory>
#include <string>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "cache/artifact_store.h"
#include "cache/graph_store.h"
#include "cache/profile_store.h"

namespace kiln {

class DiskStore final : public ArtifactStore, public GraphStore, public ProfileStore {
 public:
  // STORAGE, in one line that names the folder.
  static absl::StatusOr<std::unique_ptr<DiskStore>> Open(const std::string& folder);
  ~DiskStore() override;

  absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256) override;
  absl::Status PutArtifact(const Digest& sha256, ArtifactBytes elf) override;
  absl::Status RemoveArtifact(const Digest& sha256) override;
  absl::Status Publish(const VariantRow& row, ArtifactBytes elf) override;
  absl::Status RemoveVariant(const VariantKey& key, const Digest& artifact) override;
  absl::Status VisitVariants(const std::function<void(VariantRow)>& visit) override;
  StoreSize Size() override;

  absl::StatusOr<std::string> GetGraph(const Digest& name) override;
  absl::Status PutGraph(const Digest& name, absl::string_view bytes) override;
  bool HasGraph(const Digest& name) override;

  absl::Status PutProfile(absl::string_view key, absl::string_view value) override;
  absl::Status RemoveProfile(absl::string_view key) override;
  absl::Status VisitProfiles(
      const std::function<void(absl::string_view key, absl::string_view value)>& visit) override;

 private:
  class Database;
  // An artifact and the keys whose rows name it.
  struct Named {
    int64_t bytes = 0;
    absl::flat_hash_set<VariantKey> keys;
  };

  explicit DiskStore(std::unique_ptr<Database> database);
  absl::Status CountRows();
  void NoteRow(const VariantKey& key, const Digest& artifact, int64_t bytes);
  // True if no other row names the artifact.
  bool ForgetRow(const VariantKey& key, const Digest& artifact);

  // Self-locking.
  const std::unique_ptr<Database> database_;

  absl::Mutex mutex_;
  absl::flat_hash_map<Digest, Named> named_ ABSL_GUARDED_BY(mutex_);
  int64_t total_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
  int64_t num_rows_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_DISK_STORE_H_
