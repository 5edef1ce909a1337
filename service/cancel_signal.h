// Tells a thread that waits on a socket to stop waiting. Set once, stays set.
#ifndef KILN_SERVICE_CANCEL_SIGNAL_H_
#define KILN_SERVICE_CANCEL_SIGNAL_H_

#include <atomic>

#include "service/unique_fd.h"

namespace kiln {

// Thread-safe.
class CancelSignal {
 public:
  CancelSignal();

  void Cancel();
  bool cancelled() const { return cancelled_.load(std::memory_order_acquire); }
  // Readable from the moment of Cancel() on; for poll(). -1 if the system has no
  // descriptors left: then only `cancelled()` tells.
  int fd() const { return fd_.get(); }

 private:
  const UniqueFd fd_;
  std::atomic<bool> cancelled_{false};
};

}  // namespace kiln

#endif  // KILN_SERVICE_CANCEL_SIGNAL_H_
