// A cache hit as it is sent.
#ifndef KILN_SERVICE_VARIANT_REPLY_H_
#define KILN_SERVICE_VARIANT_REPLY_H_

#include "absl/container/flat_hash_set.h"
#include "base/digest.h"
#include "cache/variant_cache.h"
#include "kiln/v1/compile_service.pb.h"

namespace kiln {

// Without the artifact's bytes.
v1::Variant MakeVariantReply(const CacheHit& hit);

// The artifact, if it goes with the reply: it is small and the client has not got it
// yet. Else null.
ArtifactBytes InlineArtifact(const CacheHit& hit, const absl::flat_hash_set<Digest>& have);

}  // namespace kiln

#endif  // KILN_SERVICE_VARIANT_REPLY_H_
