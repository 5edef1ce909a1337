// Whose signatures count, and what is revoked all the same. Servers and hosts hold one
// of these, read from two files that may change while they run:
//
//   KILN_ASSIGN_OR_RETURN(std::shared_ptr<Trust> trust,
//                         Trust::Load({.keys = "/etc/kiln/trusted_keys", .revoked = "/etc/kiln/revoked"}));
//   KILN_ASSIGN_OR_RETURN(v1::VariantRecord record, trust->Open(signed_variant));
//   ...
//   if (trust->ReloadIfChanged().value_or(false)) DropWhatIsRevoked();
//
// A file that turns bad keeps what it said before, since an empty list of revocations
// would be the worst way to read a broken one.
#ifndef KILN_COMPILER_ARTIFACT_TRUST_H_
#define KILN_COMPILER_ARTIFACT_TRUST_H_

#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "absl/base/thread_annotations.h"
#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/synchronization/mutex.h"
#include "absl/time/time.h"
#include "base/clock.h"
#include "base/digest.h"
#include "compiler/artifact/revocation_list.h"
#include "compiler/artifact/signed_variant.h"

namespace kiln {

// A plain value.
struct TrustPolicy {
  TrustedKeys keys;
  RevocationList revoked;

  // As TrustedKeys::Open; ARTIFACT_REVOKED besides.
  absl::StatusOr<v1::VariantRecord> Open(const v1::SignedVariant& signed_variant) const;
};

struct TrustFiles {
  // Public keys, as TrustedKeys::AddText has them. Empty: none but the given ones.
  std::string keys;
  // As RevocationList has it. Empty: none.
  std::string revoked;
  // No file of revocations is one without a line.
  bool revoked_may_be_missing = false;
};

// Thread-safe.
class Trust {
 public:
  // One that never changes.
  static std::shared_ptr<Trust> Fixed(TrustPolicy policy);
  // `always` holds whatever the files say. STORAGE, naming the file, for one that
  // cannot be read; PARSE_ERROR, naming file and line.
  static absl::StatusOr<std::shared_ptr<Trust>> Load(TrustFiles files, TrustPolicy always = {},
                                                     const Clock* clock = Clock::Real());

  std::shared_ptr<const TrustPolicy> Current() const;
  absl::StatusOr<v1::VariantRecord> Open(const v1::SignedVariant& signed_variant) const {
    return Current()->Open(signed_variant);
  }
  // Grows whenever the policy changes.
  int64_t generation() const { return generation_.load(std::memory_order_acquire); }

  // Reads the files again; whether they say something else. Errors as Load's, and
  // then nothing changes.
  absl::StatusOr<bool> Reload();
  // The same where a file's size, time or inode is another than when it was read. Each
  // state of a bad file is complained about once.
  absl::StatusOr<bool> ReloadIfChanged();
  // ReloadIfChanged() at most once a second, for whoever calls often. Costs a look at
  // the clock otherwise. The error is kept for last_error().
  void Poll();
  // Why the last reading failed; OK if it did not.
  absl::Status last_error() const;

 private:
  // What tells whether a file has changed.
  struct Stamp {
    bool exists = false;
    int64_t inode = 0, size = 0, modified_ns = 0, changed_ns = 0;
    friend bool operator==(const Stamp&, const Stamp&) = default;
  };
  struct Read {
    TrustPolicy policy;
    std::vector<Stamp> stamps;
    Digest contents;
  };

  Trust(TrustFiles files, TrustPolicy always, const Clock* clock);
  static Stamp StampOf(const std::string& path);
  std::vector<Stamp> Stamps() const;
  absl::StatusOr<Read> ReadFiles() const;
  absl::StatusOr<bool> ReloadLocked() ABSL_EXCLUSIVE_LOCKS_REQUIRED(reload_);

  // Constant after construction.
  const TrustFiles files_;
  const TrustPolicy always_;
  const Clock* const clock_;

  // Self-locking.
  std::atomic<int64_t> generation_{1};
  std::atomic<int64_t> next_poll_ns_{0};

  // Held for a whole reading.
  absl::Mutex reload_;
  std::vector<Stamp> stamps_ ABSL_GUARDED_BY(reload_);
  Digest contents_ ABSL_GUARDED_BY(reload_);

  mutable absl::Mutex mutex_;
  std::shared_ptr<const TrustPolicy> policy_ ABSL_GUARDED_BY(mutex_);
  absl::Status last_error_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace kiln

#endif  // KILN_COMPILER_ARTIFACT_TRUST_H_
