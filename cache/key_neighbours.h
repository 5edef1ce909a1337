// Which keys are near one that is not there: by their parts, for explanations of
// misses. Knows keys alone; whether one still has variants, the guard index knows, and
// a key that has none is passed over (nearest_entry.h).
//
// Three small indexes: keys by (domain, graph), keys by artifact, and graphs by their
// sketch (fake_runtime/graph/graph_sketch.h). A sketch's words are taken in pairs, and
// each pair is a bucket of the graphs that have it; graphs that have much in common
// share a bucket with near certainty, and buckets keep only their newest. So a search
// looks at kBands * kBucketSize graphs at most, whether there are ten or a hundred
// thousand. Buckets are of one domain: another tenant's graphs are neither found nor in
// the way.
//
// The oldest graphs are forgotten over kMaxGraphs, which costs an explanation, never a
// hit. Thread-safe.
#ifndef KILN_CACHE_KEY_NEIGHBOURS_H_
#define KILN_CACHE_KEY_NEIGHBOURS_H_

#include <cstddef>
#include <cstdint>
#include <deque>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/inlined_vector.h"
#include "absl/strings/string_view.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "cache/indexed_variant.h"
#include "cache/variant_key.h"

namespace kiln {

class KeyNeighbours {
 public:
  static constexpr size_t kMaxGraphs = 131072;
  static constexpr size_t kMaxKeysPerGraph = 64;
  static constexpr size_t kMaxKeysPerArtifact = 16;
  static constexpr int kBands = 8;
  static constexpr size_t kBucketSize = 16;

  explicit KeyNeighbours(size_t max_graphs = kMaxGraphs) : max_graphs_(max_graphs) {}

  // Learns the variant's key. Cheap where it is known.
  void Add(const IndexedVariant& variant);

  // Newest first.
  std::vector<VariantKey> KeysOfGraph(absl::string_view domain, absl::string_view graph) const;
  std::vector<VariantKey> KeysOfArtifact(const Digest& artifact) const;

  // Keys of the graphs most like a sketch, the most alike first; `max_graphs` of them.
  std::vector<VariantKey> KeysOfGraphsLike(absl::string_view domain, absl::Span<const uint32_t> sketch,
                                           size_t max_graphs) const;

 private:
  using Keys = absl::InlinedVector<VariantKey, 1>;  // newest last
  // Equal for equal domain and graph; two that collide are told apart by who looks at
  // the variants.
  using GraphId = uint64_t;
  struct Slot {
    GraphId graph = 0;
    std::vector<uint32_t> sketch;
    std::vector<uint64_t> buckets;
  };
  using SlotNumber = uint32_t;

  static GraphId IdOf(absl::string_view domain, absl::string_view graph);
  // None for a sketch that is no sketch.
  static std::vector<uint64_t> BucketsOf(absl::string_view domain, absl::Span<const uint32_t> sketch);
  static void Remember(const VariantKey& key, size_t max, Keys& keys);
  void AddGraph(Slot slot) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);
  void ForgetGraph(SlotNumber number) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  // Constant after construction.
  const size_t max_graphs_;

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<GraphId, Keys> by_graph_ ABSL_GUARDED_BY(mutex_);
  absl::flat_hash_map<Digest, Keys> by_artifact_ ABSL_GUARDED_BY(mutex_);
  // In the order of their coming, for the bounds.
  std::deque<Digest> artifacts_ ABSL_GUARDED_BY(mutex_);
  // A ring once it is full: `next_slot_` is the oldest.
  std::vector<Slot> slots_ ABSL_GUARDED_BY(mutex_);
  size_t next_slot_ ABSL_GUARDED_BY(mutex_) = 0;
  // Newest last.
  absl::flat_hash_map<uint64_t, absl::InlinedVector<SlotNumber, 2>> buckets_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_KEY_NEIGHBOURS_H_
