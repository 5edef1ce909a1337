// The guard index in one loop: the oracle of guard_index_test.
#ifndef KILN_CACHE_TESTING_NAIVE_GUARD_INDEX_H_
#define KILN_CACHE_TESTING_NAIVE_GUARD_INDEX_H_

#include <vector>

#include "absl/types/span.h"
#include "cache/guard_index.h"

namespace kiln {

class NaiveGuardIndex {
 public:
  void Add(IndexedVariantPtr variant);
  void Remove(const VariantKey& key, const Digest& artifact);
  // Tries every variant and sorts what fits.
  IndexAnswer Lookup(const VariantKey& key, absl::Span<const int64_t> values, const HostClass& host) const;

 private:
  std::vector<IndexedVariantPtr> variants_;
};

}  // namespace kiln

#endif  // KILN_CACHE_TESTING_NAIVE_GUARD_INDEX_H_
