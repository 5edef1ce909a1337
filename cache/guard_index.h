// The variant index: key + symbol values + host -> variant.
//
// A key's variants are found by hashing what their guards compare for equality
// (`s0 == 8`, `s1 % 16 == 0`) and by searching what they bound (`s0 <= 64`), never by
// trying them one after the other: key_variants.h. A lookup takes microseconds among
// 100,000 variants as among one.
//
// Among the variants that hold and that the host can run, one that was made faster
// for what it is guarded by (a guard of KIND_PERFORMANCE) comes first, then the most
// general: fewest pins, then fewest other guards, then most processor features, then
// the newest. naive_guard_index.h says the same in one loop, and the tests compare the
// two.
//
// What it cannot do:
//   - Many forms. A lookup's time grows with the number of different forms that a
//     key's guards have (which terms, not which values), some 0.1 us each. A compiler
//     asks the same questions of a graph again and again; guards that all divide by
//     different numbers, or that compare what is no constant (`s0 <= 3*s1` beside
//     `s0 <= 5*s1`), are tried one after the other.
//   - Many bounds at once. Variants with bounds on d terms cost O(n^(1 - 1/2d)) at
//     worst; on one or two that is microseconds, on ten it is a scan.
//
// Thread-safe. A reader's lock for each key: lookups of a key run side by side and
// wait for an addition to it, which takes microseconds but now and then (once in n)
// O(n log n): 40 ms for 100,000 variants with bounds.
#ifndef KILN_CACHE_GUARD_INDEX_H_
#define KILN_CACHE_GUARD_INDEX_H_

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <tuple>
#include <utility>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "cache/host_class.h"
#include "cache/indexed_variant.h"
#include "cache/key_neighbours.h"
#include "cache/key_variants.h"
#include "cache/variant_key.h"

namespace kiln {

// How many keys have 1 variant, 2 or 3, 4 to 7, and so on.
using KeysBySize = std::array<int64_t, 18>;

class GuardIndex {
 public:
  GuardIndex();
  ~GuardIndex();

  // Adds the variant, or replaces the one with the same key and artifact.
  // ARTIFACT_CORRUPT if a guard does not parse or the symbols are not those of the
  // key's other variants; LIMIT_EXCEEDED over kVariantsPerKey or kGuards.
  absl::Status Add(IndexedVariantPtr variant);

  // Adds them all at once: no lookup sees some of them. Those that are refused, as
  // Add() would refuse them for being corrupt.
  std::vector<IndexedVariantPtr> AddAll(const VariantKey& key, std::vector<IndexedVariantPtr> variants);

  // Forgets it, if it is here.
  void Remove(const VariantKey& key, const Digest& artifact);

  // MALFORMED_MESSAGE when the number of values is not the key's.
  absl::StatusOr<IndexAnswer> Lookup(const VariantKey& key, absl::Span<const int64_t> symbol_values,
                                     const HostClass& host) const;

  // All variants of a key, the most preferred first. For people.
  std::vector<IndexedVariantPtr> VariantsOf(const VariantKey& key) const;
  // Some of them, `max` at most, those with the fewest pins first. Costs no more than
  // they are.
  std::vector<IndexedVariantPtr> SomeVariantsOf(const VariantKey& key, size_t max) const;

  // Keys by what they are made of; those that have lost all variants included.
  const KeyNeighbours& neighbours() const { return neighbours_; }

  // At most `limit` keys in their order, those after `after`, or from the first; fewer
  // when there are no more. Goes through all keys. For people.
  std::vector<VariantKey> KeysAfter(const VariantKey* after, size_t limit) const;

  int64_t num_keys() const;
  int64_t num_variants() const;
  KeysBySize keys_by_size() const;

 private:
  class KeyEntry;
  using Refusals = std::vector<std::pair<IndexedVariantPtr, absl::Status>>;
  Refusals AddTo(const VariantKey& key, const std::vector<IndexedVariantPtr>& variants);
  std::shared_ptr<KeyEntry> FindEntry(const VariantKey& key) const;
  void EraseIfDead(const VariantKey& key, const KeyEntry* entry);
  void CountResize(size_t before, size_t after);

  // Self-locking.
  std::atomic<int64_t> num_variants_{0};
  std::array<std::atomic<int64_t>, std::tuple_size_v<KeysBySize>> keys_by_size_ = {};
  KeyNeighbours neighbours_;

  mutable absl::Mutex mutex_;
  absl::flat_hash_map<VariantKey, std::shared_ptr<KeyEntry>> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_GUARD_INDEX_H_
