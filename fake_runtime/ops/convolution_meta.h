// Meta functions of convolutions.
#ifndef KILN_FAKE_RUNTIME_OPS_CONVOLUTION_META_H_
#define KILN_FAKE_RUNTIME_OPS_CONVOLUTION_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

// [N,C,*spatial] with weight [O,C/groups,*kernel] -> [N,O,*out]; transposed:
// weight [C,O/groups,*kernel]. Rank 3 to 5.
absl::Status ConvolutionMeta(MetaContext& ctx);
// -> (grad_input like input, grad_weight like weight, grad_bias), each None
// where output_mask says so.
absl::Status ConvolutionBackwardMeta(MetaContext& ctx);
absl::Status Im2colMeta(MetaContext& ctx);
absl::Status Col2imMeta(MetaContext& ctx);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_CONVOLUTION_META_H_
