// The one rule by which a row that came from outside this process becomes a variant.
#ifndef KILN_CACHE_OPEN_ROW_H_
#define KILN_CACHE_OPEN_ROW_H_

#include "absl/status/statusor.h"
#include "cache/indexed_variant.h"
#include "cache/variant_key.h"
#include "compiler/artifact/trust.h"

namespace kiln {

// The row, opened: a key of `trusted` signed it, it opens, and its components are
// those of `key`. ARTIFACT_UNTRUSTED when nobody trusted signed it or it belongs to
// another key; ARTIFACT_REVOKED; ARTIFACT_CORRUPT when what was signed does not open.
absl::StatusOr<IndexedVariantPtr> OpenRow(const Trust& trusted, const VariantKey& key,
                                          v1::SignedVariant signed_variant);

}  // namespace kiln

#endif  // KILN_CACHE_OPEN_ROW_H_
