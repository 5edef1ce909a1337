#include "cache/artifact_worth.h"

#include "base/digest.h"

namespace kiln {

uint32_t TenantOf(absl::string_view domain) {
  if (domain.empty()) return 0;
  return static_cast<unsigned char>(Sha256(domain).bytes()[0]) % kTenants;
}

ArtifactWorth WorthOf(const v1::VariantRecord& record) {
  return {record.artifact_bytes(), record.compile_seconds(), TenantOf(record.key().domain())};
}

}  // namespace kiln
