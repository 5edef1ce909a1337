#include "service/peer_tier.h"

#include <grpcpp/create_channel.h>
#include <grpcpp/security/credentials.h>

#include <chrono>
#include <utility>

#include "absl/strings/str_cat.h"
#include "absl/synchronization/blocking_counter.h"
#include "base/error.h"
#include "base/limits.h"
#include "cache/redis/circuit_breaker.h"
#include "kiln/v1/peer_service.grpc.pb.h"

namespace kiln {
namespace {

// For the rows of a key, connecting included.
constexpr std::chrono::milliseconds kListTime{150};
// For an artifact, which may have 100 MiB.
constexpr std::chrono::seconds kFetchTime{5};
// Keys and digests of records that are remembered: 6 MB.
constexpr size_t kMaxGiven = 65536;
// The only cursor there is; what it stands for is in `given_`.
constexpr char kCursor[] = "given";

absl::Status Away() { return MakeError(ErrorReason::kStorage, "no peer answers"); }

void SetHeader(absl::string_view domain, v1::RequestHeader& header) { header.set_domain(std::string(domain)); }

// A channel to a peer that was away connects again when its breaker would let it: gRPC's
// own patience grows to two minutes.
std::shared_ptr<grpc::Channel> Dial(const std::string& address) {
  grpc::ChannelArguments arguments;
  arguments.SetInt(GRPC_ARG_MAX_RECONNECT_BACKOFF_MS,
                   static_cast<int>(absl::ToInt64Milliseconds(CircuitBreaker::Options().max_wait)));
  return grpc::CreateCustomChannel(address, grpc::InsecureChannelCredentials(), arguments);
}

// Whether the peer itself failed, not what it was asked for.
bool IsAway(const grpc::Status& status) {
  return status.error_code() != grpc::StatusCode::OK && status.error_code() != grpc::StatusCode::NOT_FOUND &&
         status.error_code() != grpc::StatusCode::INVALID_ARGUMENT;
}

}  // namespace

struct PeerTier::Peer {
  Peer(const std::string& address, const Clock* clock)
      : stub(v1::PeerService::NewStub(Dial(address))), breaker({}, clock) {}

  void Note(const grpc::Status& status) { IsAway(status) ? breaker.Fail() : breaker.Succeed(); }

  const std::unique_ptr<v1::PeerService::Stub> stub;
  CircuitBreaker breaker;
};

// One peer's answer, while it is waited for.
struct PeerTier::Asked {
  Peer* peer;
  grpc::ClientContext context;
  v1::ListRowsResponse response;
  grpc::Status status;
};

PeerTier::PeerTier(const std::vector<std::string>& addresses, const Clock* clock) : given_(kMaxGiven) {
  for (const std::string& address : addresses) peers_.push_back(std::make_unique<Peer>(address, clock));
}

PeerTier::~PeerTier() = default;

absl::StatusOr<LogPage> PeerTier::ReadLog(absl::string_view domain, const VariantKey& key, const LogCursor& after) {
  v1::ListRowsRequest request;
  SetHeader(domain, *request.mutable_header());
  request.set_key(std::string(key.digest.bytes()));
  std::vector<std::unique_ptr<Asked>> asked;
  for (const std::unique_ptr<Peer>& peer : peers_) {
    if (!peer->breaker.Allow()) continue;
    asked.push_back(std::make_unique<Asked>());
    asked.back()->peer = peer.get();
  }
  absl::BlockingCounter answers(static_cast<int>(asked.size()));
  for (const std::unique_ptr<Asked>& one : asked) {
    one->context.set_deadline(std::chrono::system_clock::now() + kListTime);
    one->peer->stub->async()->ListRows(&one->context, &request, &one->response,
                                       [&answers, at = one.get()](grpc::Status status) {
                                         at->status = std::move(status);
                                         answers.DecrementCount();
                                       });
  }
  answers.Wait();
  bool any = false;
  for (const std::unique_ptr<Asked>& one : asked) {
    one->peer->Note(one->status);
    any |= one->status.ok();
    calls_.fetch_add(1, std::memory_order_relaxed);
    failures_.fetch_add(one->status.ok() ? 0 : 1, std::memory_order_relaxed);
  }
  if (!any) return Away();
  return TakeNew(key, after, asked);
}

LogPage PeerTier::TakeNew(const VariantKey& key, const LogCursor& after,
                          const std::vector<std::unique_ptr<Asked>>& asked) {
  LogPage page;
  page.end = kCursor;
  absl::MutexLock lock(&mutex_);
  if (!given_.Resume(key, after.empty())) {
    page.lost = true;
    return page;
  }
  for (const std::unique_ptr<Asked>& one : asked) {
    if (!one->status.ok()) continue;
    for (v1::SignedVariant& variant : *one->response.mutable_rows()) {
      bytes_read_.fetch_add(static_cast<int64_t>(variant.ByteSizeLong()), std::memory_order_relaxed);
      const Digest record = Sha256(variant.record());
      if (!given_.Add(key, record)) continue;
      page.rows.push_back({.at = record.ToHex(), .signed_variant = std::move(variant)});
    }
  }
  return page;
}

absl::StatusOr<ArtifactBytes> PeerTier::GetArtifact(absl::string_view domain, const Digest& sha256) {
  v1::GetArtifactRequest request;
  SetHeader(domain, *request.mutable_header());
  request.set_sha256(std::string(sha256.bytes()));
  bool any = false;
  // Of another digest: for whoever verifies, if no peer has the right one.
  ArtifactBytes wrong;
  for (const std::unique_ptr<Peer>& peer : peers_) {
    if (!peer->breaker.Allow()) continue;
    calls_.fetch_add(1, std::memory_order_relaxed);
    grpc::ClientContext context;
    context.set_deadline(std::chrono::system_clock::now() + kFetchTime);
    auto elf = std::make_shared<std::string>();
    auto reader = peer->stub->FetchArtifact(&context, request);
    bool is_too_large = false;
    for (v1::GetArtifactResponse chunk; !is_too_large && reader->Read(&chunk);) {
      elf->append(chunk.data());
      is_too_large = !CheckLimit(Limit::kArtifactBytes, static_cast<int64_t>(elf->size()), "artifact").ok();
    }
    if (is_too_large) context.TryCancel();
    const grpc::Status status = reader->Finish();
    const bool is_wrong = status.ok() && Sha256(*elf) != sha256;
    // Who answers with other bytes is no better than who does not answer.
    is_wrong ? peer->breaker.Fail() : peer->Note(status);
    any |= !IsAway(status);
    if (status.ok()) {
      bytes_read_.fetch_add(static_cast<int64_t>(elf->size()), std::memory_order_relaxed);
      if (!is_wrong) return elf;
      wrong = std::move(elf);
    }
    failures_.fetch_add(IsAway(status) || is_wrong ? 1 : 0, std::memory_order_relaxed);
  }
  if (wrong != nullptr) return wrong;
  if (!any) return Away();
  return MakeError(ErrorReason::kArtifactNotFound, absl::StrCat("no peer has artifact ", sha256.ToShortHex()));
}

absl::StatusOr<std::vector<bool>> PeerTier::HasArtifacts(absl::string_view, absl::Span<const Digest> sha256s) {
  return std::vector<bool>(sha256s.size(), true);
}

SharedTierState PeerTier::State() const {
  SharedTierState state;
  state.up = false;
  for (const std::unique_ptr<Peer>& peer : peers_) {
    const BreakerState breaker = peer->breaker.state();
    state.up |= breaker == BreakerState::kClosed;
    state.probing |= breaker == BreakerState::kHalfOpen;
    state.times_down += peer->breaker.num_opened();
  }
  state.calls = calls_.load(std::memory_order_relaxed);
  state.failures = failures_.load(std::memory_order_relaxed);
  state.bytes_read = bytes_read_.load(std::memory_order_relaxed);
  return state;
}

}  // namespace kiln
