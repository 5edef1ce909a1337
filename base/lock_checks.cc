#include "base/lock_checks.h"

#include "absl/synchronization/mutex.h"

namespace kiln {

void SkipLockOrderChecks() { absl::SetMutexDeadlockDetectionMode(absl::OnDeadlockCycle::kIgnore); }

}  // namespace kiln
