// The entry that is nearest to a request that found none, and in which parts of the key
// they differ. The search is bounded, whatever the index holds: first keys of the same
// graph in the request's domain, then in the shared one, then keys of graphs that
// resemble it; of the key that is found a few variants, and of these the one with the
// fewest failing guards. Entries of other domains are never looked at.
#ifndef KILN_CACHE_NEAREST_ENTRY_H_
#define KILN_CACHE_NEAREST_ENTRY_H_

#include <cstdint>
#include <vector>

#include "absl/types/span.h"
#include "cache/guard_index.h"
#include "cache/host_class.h"
#include "cache/indexed_variant.h"
#include "kiln/v1/artifact.pb.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// Constant during the search.
struct NearestQuestion {
  const v1::KeyComponents& key;
  absl::Span<const int64_t> symbol_values;
  const HostClass& host;
  // Empty: graphs that resemble it are not looked for.
  absl::Span<const uint32_t> sketch;
};

struct NearestEntry {
  // Null: nothing is near.
  IndexedVariantPtr variant;
  // Of a known graph, the parts in which the keys differ: SIGNATURE, OPTIONS,
  // COMPILER_BUILD, TARGET_FAMILY. UNKNOWN_KEY for another graph, another domain, or
  // nothing. Empty where the key itself has variants.
  std::vector<v1::MissReason> reasons;
};

NearestEntry FindNearest(const GuardIndex& index, const NearestQuestion& question);

// SIGNATURE, OPTIONS, COMPILER_BUILD, TARGET_FAMILY, as far as they differ.
std::vector<v1::MissReason> DifferingParts(const v1::KeyComponents& a, const v1::KeyComponents& b);

}  // namespace kiln

#endif  // KILN_CACHE_NEAREST_ENTRY_H_
