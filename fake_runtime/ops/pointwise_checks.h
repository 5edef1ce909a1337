// What elementwise operators, losses and draws refuse of their arguments (rows of
// argument_checks.cc). PyTorch's kernels refuse all of it; FakeTensorMode, which
// runs no kernel, only some.
#ifndef KILN_FAKE_RUNTIME_OPS_POINTWISE_CHECKS_H_
#define KILN_FAKE_RUNTIME_OPS_POINTWISE_CHECKS_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status CheckAdd(MetaContext& ctx);            // alpha that the result can hold
absl::Status CheckAddr(MetaContext& ctx);           // alpha and beta likewise
absl::Status CheckBitwise(MetaContext& ctx);        // operands of integers or bools
absl::Status CheckShift(MetaContext& ctx);          // of integers
absl::Status CheckSub(MetaContext& ctx);            // no bool; alpha as of a sum
absl::Status CheckClamp(MetaContext& ctx);          // a bound
absl::Status CheckLerp(MetaContext& ctx);           // one dtype, and no integers
absl::Status CheckNativeDropout(MetaContext& ctx);  // p of a draw that takes place
absl::Status CheckProbability(MetaContext& ctx);    // p in [0, 1]
absl::Status CheckReduction(MetaContext& ctx);      // none, mean or sum

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_POINTWISE_CHECKS_H_
