#include "cache/redis/redis_store.h"

#include <algorithm>
#include <iterator>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "cache/redis/artifact_envelope.h"
#include "cache/redis/redis_stream.h"

namespace kiln {
namespace {

// Rows read at a time: a row has 1 to 50 KB.
constexpr size_t kPageRows = 64;
// A stream keeps at least so many; several replicas may append one row each.
constexpr int64_t kRowCopies = 4;
constexpr absl::string_view kRowField = "r";

// Answers to a write that will be the same for the next one.
constexpr absl::string_view kCannotWrite[] = {"MISCONF", "NOPERM", "NOREPLICAS", "OOM", "READONLY"};

constexpr CircuitBreaker::Options kWriteBreaker = {.failures_to_open = 1,
                                                   .first_wait = absl::Seconds(1),
                                                   .max_wait = absl::Seconds(30)};

bool CannotWrite(const RedisReply& reply) {
  return std::find(std::begin(kCannotWrite), std::end(kCannotWrite), reply.error_word()) != std::end(kCannotWrite);
}

}  // namespace

RedisReplyLimits RedisStoreReplyLimits() {
  return {.max_bytes = GetLimit(Limit::kArtifactBytes) + (1 << 20), .max_elements = 1 << 16};
}

RedisStore::RedisStore(std::shared_ptr<RedisClient> client, RedisStoreOptions options, const Clock* clock)
    : client_(std::move(client)), options_(options), writes_(kWriteBreaker, clock) {}

std::string RedisStore::ArtifactKey(absl::string_view domain, const Digest& sha256) const {
  return absl::StrCat(client_->KeyPrefix("a"), DomainTag(domain), ":", sha256.ToHex());
}

std::string RedisStore::LogKey(absl::string_view domain, const VariantKey& key) const {
  return absl::StrCat(client_->KeyPrefix("v"), DomainTag(domain), ":", key.digest.ToHex());
}

absl::StatusOr<ArtifactBytes> RedisStore::GetArtifact(absl::string_view domain, const Digest& sha256) {
  const std::string key = ArtifactKey(domain, sha256);
  const RedisWords words = {"GET", key};
  KILN_ASSIGN_OR_RETURN(const std::vector<RedisReply> replies, client_->Pipeline(key, {words}));
  const RedisReply& reply = replies.front();
  if (reply.is_nil()) {
    return MakeError(ErrorReason::kArtifactNotFound, absl::StrCat("Redis has no artifact ", sha256.ToShortHex()));
  }
  if (reply.error_word() == "WRONGTYPE") {
    return MakeError(ErrorReason::kArtifactCorrupt,
                     absl::StrCat("Redis has something else than an artifact at ", sha256.ToShortHex()));
  }
  KILN_RETURN_IF_ERROR(ErrorOf(reply));
  KILN_ASSIGN_OR_RETURN(std::string elf, UnwrapArtifact(reply.text));
  return std::make_shared<const std::string>(std::move(elf));
}

absl::Status RedisStore::TryWrite(absl::string_view key, RedisWords words) {
  const bool lasts = options_.time_to_live == absl::InfiniteDuration();
  const std::string millis = lasts ? "" : absl::StrCat(absl::ToInt64Milliseconds(options_.time_to_live));
  std::vector<RedisWords> commands = {std::move(words)};
  if (!lasts) commands.push_back({"PEXPIRE", key, millis});
  KILN_ASSIGN_OR_RETURN(const std::vector<RedisReply> replies, client_->Pipeline(key, commands));
  CannotWrite(replies.front()) ? writes_.Fail() : writes_.Succeed();
  return ErrorOf(replies.front());
}

absl::Status RedisStore::Write(absl::string_view key, RedisWords words) {
  absl::Status status = writes_.Allow() ? TryWrite(key, std::move(words))
                                        : MakeError(ErrorReason::kStorage, "Redis takes no writes at present");
  if (!status.ok()) put_failures_.fetch_add(1, std::memory_order_relaxed);
  return status;
}

absl::Status RedisStore::PutArtifact(absl::string_view domain, const Digest& sha256, const ArtifactBytes& elf) {
  const std::string key = ArtifactKey(domain, sha256);
  const std::string envelope = WrapArtifact(*elf);
  return Write(key, {"SET", key, envelope, "NX"});
}

absl::Status RedisStore::RemoveArtifact(absl::string_view domain, const Digest& sha256) {
  const std::string key = ArtifactKey(domain, sha256);
  return client_->Call(key, {"DEL", key}).status();
}

absl::StatusOr<std::vector<bool>> RedisStore::HasArtifacts(absl::string_view domain,
                                                           absl::Span<const Digest> sha256s) {
  std::vector<bool> answers;
  // Keys of different slots: one call each. For repairs alone, of a few at a time.
  for (const Digest& sha256 : sha256s) {
    const std::string key = ArtifactKey(domain, sha256);
    KILN_ASSIGN_OR_RETURN(const RedisReply reply, client_->Call(key, {"EXISTS", key}));
    answers.push_back(reply.is_integer() && reply.integer == 1);
  }
  return answers;
}

absl::Status RedisStore::AppendRow(absl::string_view domain, const VariantKey& key, const v1::SignedVariant& row) {
  const std::string log = LogKey(domain, key);
  const std::string bytes = row.SerializeAsString();
  const std::string most = absl::StrCat(GetLimit(Limit::kVariantsPerKey) * kRowCopies);
  return Write(log, {"XADD", log, "MAXLEN", "~", most, "*", kRowField, bytes});
}

absl::StatusOr<LogPage> RedisStore::ReadLog(absl::string_view domain, const VariantKey& key, const LogCursor& after) {
  KILN_ASSIGN_OR_RETURN(StreamPage read, ReadStream(*client_, LogKey(domain, key), kRowField, after, kPageRows));
  LogPage page{.end = std::move(read.end), .more = read.more, .lost = read.lost};
  for (StreamEntry& entry : read.entries) {
    SharedRow row{.at = std::move(entry.id)};
    v1::SignedVariant parsed;
    if (entry.value.has_value() && parsed.ParseFromString(*entry.value)) row.signed_variant = std::move(parsed);
    page.rows.push_back(std::move(row));
  }
  return page;
}

absl::Status RedisStore::RemoveRow(absl::string_view domain, const VariantKey& key, const LogCursor& at) {
  const std::string log = LogKey(domain, key);
  return client_->Call(log, {"XDEL", log, at}).status();
}

SharedTierState RedisStore::State() const {
  const RedisClientState client = client_->State();
  return {.up = client.breaker == BreakerState::kClosed,
          .probing = client.breaker == BreakerState::kHalfOpen,
          .times_down = client.breakers_opened,
          .calls = client.calls,
          .failures = client.failures,
          .bytes_read = client.bytes_received,
          .bytes_written = client.bytes_sent,
          .put_failures = put_failures_.load(std::memory_order_relaxed)};
}

}  // namespace kiln
