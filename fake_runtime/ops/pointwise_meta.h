// Meta functions of elementwise operators. Most are instances of one template;
// the rows in pointwise_ops.cc say which arguments are operands.
#ifndef KILN_FAKE_RUNTIME_OPS_POINTWISE_META_H_
#define KILN_FAKE_RUNTIME_OPS_POINTWISE_META_H_

#include <initializer_list>

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"
#include "fake_runtime/ops/promotion.h"

namespace kiln {

// One output over the arguments `args`, which broadcast and promote; absent
// optional ones are left out.
absl::Status PointwiseMeta(MetaContext& ctx, Promote promote, std::initializer_list<int> args);

// Pointwise<Promote::kDefault, 0, 1> is the meta function of a binary operator.
template <Promote kPromote, int... kArgs>
absl::Status Pointwise(MetaContext& ctx) {
  return PointwiseMeta(ctx, kPromote, {kArgs...});
}

// As above, for operators without a kernel for integers (gelu, elu, ...).
absl::Status FloatPointwiseMeta(MetaContext& ctx, std::initializer_list<int> args);
template <int... kArgs>
absl::Status FloatPointwise(MetaContext& ctx) {
  return FloatPointwiseMeta(ctx, {kArgs...});
}

// Output of self's dtype, broadcast over `args`; self is argument 0.
absl::Status SelfTypedMeta(MetaContext& ctx, std::initializer_list<int> args);
template <int... kArgs>
absl::Status SelfTyped(MetaContext& ctx) {
  return SelfTypedMeta(ctx, {kArgs...});
}

absl::Status AngleMeta(MetaContext& ctx);        // angle: real dtype, integers become float
absl::Status BceBackwardMeta(MetaContext& ctx);  // binary_cross_entropy_backward: like self
absl::Status DivModeMeta(MetaContext& ctx);      // div.Tensor_mode, div.Scalar_mode
absl::Status WhereMeta(MetaContext& ctx);        // where.self
absl::Status FrexpMeta(MetaContext& ctx);        // frexp.Tensor
absl::Status ComplexMeta(MetaContext& ctx);      // complex, polar
absl::Status GluMeta(MetaContext& ctx);          // glu
absl::Status LogSigmoidMeta(MetaContext& ctx);   // log_sigmoid_forward
absl::Status LikeSelfMeta(MetaContext& ctx);     // a new tensor like argument 0
absl::Status DropoutMeta(MetaContext& ctx);      // native_dropout
absl::Status RreluFunctionalMeta(MetaContext& ctx);  // like self, and the noise that was drawn
absl::Status DropoutBackwardMeta(MetaContext& ctx);  // native_dropout_backward
absl::Status MvlgammaMeta(MetaContext& ctx);     // mvlgamma: contiguous, whatever self is
absl::Status LossMeta(MetaContext& ctx);         // mse_loss and others: (input, target, ..., int reduction)
absl::Status BceLossMeta(MetaContext& ctx);      // binary_cross_entropy

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_POINTWISE_META_H_
