// What the server does when trusted keys or revocations change, and where what it has
// compiled meets them.
#ifndef KILN_SERVICE_APPLY_TRUST_H_
#define KILN_SERVICE_APPLY_TRUST_H_

#include <cstdint>

#include "absl/status/statusor.h"
#include "cache/indexed_variant.h"
#include "service/front.h"

namespace kiln {

// Drops every variant that the trust does not stand for any more; how many. Takes about
// a microsecond a variant.
int64_t DropUntrusted(Front& front);

// Reads the files if they changed, or anyhow if `always`, and drops what they say. What
// is wrong with a file is logged, and what it said before goes on to hold.
void ReloadTrust(Front& front, bool always);

// Signs and publishes. ARTIFACT_REVOKED for what a list has revoked before it was made:
// a compiler build, or an artifact that comes out the same again. Else as
// VariantCache::Publish.
absl::StatusOr<IndexedVariantPtr> PublishTrusted(Front& front, const v1::VariantRecord& record, ArtifactBytes elf);

}  // namespace kiln

#endif  // KILN_SERVICE_APPLY_TRUST_H_
