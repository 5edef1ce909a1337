#include "compiler/artifact/trust.h"

#include <sys/stat.h>

#include <cerrno>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/artifact/trust_file.h"

namespace kiln {
namespace {

constexpr absl::Duration kPollInterval = absl::Seconds(1);

int64_t Nanoseconds(const timespec& time) { return int64_t{1000000000} * time.tv_sec + time.tv_nsec; }

}  // namespace

absl::StatusOr<v1::VariantRecord> TrustPolicy::Open(const v1::SignedVariant& signed_variant) const {
  KILN_ASSIGN_OR_RETURN(v1::VariantRecord record, keys.Open(signed_variant));
  KILN_RETURN_IF_ERROR(revoked.Check(record, signed_variant.key_id()));
  return record;
}

Trust::Trust(TrustFiles files, TrustPolicy always, const Clock* clock)
    : files_(std::move(files)),
      always_(std::move(always)),
      clock_(clock),
      policy_(std::make_shared<const TrustPolicy>(always_)) {}

std::shared_ptr<Trust> Trust::Fixed(TrustPolicy policy) {
  return std::shared_ptr<Trust>(new Trust({}, std::move(policy), Clock::Real()));
}

absl::StatusOr<std::shared_ptr<Trust>> Trust::Load(TrustFiles files, TrustPolicy always, const Clock* clock) {
  std::shared_ptr<Trust> trust(new Trust(std::move(files), std::move(always), clock));
  KILN_RETURN_IF_ERROR(trust->Reload().status());
  return trust;
}

std::shared_ptr<const TrustPolicy> Trust::Current() const {
  absl::MutexLock lock(&mutex_);
  return policy_;
}

absl::Status Trust::last_error() const {
  absl::MutexLock lock(&mutex_);
  return last_error_;
}

Trust::Stamp Trust::StampOf(const std::string& path) {
  struct stat info;
  if (path.empty() || stat(path.c_str(), &info) != 0) return {};
  return {true, static_cast<int64_t>(info.st_ino), info.st_size, Nanoseconds(info.st_mtim), Nanoseconds(info.st_ctim)};
}

std::vector<Trust::Stamp> Trust::Stamps() const { return {StampOf(files_.keys), StampOf(files_.revoked)}; }

absl::StatusOr<Trust::Read> Trust::ReadFiles() const {
  // The stamps first: a change while the files are read is then seen the next time.
  Read result{always_, Stamps(), {}};
  DigestBuilder contents("kiln.trust.v1");
  const struct {
    const std::string& path;
    bool may_be_missing;
    absl::Status (*add)(TrustPolicy&, absl::string_view);
  } files[] = {
      {files_.keys, false, [](TrustPolicy& policy, absl::string_view text) { return policy.keys.AddText(text); }},
      {files_.revoked, files_.revoked_may_be_missing,
       [](TrustPolicy& policy, absl::string_view text) { return policy.revoked.AddText(text); }},
  };
  for (const auto& file : files) {
    if (file.path.empty()) continue;
    absl::StatusOr<std::string> text = ReadTrustFile(file.path);
    if (absl::IsNotFound(text.status())) {
      if (file.may_be_missing) text = std::string();
      else text = MakeError(ErrorReason::kStorage, absl::StrCat(file.path, ": ", std::strerror(ENOENT)));
    }
    KILN_RETURN_IF_ERROR(text.status());
    if (absl::Status status = file.add(result.policy, *text); !status.ok()) return AddContext(status, file.path);
    contents.AddBytes(*text);
  }
  result.contents = contents.Finish();
  return result;
}

absl::StatusOr<bool> Trust::ReloadLocked() {
  absl::StatusOr<Read> read = ReadFiles();
  {
    absl::MutexLock lock(&mutex_);
    last_error_ = read.status();
  }
  stamps_ = read.ok() ? std::move(read->stamps) : Stamps();
  KILN_RETURN_IF_ERROR(read.status());
  if (read->contents == contents_) return false;
  contents_ = read->contents;
  {
    absl::MutexLock lock(&mutex_);
    policy_ = std::make_shared<const TrustPolicy>(std::move(read->policy));
  }
  generation_.fetch_add(1, std::memory_order_acq_rel);
  return true;
}

absl::StatusOr<bool> Trust::Reload() {
  absl::MutexLock lock(&reload_);
  return ReloadLocked();
}

absl::StatusOr<bool> Trust::ReloadIfChanged() {
  absl::MutexLock lock(&reload_);
  if (Stamps() == stamps_) return false;
  return ReloadLocked();
}

void Trust::Poll() {
  if (files_.keys.empty() && files_.revoked.empty()) return;
  const int64_t now = absl::ToInt64Nanoseconds(clock_->Monotonic());
  int64_t next = next_poll_ns_.load(std::memory_order_relaxed);
  if (now < next) return;
  // One caller looks; the others go on.
  const int64_t later = now + absl::ToInt64Nanoseconds(kPollInterval);
  if (!next_poll_ns_.compare_exchange_strong(next, later, std::memory_order_relaxed)) return;
  ReloadIfChanged().IgnoreError();
}

}  // namespace kiln
