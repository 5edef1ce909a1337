// Whether elements of tensors share memory, as PyTorch's kernels ask before they
// write (at::has_internal_overlap, at::get_overlap_status). What symbols decide is
// taken for separate: no guard is made, and the kernel looks again.
#ifndef KILN_FAKE_RUNTIME_OPS_MEMORY_OVERLAP_H_
#define KILN_FAKE_RUNTIME_OPS_MEMORY_OVERLAP_H_

#include "fake_runtime/ops/meta_context.h"

namespace kiln {

// Some element stands more than once in `t`. A stride of 0 says it; other overlaps
// within a tensor pass, as in PyTorch.
bool RepeatsElements(MetaContext& ctx, const FakeTensor& t);

// `a` and `b` look into one storage, and the bytes from the first to the last
// element of each meet.
bool Overlaps(const FakeTensor& a, const FakeTensor& b);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_MEMORY_OVERLAP_H_
