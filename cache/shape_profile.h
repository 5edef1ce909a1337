// Which sizes vary from job to job. A client that bakes sizes into its graph makes
// another graph, and so another compile, of each; the server, to which all jobs come,
// sees that they differ in one dimension and tells the next client to make it symbolic.
//
//   profile->Observe(domain, {subject, "forward at model.py:41"}, observations);
//   profile->Find(domain, subject);   // L['x']:0 varies: 12, 37, 512
//
// A subject is what the sizes are sizes of: a frame's code or a graph's skeleton, by a
// digest that the client made. A dimension varies once `threshold` distinct sizes were
// seen. That is advice: a client may do otherwise, and nothing that it is served
// depends on it.
//
// Bounded: 20,000 subjects, of which those observed longest ago leave first; 16,384
// dimensions of each, 32 sizes and 16 divisions of each of these.
//
// Thread-safe. Nothing but Flush() and Open() touches the store.
#ifndef KILN_CACHE_SHAPE_PROFILE_H_
#define KILN_CACHE_SHAPE_PROFILE_H_

#include <cstdint>
#include <list>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "base/digest.h"
#include "cache/profile_store.h"
#include "google/protobuf/repeated_ptr_field.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

using ShapeObservations = google::protobuf::RepeatedPtrField<v1::ShapeObservation>;
using SubjectShapes = v1::ProfileShapesResponse::Subject;

class ShapeProfile {
 public:
  static constexpr int kMaxThreshold = 32;
  // Of one dimension.
  static constexpr int kMaxDivisions = 16;

  // `threshold` is 1 to kMaxThreshold. Loads what the store has; a value that does not
  // parse, or is beyond the bounds, is dropped. `store` may be null: then nothing survives
  // the process. Errors are the store's.
  static absl::StatusOr<std::unique_ptr<ShapeProfile>> Open(std::shared_ptr<ProfileStore> store, int threshold);

  // Takes the sizes down. `name` replaces an older one unless it is empty.
  void Observe(absl::string_view domain, const Digest& subject, absl::string_view name,
               const ShapeObservations& observations);

  // Takes down what another profile has learnt: sizes and divisions, as far as there is
  // room. Counts as no observation.
  void Merge(absl::string_view domain, const Digest& subject, const SubjectShapes& learnt);

  // None: nothing was observed.
  std::optional<SubjectShapes> Find(absl::string_view domain, const Digest& subject) const;

  // The domain's subjects behind `after` in the order of their bytes, `most` at most.
  std::vector<SubjectShapes> List(absl::string_view domain, absl::string_view after, int most) const;

  // Writes what has changed. What was observed since the last one is lost when the
  // process is killed. STORAGE: it stays to be written.
  absl::Status Flush();

  int threshold() const { return threshold_; }
  int64_t num_subjects() const;

 private:
  // A subject of a domain: "<32 bytes><domain>", which is the store's key as well.
  using Key = std::string;
  using DimKey = std::pair<std::string, int32_t>;
  struct Entry {
    SubjectShapes shapes;
    absl::flat_hash_map<DimKey, int> dims;  // index in `shapes`
    bool is_dirty = false;
    std::list<Key>::iterator place;
  };

  ShapeProfile(std::shared_ptr<ProfileStore> store, int threshold);
  void Load(const Key& key, absl::string_view value);
  Entry& EntryOf(const Key& key) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Null: there is no room for another. A new one knows no size.
  v1::ProfileShapesResponse::Dim* DimOf(Entry& entry, absl::string_view source, int32_t dim)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  // Adds the size to what is known of the dimension.
  void LearnSize(v1::ProfileShapesResponse::Dim& dim, int64_t size) const;
  void NoteSize(Entry& entry, absl::string_view source, int32_t dim, int64_t size, const v1::SizeRange* valid)
      ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const std::shared_ptr<ProfileStore> store_;
  const int threshold_;

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<Key, Entry> entries_ ABSL_GUARDED_BY(mutex_);
  // Observed most recently first.
  std::list<Key> order_ ABSL_GUARDED_BY(mutex_);
  // Evicted, and still in the store.
  std::vector<Key> evicted_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_SHAPE_PROFILE_H_
