// Constants of the service alone: what a client cannot grow beyond, and what this
// server does. Limits that other rooms enforce too are in base/limits.def.
#ifndef KILN_SERVICE_SERVER_LIMITS_H_
#define KILN_SERVICE_SERVER_LIMITS_H_

#include <cstddef>

#include "absl/strings/string_view.h"
#include "absl/time/time.h"

namespace kiln {

inline constexpr size_t kMaxRequestIdBytes = 64;
inline constexpr size_t kMaxHeaderFieldBytes = 256;
// The most that W3C's trace context asks everybody to pass on.
inline constexpr size_t kMaxTracestateBytes = 512;
inline constexpr size_t kMaxHave = 4096;

inline constexpr absl::string_view kTargetDevice = "cpu";

// What OVERLOADED clients are told to wait, before jitter of their own.
inline constexpr absl::Duration kRetryDelay = absl::Seconds(1);
// Propagation is microseconds a node.
inline constexpr absl::Duration kPropagateTimeLimit = absl::Seconds(30);

}  // namespace kiln

#endif  // KILN_SERVICE_SERVER_LIMITS_H_
