// Runs one row's meta function and then settles what PyTorch's in-place and
// `out=` forms add to it, so that `add`, `add_` and `add.out` share one.
#ifndef KILN_FAKE_RUNTIME_OPS_RUN_META_H_
#define KILN_FAKE_RUNTIME_OPS_RUN_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {

// After it, ctx.returned() holds one entry per schema return, and ctx.written()
// the arguments whose data or metadata changed. A result that the schema says is
// a written argument becomes that argument: an in-place form refuses other sizes
// (SHAPE_MISMATCH), an argument whose elements share memory (BAD_ARGUMENT_VALUE)
// and a dtype that does not cast (DTYPE_MISMATCH); `out=` takes the result's sizes
// and strides where its own differ.
absl::Status RunMeta(const OpRow& row, MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_RUN_META_H_
