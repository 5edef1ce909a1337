// The cache in a data folder whose server does not run, for looking at: AdminService in
// this process, so that whoever asks need not know that there is no server.
#ifndef KILN_SERVICE_OFFLINE_CACHE_H_
#define KILN_SERVICE_OFFLINE_CACHE_H_

#include <memory>
#include <string>

#include "absl/status/statusor.h"
#include "cache/open_cache.h"
#include "compiler/artifact/trust.h"
#include "service/grpc_server.h"

namespace kiln {

// Thread-compatible. Nothing in the folder is changed.
class OfflineCache {
 public:
  // `trusted_keys` may be "". STORAGE, in one line, for a folder without a cache or key,
  // and for one that a server has open.
  static absl::StatusOr<std::unique_ptr<OfflineCache>> Open(const std::string& data_folder,
                                                            const std::string& trusted_keys);

  std::shared_ptr<grpc::Channel> Channel() { return server_->InProcessChannel(); }

 private:
  explicit OfflineCache(SigningKey key) : key_(std::move(key)) {}

  // In the order that they need one another.
  const SigningKey key_;
  std::shared_ptr<Trust> trust_;
  OpenedCache cache_;
  std::unique_ptr<GrpcServer> server_;
};

}  // namespace kiln

#endif  // KILN_SERVICE_OFFLINE_CACHE_H_
