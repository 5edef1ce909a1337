// What the kernel holds a worker to.
#ifndef KILN_SERVICE_WORKER_LIMITS_H_
#define KILN_SERVICE_WORKER_LIMITS_H_

#include <cstdint>

#include "absl/status/status.h"

namespace kiln {

// Limits this process to `additional_bytes` of address space beyond what it has
// now, leaves no core files, and sends what libraries print to stderr.
// COMPILER_BUG, naming the call, if the kernel refuses.
absl::Status ConfineWorker(int64_t additional_bytes);

}  // namespace kiln

#endif  // KILN_SERVICE_WORKER_LIMITS_H_
