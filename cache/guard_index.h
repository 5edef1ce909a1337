// The variant index: key + symbol values + host -> variant.
//
// All variants of a key are grouped by which symbols their guards pin to
// constants. A group is a hash table on the pinned values, so a lookup is one
// probe per group and the residual predicates of the few candidates found. Its
// time grows with the number of groups, not with the number of variants:
//
//   pins {}        -> [ s2 != 1 ]
//   pins {s0}      -> 8: [ s1 % 16 == 0 ], 9: [ ]
//   pins {s0, s1}  -> (8, 16): [ ]
//
// Among the variants that hold and that the host can run, the most general comes
// first: fewest pins, then fewest residual predicates, then most processor
// features, then the newest. naive_guard_index.h says the same in one loop, and
// the tests compare the two.
//
// What it cannot do: find without scanning among many variants with equal pins
// that differ only in residual predicates (s0 <= 64, s0 <= 128, ...).
//
// Thread-safe. One mutex a key, held while guards are evaluated; a lookup takes
// microseconds.
#ifndef KILN_CACHE_GUARD_INDEX_H_
#define KILN_CACHE_GUARD_INDEX_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/container/flat_hash_map.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/types/span.h"
#include "cache/host_class.h"
#include "cache/indexed_variant.h"
#include "cache/variant_key.h"

namespace kiln {

struct IndexAnswer {
  // Null on a miss.
  IndexedVariantPtr variant;
  // Why it missed: UNKNOWN_KEY; or GUARD_FAILED; or, when guards hold, what the
  // host lacks for each variant: ABI, ISA, EXTERN_OP. Sorted, without repetition.
  std::vector<v1::MissReason> reasons;
};

class GuardIndex {
 public:
  GuardIndex();
  ~GuardIndex();

  // Adds the variant, or replaces the one with the same key and artifact.
  // ARTIFACT_CORRUPT if a guard does not parse or the number of symbols is not
  // that of the key's other variants; LIMIT_EXCEEDED over kVariantsPerKey or
  // kGuards.
  absl::Status Add(IndexedVariantPtr variant);

  // Forgets it, if it is here.
  void Remove(const VariantKey& key, const Digest& artifact);

  // MALFORMED_MESSAGE when the number of values is not the key's.
  absl::StatusOr<IndexAnswer> Lookup(const VariantKey& key, absl::Span<const int64_t> symbol_values,
                                     const HostClass& host) const;

  // All variants of a key, most general first. For people.
  std::vector<IndexedVariantPtr> VariantsOf(const VariantKey& key) const;

  int64_t num_keys() const;
  int64_t num_variants() const;

 private:
  class KeyEntry;
  std::shared_ptr<KeyEntry> FindEntry(const VariantKey& key) const;
  void EraseIfDead(const VariantKey& key, const KeyEntry* entry);

  std::atomic<int64_t> num_variants_{0};
  mutable absl::Mutex mutex_;
  absl::flat_hash_map<VariantKey, std::shared_ptr<KeyEntry>> entries_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_CACHE_GUARD_INDEX_H_
