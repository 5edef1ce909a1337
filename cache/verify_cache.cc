#include "cache/verify_cache.h"

#include <optional>

#include "base/error.h"
#include "cache/walk_variants.h"

namespace kiln {
namespace {

constexpr int64_t kVariantsPerReport = 64;

class Verification {
 public:
  Verification(VariantCache& cache, const TrustPolicy& policy, const VerifyPace& pace)
      : cache_(cache), policy_(policy), pace_(pace), begin_(pace.clock->Monotonic()) {
    done_.set_variants_total(cache.index().num_variants());
  }

  // False if it is to end.
  bool Check(const IndexedVariant& variant) {
    done_.set_variants(done_.variants() + 1);
    if (!CheckRow(variant)) return true;
    CheckArtifact(variant);
    done_.set_artifact_bytes(done_.artifact_bytes() + variant.record.artifact_bytes());
    if (pace_.bytes_per_second <= 0) return true;
    const absl::Duration due =
        absl::Seconds(static_cast<double>(done_.artifact_bytes()) / static_cast<double>(pace_.bytes_per_second));
    const absl::Duration ahead = due - (pace_.clock->Monotonic() - begin_);
    return ahead <= absl::ZeroDuration() || pace_.wait(ahead);
  }

  v1::VerifyCacheResponse& done() { return done_; }

 private:
  bool CheckRow(const IndexedVariant& variant) {
    const absl::StatusOr<v1::VariantRecord> record = policy_.Open(variant.signed_variant);
    if (record.ok()) return true;
    if (GetErrorReason(record.status()) == ErrorReason::kArtifactRevoked) {
      done_.set_revoked_rows(done_.revoked_rows() + 1);
      cache_.Revoke(variant);
    } else {
      done_.set_untrusted_rows(done_.untrusted_rows() + 1);
      cache_.Distrust(variant);
    }
    return false;
  }

  void CheckArtifact(const IndexedVariant& variant) {
    const std::optional<ErrorReason> reason = GetErrorReason(cache_.Verify(variant));
    if (reason == ErrorReason::kArtifactCorrupt) done_.set_corrupt_artifacts(done_.corrupt_artifacts() + 1);
    if (reason == ErrorReason::kArtifactNotFound) done_.set_missing_artifacts(done_.missing_artifacts() + 1);
  }

  VariantCache& cache_;
  const TrustPolicy& policy_;
  const VerifyPace& pace_;
  const absl::Duration begin_;
  v1::VerifyCacheResponse done_;
};

}  // namespace

v1::VerifyCacheResponse VerifyCache(VariantCache& cache, const TrustPolicy& policy, const VerifyPace& pace,
                                    const std::function<bool(const v1::VerifyCacheResponse&)>& progress) {
  Verification verification(cache, policy, pace);
  bool is_whole = true;
  WalkVariants(cache.index(), nullptr, [&](const IndexedVariantPtr& variant) {
    is_whole = verification.Check(*variant);
    if (is_whole && verification.done().variants() % kVariantsPerReport == 0) is_whole = progress(verification.done());
    return is_whole;
  });
  verification.done().set_done(is_whole);
  return verification.done();
}

}  // namespace kiln
