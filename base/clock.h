// The clock seam: code that measures or expires takes a Clock, tests give a
// fake one.
#ifndef KILN_BASE_CLOCK_H_
#define KILN_BASE_CLOCK_H_

#include "absl/time/time.h"

namespace kiln {

class Clock {
 public:
  virtual ~Clock() = default;
  // Wall time. May jump; use only for what people read.
  virtual absl::Time Now() const = 0;
  // Time since some fixed moment; never goes back. Thread-safe.
  virtual absl::Duration Monotonic() const = 0;

  // The machine's clock. Lives for ever.
  static const Clock* Real();
};

}  // namespace kiln

#endif  // KILN_BASE_CLOCK_H_
