// On which device a result lies (FakeTensor._find_common_device). Operators need
// not care: RunMeta settles it for all of them, from all tensors among a node's
// arguments. A CPU tensor without dimensions goes with any other; what differs
// otherwise is refused.
#ifndef KILN_FAKE_RUNTIME_OPS_COMMON_DEVICE_H_
#define KILN_FAKE_RUNTIME_OPS_COMMON_DEVICE_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

// Puts what the meta function returned in storages from `first_storage` on onto the
// common device. DEVICE_MISMATCH where there is none, or where a result that aliases
// an argument is elsewhere. A factory's results stay on the device that it names, and
// operators that take tensors of several devices have rules of their own.
absl::Status SettleDevices(MetaContext& ctx, int first_storage);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_COMMON_DEVICE_H_
