// All variants of an index one after the other, without holding it still.
#ifndef KILN_CACHE_WALK_VARIANTS_H_
#define KILN_CACHE_WALK_VARIANTS_H_

#include <functional>

#include "base/digest.h"
#include "cache/guard_index.h"
#include "cache/indexed_variant.h"

namespace kiln {

// Where a walk stands: a variant's name. Ordered as the walk goes.
struct VariantName {
  VariantKey key;
  Digest artifact;
  friend auto operator<=>(const VariantName&, const VariantName&) = default;
};

// Calls `visit` by key, then by artifact, beginning after `after`, or at the first, until
// it returns false. What is added or removed meanwhile may be seen or not; everything
// else is seen once. `visit` may use the index. Memory: a thousand keys.
void WalkVariants(const GuardIndex& index, const VariantName* after,
                  const std::function<bool(const IndexedVariantPtr&)>& visit);

}  // namespace kiln

#endif  // KILN_CACHE_WALK_VARIANTS_H_
