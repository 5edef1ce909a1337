// Normalizations. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/normalization_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_batch_norm_with_update(Tensor input, Tensor? weight, Tensor? bias, Tensor(a!) running_mean, Tensor(b!) "
     "running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor, Tensor)",
     kTagEffect, BatchNormUpdateMeta},
    {"aten::_native_batch_norm_legit(Tensor input, Tensor? weight, Tensor? bias, Tensor(a!) running_mean, "
     "Tensor(b!) running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)",
     kTagCore | kTagEffect, BatchNormMeta},
    {"aten::_native_batch_norm_legit.no_stats(Tensor input, Tensor? weight, Tensor? bias, bool training, float "
     "momentum, float eps) -> (Tensor, Tensor, Tensor)",
     kTagCore, BatchNormMeta, "no_stats_out(out,save_mean,save_invstd)"},
    {"aten::_native_batch_norm_legit.out(Tensor input, Tensor? weight, Tensor? bias, Tensor(a!) running_mean, "
     "Tensor(b!) running_var, bool training, float momentum, float eps, *, Tensor(d!) out, Tensor(e!) save_mean, "
     "Tensor(f!) save_invstd) -> (Tensor(d!), Tensor(e!), Tensor(f!))",
     kTagEffect, BatchNormMeta},
    {"aten::_native_batch_norm_legit_functional(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean, "
     "Tensor running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor, Tensor "
     "running_mean_out, Tensor running_var_out)",
     kTagNone, BatchNormFunctionalMeta},
    {"aten::_native_batch_norm_legit_no_training(Tensor input, Tensor? weight, Tensor? bias, Tensor running_mean, "
     "Tensor running_var, float momentum, float eps) -> (Tensor, Tensor, Tensor)",
     kTagCore, BatchNormMeta, "out"},
    {"aten::_weight_norm_interface(Tensor v, Tensor g, int dim=0) -> (Tensor, Tensor)", kTagNone, WeightNormMeta},
    {"aten::_weight_norm_interface_backward(Tensor grad_w, Tensor saved_v, Tensor saved_g, Tensor saved_norms, int "
     "dim) -> (Tensor, Tensor)",
     kTagNone, WeightNormBackwardMeta},
    {"aten::batch_norm_backward(Tensor grad_out, Tensor input, Tensor weight, Tensor? running_mean, Tensor? "
     "running_var, Tensor? save_mean, Tensor? save_var, bool update, float eps, bool[3] output_mask, Tensor "
     "reserve) -> (Tensor, Tensor, Tensor)",
     kTagNone, BatchNormBackwardMeta},
    {"aten::native_batch_norm(Tensor input, Tensor? weight, Tensor? bias, Tensor? running_mean, Tensor? "
     "running_var, bool training, float momentum, float eps) -> (Tensor, Tensor, Tensor)",
     kTagNone, BatchNormMeta, "out(out,save_mean,save_invstd)"},
    {"aten::native_batch_norm_backward(Tensor grad_out, Tensor input, Tensor? weight, Tensor? running_mean, Tensor? "
     "running_var, Tensor? save_mean, Tensor? save_invstd, bool train, float eps, bool[3] output_mask) -> (Tensor, "
     "Tensor, Tensor)",
     kTagNone, BatchNormBackwardMeta, "out"},
    {"aten::native_group_norm(Tensor input, Tensor? weight, Tensor? bias, SymInt N, SymInt C, SymInt HxW, int "
     "group, float eps) -> (Tensor, Tensor, Tensor)",
     kTagCore, GroupNormMeta, "out"},
    {"aten::native_group_norm_backward(Tensor grad_out, Tensor input, Tensor mean, Tensor rstd, Tensor? weight, "
     "SymInt N, SymInt C, SymInt HxW, int group, bool[3] output_mask) -> (Tensor, Tensor, Tensor)",
     kTagCore, GroupNormBackwardMeta, "out"},
    {"aten::native_layer_norm(Tensor input, SymInt[] normalized_shape, Tensor? weight, Tensor? bias, float eps) -> "
     "(Tensor, Tensor, Tensor)",
     kTagCore, LayerNormMeta, "out"},
    {"aten::native_layer_norm_backward(Tensor grad_out, Tensor input, SymInt[] normalized_shape, Tensor mean, "
     "Tensor rstd, Tensor? weight, Tensor? bias, bool[3] output_mask) -> (Tensor, Tensor, Tensor)",
     kTagCore, LayerNormBackwardMeta, "out"},
    {"aten::renorm(Tensor self, Scalar p, int dim, Scalar maxnorm) -> Tensor", kTagNone, RenormMeta, "_ out"},
};

}  // namespace

absl::Span<const OpDef> NormalizationOps() { return kRows; }

}  // namespace kiln
