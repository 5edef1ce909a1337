// Whom an in-place operator concerns besides the tensor that it returns. Part of
// propagation.
#ifndef KILN_FAKE_RUNTIME_SPREAD_REQUIRES_GRAD_H_
#define KILN_FAKE_RUNTIME_SPREAD_REQUIRES_GRAD_H_

#include "fake_runtime/fake_tensor_mode.h"

namespace kiln {

// `node` wrote `value` and returned it as `result`. If that made it require grad, or,
// by detach_, the contrary, so do all values that are the same tensor; if it began to,
// what autograd knows as views of it, or as what it is a view of, begins with it. Linear
// in the nodes before, and only where the flag changed.
void SpreadRequiresGrad(FakeGraph& fake, const Node& node, int value, int result);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SPREAD_REQUIRES_GRAD_H_
