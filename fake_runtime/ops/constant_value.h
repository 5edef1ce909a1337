// Values of one-element CPU constants: what arithmetic on them gives.
//
// PyTorch's fake mode runs an operator for real when every tensor among its
// arguments is such a constant. Here the operators whose result IEEE 754 or
// integer arithmetic fixes to the bit are computed; a sine, whose last bit
// hangs on the kernel, stays unknown, which is sound: its item is an unbacked
// symbol.
#ifndef KILN_FAKE_RUNTIME_OPS_CONSTANT_VALUE_H_
#define KILN_FAKE_RUNTIME_OPS_CONSTANT_VALUE_H_

#include <optional>

#include "fake_runtime/ops/meta_context.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {

// After the meta function: the value of the first result, where all tensors
// among the arguments are one-element constants and the operator is one of the
// above. Costs one look at the first tensor elsewhere.
std::optional<ScalarValue> ConstantResult(const OpRow& row, MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_CONSTANT_VALUE_H_
