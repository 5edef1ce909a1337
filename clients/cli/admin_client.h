// What `kiln cache` talks to: a server's admin address, or a data folder that no server
// has open, behind the same calls.
#ifndef KILN_CLIENTS_CLI_ADMIN_CLIENT_H_
#define KILN_CLIENTS_CLI_ADMIN_CLIENT_H_

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "kiln/v1/admin_service.grpc.pb.h"

namespace CLI {
class App;
}

namespace kiln {

class OfflineCache;

struct AdminClientOptions {
  std::string address;
  std::string data_folder;
  std::string token_file;
  std::string trusted_keys;
  double timeout_seconds = 3600;
};

// --admin (KILN_ADMIN), --data, --admin-token, --trusted-keys, --timeout. `options` must
// outlive the app.
void AddAdminOptions(CLI::App& command, AdminClientOptions& options);

// Blocks; each call answers with the server's typed error. Thread-compatible.
class AdminClient {
 public:
  // BAD_ARGUMENT_VALUE if neither an address nor a folder was given; UNAVAILABLE, naming
  // the address; else as OfflineCache::Open.
  static absl::StatusOr<std::unique_ptr<AdminClient>> Connect(const AdminClientOptions& options);
  ~AdminClient();

  // Every variant that matches, page by page, until `visit` returns false.
  absl::Status VisitVariants(const v1::VariantFilter& filter,
                             const std::function<bool(const v1::VariantSummary&)>& visit);
  absl::StatusOr<v1::ShowArtifactResponse> ShowArtifact(const std::string& sha256);
  absl::StatusOr<v1::VerifyCacheResponse> Verify(int64_t bytes_per_second,
                                                 const std::function<void(const v1::VerifyCacheResponse&)>& progress);
  absl::StatusOr<v1::EvictVariantsResponse> Evict(const v1::EvictVariantsRequest& request);
  // Written beside `path` and renamed: a file of that name is whole. How many bytes.
  absl::StatusOr<int64_t> Export(const v1::VariantFilter& filter, const std::string& path);
  absl::StatusOr<v1::ImportBundleResponse> Import(const std::string& path);
  absl::StatusOr<v1::GetCacheStatsResponse> Stats();
  absl::StatusOr<v1::RevokeResponse> Revoke(const std::vector<std::string>& lines);

 private:
  AdminClient();
  std::unique_ptr<grpc::ClientContext> NewContext() const;

  AdminClientOptions options_;
  std::string token_;
  std::unique_ptr<OfflineCache> offline_;
  std::unique_ptr<v1::AdminService::Stub> stub_;
};

}  // namespace kiln

#endif  // KILN_CLIENTS_CLI_ADMIN_CLIENT_H_
