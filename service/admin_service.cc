#include "service/admin_service.h"

#include <grpcpp/server_context.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/time/clock.h"
#include "base/digest.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cache/bundle_format.h"
#include "cache/bundle_reader.h"
#include "cache/export_bundle.h"
#include "cache/import_bundle.h"
#include "cache/verify_cache.h"
#include "cache/walk_variants.h"
#include "compiler/artifact/read_manifest.h"
#include "kiln/v1/admin_service.grpc.pb.h"
#include "service/cache_counters.h"
#include "service/grpc_status.h"
#include "service/request_header.h"
#include "service/staged_file.h"

namespace kiln {
namespace {

constexpr absl::string_view kTokenKey = "kiln-admin-token";
constexpr int kDefaultPageSize = 256;
// A page ends here even if it has fewer variants: their guards may be long.
constexpr size_t kMaxPageBytes = 2 << 20;
constexpr absl::Duration kWaitStep = absl::Milliseconds(50);

absl::Status Malformed(absl::string_view what) { return MakeError(ErrorReason::kMalformedMessage, what); }

std::string TokenOf(const VariantName& name) { return absl::StrCat(name.key.digest.bytes(), name.artifact.bytes()); }

absl::StatusOr<VariantName> ParseToken(absl::string_view token) {
  if (token.size() != 2 * Digest::kSizeBytes) return Malformed("page_token is none of this service's");
  return VariantName{{*Digest::FromBytes(token.substr(0, Digest::kSizeBytes))},
                     *Digest::FromBytes(token.substr(Digest::kSizeBytes))};
}

class AdminService final : public v1::AdminService::Service {
 public:
  explicit AdminService(AdminParts parts) : parts_(std::move(parts)) {}

  grpc::Status ListVariants(grpc::ServerContext* context, const v1::ListVariantsRequest* request,
                            v1::ListVariantsResponse* response) override {
    return Serve(context, "ListVariants", [&] { return List(*request, *response); });
  }
  grpc::Status ShowArtifact(grpc::ServerContext* context, const v1::ShowArtifactRequest* request,
                            v1::ShowArtifactResponse* response) override {
    return Serve(context, "ShowArtifact", [&] { return Show(*request, *response); });
  }
  grpc::Status VerifyCache(grpc::ServerContext* context, const v1::VerifyCacheRequest* request,
                           grpc::ServerWriter<v1::VerifyCacheResponse>* writer) override {
    return Serve(context, "VerifyCache", [&] { return Verify(*context, *request, *writer); });
  }
  grpc::Status EvictVariants(grpc::ServerContext* context, const v1::EvictVariantsRequest* request,
                             v1::EvictVariantsResponse* response) override {
    return Serve(context, "EvictVariants", [&] { return Evict(*request, *response); });
  }
  grpc::Status ExportBundle(grpc::ServerContext* context, const v1::ExportBundleRequest* request,
                            grpc::ServerWriter<v1::ExportBundleResponse>* writer) override {
    return Serve(context, "ExportBundle", [&] { return Export(*request, *writer); });
  }
  grpc::Status ImportBundle(grpc::ServerContext* context, grpc::ServerReader<v1::ImportBundleRequest>* reader,
                            v1::ImportBundleResponse* response) override {
    return Serve(context, "ImportBundle", [&] { return Import(*reader, *response); });
  }
  grpc::Status GetCacheStats(grpc::ServerContext* context, const v1::GetCacheStatsRequest*,
                             v1::GetCacheStatsResponse* response) override {
    return Serve(context, "GetCacheStats", [&] { return Stats(*response); });
  }
  grpc::Status Revoke(grpc::ServerContext* context, const v1::RevokeRequest* request,
                      v1::RevokeResponse* response) override {
    return Serve(context, "Revoke", [&] { return RevokeLines(*request, *response); });
  }

 private:
  template <typename Handle>
  grpc::Status Serve(grpc::ServerContext* context, absl::string_view rpc, Handle handle) {
    std::optional<Activity::Request> busy;
    if (parts_.activity != nullptr) busy.emplace(*parts_.activity);
    absl::Status status = CheckCaller(*context);
    if (status.ok()) status = handle();
    // Without a server there is no log, and standard output is somebody's.
    if (!parts_.is_read_only) {
      spdlog::info("admin {} {}", std::string(rpc), status.ok() ? "OK" : std::string(status.message()));
    }
    return ToGrpcStatus(status);
  }

  // Whoever can open the Unix socket is the owner: its mode says so.
  absl::Status CheckCaller(const grpc::ServerContext& context) const {
    if (parts_.token.empty() || absl::StartsWith(context.peer(), "unix:")) return absl::OkStatus();
    const auto& metadata = context.client_metadata();
    const auto token = metadata.find(grpc::string_ref(kTokenKey.data(), kTokenKey.size()));
    // Digests, so that the time of the comparison says nothing of the token.
    if (token != metadata.end() &&
        Sha256({token->second.data(), token->second.size()}) == Sha256(parts_.token)) {
      return absl::OkStatus();
    }
    return MakeError(ErrorReason::kAdminDenied,
                     token == metadata.end() ? "this address wants a token" : "the token is another");
  }

  // Rows that nobody has asked for yet are not in the index.
  template <typename... Rest>
  void WalkAll(Rest&&... rest) const {
    parts_.cache->LoadAll();
    WalkVariants(parts_.cache->index(), std::forward<Rest>(rest)...);
  }

  absl::Status CheckWritable() const {
    if (!parts_.is_read_only) return absl::OkStatus();
    return MakeError(ErrorReason::kCacheReadOnly, "the cache is read without a server and cannot be changed");
  }

  absl::StatusOr<VariantMatcher> MatcherOf(const v1::VariantFilter& filter) const {
    return VariantMatcher::Create(filter, parts_.used_by_job);
  }

  absl::Status List(const v1::ListVariantsRequest& request, v1::ListVariantsResponse& response) const {
    KILN_ASSIGN_OR_RETURN(const VariantMatcher matcher, MatcherOf(request.filter()));
    std::optional<VariantName> after;
    if (!request.page_token().empty()) {
      KILN_ASSIGN_OR_RETURN(after, ParseToken(request.page_token()));
    }
    const int page = request.page_size() > 0 ? std::min(request.page_size(), kDefaultPageSize) : kDefaultPageSize;
    size_t bytes = 0;
    VariantName last;
    WalkAll(after.has_value() ? &*after : nullptr, [&](const IndexedVariantPtr& variant) {
      if (!matcher.Matches(*variant)) return true;
      if (response.variants_size() >= page || bytes >= kMaxPageBytes) {
        response.set_next_page_token(TokenOf(last));
        return false;
      }
      *response.add_variants() = Summarize(*variant);
      bytes += response.variants(response.variants_size() - 1).ByteSizeLong();
      last = {variant->key, variant->artifact};
      return true;
    });
    return absl::OkStatus();
  }

  absl::Status Show(const v1::ShowArtifactRequest& request, v1::ShowArtifactResponse& response) const {
    KILN_ASSIGN_OR_RETURN(const Digest sha256, ParseDigest("sha256", request.sha256()));
    WalkAll(nullptr, [&](const IndexedVariantPtr& variant) {
      if (variant->artifact != sha256) return true;
      *response.add_variants() = Summarize(*variant);
      *response.add_records() = variant->record;
      return true;
    });
    if (response.variants().empty()) {
      return MakeError(ErrorReason::kArtifactNotFound, absl::StrCat("no variant has artifact ", sha256.ToShortHex()));
    }
    // A row may outlive its artifact; there is then no more to say.
    const absl::StatusOr<StoredArtifact> artifact = parts_.cache->GetArtifact(sha256);
    if (!artifact.ok()) return absl::OkStatus();
    absl::StatusOr<v1::Manifest> manifest = ReadManifest(*artifact->elf);
    if (manifest.ok()) *response.mutable_manifest() = *std::move(manifest);
    return absl::OkStatus();
  }

  absl::Status Verify(grpc::ServerContext& context, const v1::VerifyCacheRequest& request,
                      grpc::ServerWriter<v1::VerifyCacheResponse>& writer) {
    if (request.bytes_per_second() < 0) return Malformed("bytes_per_second is below 0");
    const VerifyPace pace{request.bytes_per_second(), parts_.clock, [&](absl::Duration wait) {
                            for (; wait > absl::ZeroDuration() && !context.IsCancelled(); wait -= kWaitStep) {
                              absl::SleepFor(std::min(wait, kWaitStep));
                            }
                            return !context.IsCancelled();
                          }};
    parts_.cache->LoadAll();
    const v1::VerifyCacheResponse done =
        kiln::VerifyCache(*parts_.cache, *parts_.trust->Current(), pace,
                          [&](const v1::VerifyCacheResponse& so_far) { return writer.Write(so_far); });
    if (!done.done()) return MakeError(ErrorReason::kRequestCancelled, "the caller went away");
    writer.Write(done);
    return absl::OkStatus();
  }

  absl::Status Evict(const v1::EvictVariantsRequest& request, v1::EvictVariantsResponse& response) {
    KILN_RETURN_IF_ERROR(CheckWritable());
    KILN_ASSIGN_OR_RETURN(const VariantMatcher matcher, MatcherOf(request.filter()));
    if (matcher.matches_all() && !request.all()) return Malformed("an empty filter would evict everything: set `all`");
    WalkAll(nullptr, [&](const IndexedVariantPtr& variant) {
      if (!matcher.Matches(*variant)) return true;
      parts_.cache->Evict(*variant);
      response.set_variants(response.variants() + 1);
      response.set_artifact_bytes(response.artifact_bytes() + variant->record.artifact_bytes());
      return true;
    });
    return absl::OkStatus();
  }

  absl::Status Export(const v1::ExportBundleRequest& request, grpc::ServerWriter<v1::ExportBundleResponse>& writer) {
    KILN_ASSIGN_OR_RETURN(const VariantMatcher matcher, MatcherOf(request.filter()));
    parts_.cache->LoadAll();
    const size_t most = static_cast<size_t>(GetLimit(Limit::kChunkBytes));
    return kiln::ExportBundle(matcher, {parts_.clock->Now(), parts_.compiler_build}, *parts_.cache, *parts_.graphs,
                              *parts_.key, [&](absl::string_view bytes) {
                                while (!bytes.empty()) {
                                  v1::ExportBundleResponse chunk;
                                  chunk.set_data(std::string(bytes.substr(0, most)));
                                  bytes.remove_prefix(std::min(most, bytes.size()));
                                  if (writer.Write(chunk)) continue;
                                  return MakeError(ErrorReason::kRequestCancelled, "the caller went away");
                                }
                                return absl::OkStatus();
                              });
  }

  // Of a bundle whose first `size` bytes are staged: the header's, or all of its head's.
  // Returns how many are wanted for the next check; 0 when there is none.
  absl::StatusOr<int64_t> CheckHead(const StagedFile& staged, int64_t size) const {
    KILN_ASSIGN_OR_RETURN(const ByteSource source, staged.Source());
    if (size > static_cast<int64_t>(kBundleHeaderBytes)) {
      KILN_RETURN_IF_ERROR(BundleReader::Open(source, parts_.trust->Current()).status());
      return 0;
    }
    std::string header(kBundleHeaderBytes, 0);
    KILN_RETURN_IF_ERROR(source(header.data(), header.size()).status());
    return BundleHeadBytes(header);
  }

  absl::Status Import(grpc::ServerReader<v1::ImportBundleRequest>& reader, v1::ImportBundleResponse& response) {
    KILN_RETURN_IF_ERROR(CheckWritable());
    KILN_ASSIGN_OR_RETURN(StagedFile staged, StagedFile::Create(parts_.staging_folder));
    // What is no bundle, or a stranger's, is refused as soon as that can be told.
    int64_t wanted = kBundleHeaderBytes;
    v1::ImportBundleRequest chunk;
    while (reader.Read(&chunk)) {
      KILN_RETURN_IF_ERROR(CheckLimit(Limit::kBundleBytes, staged.size() + static_cast<int64_t>(chunk.data().size()),
                                      "the bundle"));
      KILN_RETURN_IF_ERROR(staged.Append(chunk.data()));
      while (wanted > 0 && staged.size() >= wanted) {
        KILN_ASSIGN_OR_RETURN(wanted, CheckHead(staged, wanted));
      }
    }
    KILN_ASSIGN_OR_RETURN(response, kiln::ImportBundle([&] { return staged.Source(); }, parts_.trust->Current(),
                                                       parts_.compiler_build, *parts_.cache, *parts_.graphs));
    return absl::OkStatus();
  }

  absl::Status Stats(v1::GetCacheStatsResponse& response) const {
    for (const CacheCounterRow& row : CacheCounterRows(parts_.cache->Counters())) {
      v1::GetCacheStatsResponse::Counter& counter = *response.add_counters();
      counter.set_name(std::string(row.name));
      counter.set_value(row.value);
      counter.set_what(std::string(row.what));
    }
    const std::shared_ptr<const TrustPolicy> policy = parts_.trust->Current();
    response.set_compiler_build(parts_.compiler_build);
    response.set_signing_key_id(KeyIdOf(parts_.key->public_key()));
    for (const std::string& id : policy->keys.ids()) {
      if (id != response.signing_key_id()) response.add_trusted_key_ids(id);
    }
    response.set_revocations(policy->revoked.size());
    return absl::OkStatus();
  }

  absl::Status RevokeLines(const v1::RevokeRequest& request, v1::RevokeResponse& response) {
    KILN_RETURN_IF_ERROR(CheckWritable());
    if (parts_.revoke == nullptr) {
      return MakeError(ErrorReason::kCacheReadOnly, "this server has no data folder and no --revoked file to add to");
    }
    KILN_ASSIGN_OR_RETURN(const int64_t dropped, parts_.revoke({request.lines().begin(), request.lines().end()}));
    response.set_variants(dropped);
    response.set_revocations(parts_.trust->Current()->revoked.size());
    return absl::OkStatus();
  }

  const AdminParts parts_;
};

}  // namespace

std::unique_ptr<grpc::Service> MakeAdminService(AdminParts parts) {
  return std::make_unique<AdminService>(std::move(parts));
}

}  // namespace kiln
