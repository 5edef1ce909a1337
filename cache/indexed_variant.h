// A variant as the index and the flights hand it around: the signed row as it
// goes to clients, and the same row opened. Immutable.
#ifndef KILN_CACHE_INDEXED_VARIANT_H_
#define KILN_CACHE_INDEXED_VARIANT_H_

#include <memory>

#include "absl/status/statusor.h"
#include "base/digest.h"
#include "cache/variant_key.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

struct IndexedVariant {
  VariantKey key;
  Digest artifact;  // SHA-256 of the whole ELF
  v1::SignedVariant signed_variant;
  v1::VariantRecord record;  // what `signed_variant.record` parses to
};

using IndexedVariantPtr = std::shared_ptr<const IndexedVariant>;

// Opens the row without checking its signature: for rows that this process
// signed or has verified. ARTIFACT_CORRUPT if it does not parse, or its key or
// its artifact's digest is malformed.
absl::StatusOr<IndexedVariantPtr> MakeIndexedVariant(v1::SignedVariant signed_variant);

}  // namespace kiln

#endif  // KILN_CACHE_INDEXED_VARIANT_H_
