#include "cache/open_row.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {

absl::StatusOr<IndexedVariantPtr> OpenRow(const Trust& trusted, const VariantKey& key,
                                          v1::SignedVariant signed_variant) {
  KILN_RETURN_IF_ERROR(trusted.Open(signed_variant).status());
  KILN_ASSIGN_OR_RETURN(IndexedVariantPtr variant, MakeIndexedVariant(std::move(signed_variant)));
  if (variant->key == key) return variant;
  return MakeError(ErrorReason::kArtifactUntrusted,
                   absl::StrCat("a row of key ", variant->key.digest.ToShortHex(), " stands where one of ",
                                key.digest.ToShortHex(), " should"));
}

}  // namespace kiln
