// Which results require grad, as PyTorch's autograd has it: a result of a floating
// or complex dtype does if some tensor among the arguments does, unless the operator
// is not differentiable in that argument or that result. What is so of which operator
// is a table (derivatives.yaml and PyTorch's generator are its source); no meta
// function need know of it.
//
// What an in-place operator changes requires grad from then on; `out=` changes nothing,
// for autograd refuses it.
#ifndef KILN_FAKE_RUNTIME_OPS_REQUIRES_GRAD_H_
#define KILN_FAKE_RUNTIME_OPS_REQUIRES_GRAD_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {

// Fills `row.grad_args` and `row.grad_results`. BAD_ARGUMENT_VALUE for a name in the
// table that the schema has not.
absl::Status SetGradMasks(OpRow& row);

// Whether tensors of the dtype may require grad.
inline bool IsDifferentiable(DType dtype) { return IsFloating(dtype) || IsComplex(dtype); }
// Whether result `r` may require grad, its dtype aside.
inline bool MayRequireGrad(const OpRow& row, size_t r) { return r >= 32 || ((row.grad_results >> r) & 1) != 0; }

// After the meta function ran: the flag of every tensor that it returned.
void SetRequiresGrad(const OpRow& row, MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_REQUIRES_GRAD_H_
