// The disk tier: one RocksDB in a folder of its own.
//
//   column family   key                              value
//   default         "format"                         "kiln.cache.2"
//   artifacts       SHA-256 (32 bytes)               the ELF, in blob files
//   variants        variant key (32), SHA-256 (32)   v1::SignedVariant
//   facts           as in variants                   v1::RowFacts
//   pins            SHA-256 (32), job                v1::StoredPin
//   graphs          graph name (32)                  serialized v1::Graph, the oldest out first over 4 GiB
//   shapes          subject (32), domain             v1::ProfileShapesResponse.Subject; not synced
//
// An artifact, its row and the row's facts are one write batch, and an artifact goes
// with its last row. Such a write is acknowledged after its log record is synced, so
// that it survives kill -9 and power loss; facts that change and pins are hints and
// are not synced. A log that ends in the middle of a record is what kill -9 leaves and
// is cut there; a log that is corrupt before its end is refused at open. A folder of
// format "kiln.cache.1", which had no facts and no pins, gets its facts at open.
//
// Opening reads facts, not rows: 100,000 rows take about a fifth of a second.
//
// Thread-safe. Another process that opens the same folder is refused.
#ifndef KILN_CACHE_DISK_STORE_H_
#define KILN_CACHE_DISK_STORE_H_

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/synchronization/mutex.h"
#include "base/clock.h"
#include "cache/artifact_store.h"
#include "cache/disk_database.h"
#include "cache/graph_store.h"
#include "cache/pin_book.h"
#include "cache/profile_store.h"
#include "cache/row_counts.h"

namespace kiln {

class DiskStore final : public ArtifactStore, public GraphStore, public PinStore, public ProfileStore {
 public:
  struct Options {
    const Clock* clock = Clock::Real();
    // Tests put one in that fails.
    rocksdb::Env* env = nullptr;
  };
  // STORAGE, in one line that names the folder.
  static absl::StatusOr<std::unique_ptr<DiskStore>> Open(const std::string& folder);
  static absl::StatusOr<std::unique_ptr<DiskStore>> Open(const std::string& folder, Options options);
  // Of a folder whose server does not run: no file of it is changed. Writes are errors.
  static absl::StatusOr<std::unique_ptr<DiskStore>> OpenToRead(const std::string& folder);
  ~DiskStore() override;

  absl::StatusOr<StoredArtifact> GetArtifact(const Digest& sha256) override;
  absl::Status PutArtifact(const Digest& sha256, ArtifactBytes elf) override;
  absl::Status RemoveArtifact(const Digest& sha256) override;
  absl::Status Publish(const VariantRow& row, ArtifactBytes elf) override;
  absl::Status RemoveVariant(const VariantKey& key, const Digest& artifact) override;
  absl::Status VisitVariants(const std::function<void(VariantRow)>& visit) override;
  absl::StatusOr<std::vector<VariantRow>> VariantsOf(const VariantKey& key) override;
  absl::StatusOr<std::optional<VariantRow>> NextVariant(const std::optional<RowName>& after) override;
  absl::Status VisitFacts(const std::function<void(RowSummary)>& visit) override;
  absl::Status PutFacts(absl::Span<const RowSummary> rows) override;
  StoreSize Size() override;

  absl::StatusOr<std::string> GetGraph(const Digest& name) override;
  absl::Status PutGraph(const Digest& name, absl::string_view bytes) override;
  bool HasGraph(const Digest& name) override;

  absl::Status PutPin(const Row& row) override;
  absl::Status RemovePin(absl::string_view job, const Digest& artifact) override;
  absl::Status VisitPins(const std::function<void(Row)>& visit) override;

  absl::Status PutProfile(absl::string_view key, absl::string_view value) override;
  absl::Status RemoveProfile(absl::string_view key) override;
  absl::Status VisitProfiles(
      const std::function<void(absl::string_view key, absl::string_view value)>& visit) override;

  const DiskDatabase& database() const { return *database_; }

 private:
  // An artifact and the keys whose rows name it.
  struct Named {
    int64_t bytes = 0;
    absl::flat_hash_set<VariantKey> keys;
  };

  explicit DiskStore(std::unique_ptr<DiskDatabase> database);
  // Facts for the rows of a folder that has none, if it is one.
  absl::Status CheckFormat(const std::string& folder);
  absl::Status AddMissingFacts();
  absl::Status CountRows();
  void NoteRow(const VariantKey& key, const Digest& artifact, int64_t bytes);
  bool HasRow(const RowName& name);
  // True if no other row names the artifact.
  bool ForgetRow(const VariantKey& key, const Digest& artifact);

  // Self-locking.
  const std::unique_ptr<DiskDatabase> database_;

  absl::Mutex mutex_;
  absl::flat_hash_map<Digest, Named> named_ ABSL_GUARDED_BY(mutex_);
  RowCounts rows_ ABSL_GUARDED_BY(mutex_);
  int64_t total_bytes_ ABSL_GUARDED_BY(mutex_) = 0;
};

}  // namespace kiln

#endif  // KILN_CACHE_DISK_STORE_H_
