// The checks that a library makes of our locks.
#ifndef KILN_BASE_LOCK_CHECKS_H_
#define KILN_BASE_LOCK_CHECKS_H_

namespace kiln {

// Debian builds Abseil with assertions: each lock of an absl::Mutex, ours and
// gRPC's, adds to a graph of lock orders that the whole process shares behind one
// spin lock. That is a global lock on every path, and some percent of a busy
// server's time; sanitizers and tests look for cycles. For the beginning of main().
void SkipLockOrderChecks();

}  // namespace kiln

#endif  // KILN_BASE_LOCK_CHECKS_H_
