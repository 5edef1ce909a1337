#include "service/cancel_signal.h"

#include <sys/eventfd.h>

#include <cstdint>

namespace kiln {

CancelSignal::CancelSignal() : fd_(eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {}

void CancelSignal::Cancel() {
  if (cancelled_.exchange(true, std::memory_order_acq_rel)) return;
  const uint64_t one = 1;
  // An eventfd's write of 1 fails only when the descriptor is not there.
  [[maybe_unused]] ssize_t written = write(fd_.get(), &one, sizeof(one));
}

}  // namespace kiln
