#include "service/offline_cache.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/compile.h"
#include "service/admin_service.h"
#include "service/signing_key_file.h"

namespace kiln {

absl::StatusOr<std::unique_ptr<OfflineCache>> OfflineCache::Open(const std::string& data_folder,
                                                                 const std::string& trusted_keys) {
  const std::string key_file = absl::StrCat(data_folder, "/signing_key");
  absl::StatusOr<SigningKey> loaded = LoadSigningKey(key_file);
  if (absl::IsNotFound(loaded.status())) {
    return MakeError(ErrorReason::kStorage, absl::StrCat("data folder ", data_folder, ": there is no signing_key"));
  }
  KILN_ASSIGN_OR_RETURN(SigningKey key, std::move(loaded));
  TrustPolicy always;
  KILN_RETURN_IF_ERROR(always.keys.Add(key.public_key()));
  std::unique_ptr<OfflineCache> offline(new OfflineCache(std::move(key)));
  KILN_ASSIGN_OR_RETURN(offline->trust_, Trust::Load({.keys = trusted_keys,
                                                      .revoked = absl::StrCat(data_folder, "/revoked"),
                                                      .revoked_may_be_missing = true},
                                                     std::move(always)));
  KILN_ASSIGN_OR_RETURN(offline->cache_, OpenCacheToRead(absl::StrCat(data_folder, "/cache"), offline->trust_));
  AdminParts parts;
  parts.cache = offline->cache_.variants.get();
  parts.graphs = offline->cache_.graphs.get();
  parts.trust = offline->trust_;
  parts.key = &offline->key_;
  parts.compiler_build = CompilerBuild();
  parts.is_read_only = true;
  KILN_ASSIGN_OR_RETURN(offline->server_, GrpcServer::Start({}, MakeAdminService(std::move(parts)), /*max_threads=*/4));
  return offline;
}

}  // namespace kiln
