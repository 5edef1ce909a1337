// Tells how long each call of the tier below took and how it ended.
#ifndef KILN_CACHE_METERED_TIER_H_
#define KILN_CACHE_METERED_TIER_H_

#include <functional>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

#include "absl/time/time.h"
#include "base/clock.h"
#include "cache/shared_tier.h"

namespace kiln {

enum class SharedCall { kGetArtifact, kPutArtifact, kHasArtifacts, kReadLog, kAppendRow, kRemove };

inline constexpr absl::string_view kSharedCallNames[] = {"get_artifact", "put_artifact", "has_artifacts",
                                                         "read_log",     "append_row",   "remove"};

// Thread-safe.
class MeteredTier final : public SharedTier {
 public:
  // Called after each call, on its thread.
  using Note = std::function<void(SharedCall call, absl::Duration elapsed)>;

  // `clock` must outlive it.
  MeteredTier(std::unique_ptr<SharedTier> inner, Note note, const Clock* clock)
      : inner_(std::move(inner)), note_(std::move(note)), clock_(clock) {}

  bool takes_writes() const override { return inner_->takes_writes(); }
  absl::StatusOr<ArtifactBytes> GetArtifact(absl::string_view domain, const Digest& sha256) override {
    return Timed(SharedCall::kGetArtifact, [&] { return inner_->GetArtifact(domain, sha256); });
  }
  absl::Status PutArtifact(absl::string_view domain, const Digest& sha256, const ArtifactBytes& elf) override {
    return Timed(SharedCall::kPutArtifact, [&] { return inner_->PutArtifact(domain, sha256, elf); });
  }
  absl::Status RemoveArtifact(absl::string_view domain, const Digest& sha256) override {
    return Timed(SharedCall::kRemove, [&] { return inner_->RemoveArtifact(domain, sha256); });
  }
  absl::StatusOr<std::vector<bool>> HasArtifacts(absl::string_view domain, absl::Span<const Digest> sha256s) override {
    return Timed(SharedCall::kHasArtifacts, [&] { return inner_->HasArtifacts(domain, sha256s); });
  }
  absl::Status AppendRow(absl::string_view domain, const VariantKey& key, const v1::SignedVariant& row) override {
    return Timed(SharedCall::kAppendRow, [&] { return inner_->AppendRow(domain, key, row); });
  }
  absl::StatusOr<LogPage> ReadLog(absl::string_view domain, const VariantKey& key, const LogCursor& after) override {
    return Timed(SharedCall::kReadLog, [&] { return inner_->ReadLog(domain, key, after); });
  }
  absl::Status RemoveRow(absl::string_view domain, const VariantKey& key, const LogCursor& at) override {
    return Timed(SharedCall::kRemove, [&] { return inner_->RemoveRow(domain, key, at); });
  }
  SharedTierState State() const override { return inner_->State(); }

 private:
  template <typename Call>
  std::invoke_result_t<Call> Timed(SharedCall name, Call call) {
    const absl::Duration begin = clock_->Monotonic();
    std::invoke_result_t<Call> result = call();
    note_(name, clock_->Monotonic() - begin);
    return result;
  }

  // Constant after construction.
  const std::unique_ptr<SharedTier> inner_;
  const Note note_;
  const Clock* const clock_;
};

}  // namespace kiln

#endif  // KILN_CACHE_METERED_TIER_H_
