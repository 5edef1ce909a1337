// What an artifact is worth keeping for, and to whom. A plain value.
#ifndef KILN_CACHE_ARTIFACT_WORTH_H_
#define KILN_CACHE_ARTIFACT_WORTH_H_

#include <cstdint>

#include "absl/strings/string_view.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

struct ArtifactWorth {
  int64_t bytes = 0;
  // That a hit saves.
  double compile_seconds = 0;
  // Whose it is: one of kTenants.
  uint32_t tenant = 0;
};

// Tenants are told apart by a hash of their domain, so that names that somebody
// invents are at most so many; two that fall together share a share.
inline constexpr uint32_t kTenants = 64;
uint32_t TenantOf(absl::string_view domain);

ArtifactWorth WorthOf(const v1::VariantRecord& record);

}  // namespace kiln

#endif  // KILN_CACHE_ARTIFACT_WORTH_H_
