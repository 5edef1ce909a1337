// Reductions, scans, softmaxes, orderings and losses. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/loss_meta.h"
#include "fake_runtime/ops/reduction_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", kTagCore, SoftmaxMeta},
    {"aten::_log_softmax_backward_data(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype) -> "
     "Tensor",
     kTagNone, SoftmaxBackwardMeta},
    {"aten::_safe_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", kTagNone, SafeSoftmaxMeta},
    {"aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", kTagCore, SoftmaxMeta},
    {"aten::_softmax_backward_data(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype) -> Tensor",
     kTagNone, SoftmaxBackwardMeta},
    {"aten::all(Tensor self) -> Tensor", kTagNone, BoolReduceMeta},
    {"aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", kTagNone, BoolReduceMeta},
    {"aten::all.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", kTagNone, BoolReduceMeta},
    {"aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", kTagCore, SameTypeReduceMeta},
    {"aten::amax.out(Tensor self, int[1] dim=[], bool keepdim=False, *, Tensor(a!) out) -> Tensor(a!)",
     kTagEffect, SameTypeReduceMeta},
    {"aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", kTagCore, SameTypeReduceMeta},
    {"aten::amin.out(Tensor self, int[1] dim=[], bool keepdim=False, *, Tensor(a!) out) -> Tensor(a!)",
     kTagEffect, SameTypeReduceMeta},
    {"aten::aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)",
     kTagNone, AminmaxMeta},
    {"aten::any(Tensor self) -> Tensor", kTagCore, BoolReduceMeta},
    {"aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", kTagCore, BoolReduceMeta},
    {"aten::any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor", kTagCore, BoolReduceMeta},
    {"aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", kTagCore, ArgReduceMeta},
    {"aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", kTagCore, ArgReduceMeta},
    {"aten::count_nonzero(Tensor self, int? dim=None) -> Tensor", kTagNone, CountReduceMeta},
    {"aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor", kTagNone, CountReduceMeta},
    {"aten::cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)", kTagNone, CumulativeIndexMeta},
    {"aten::cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)", kTagNone, CumulativeIndexMeta},
    {"aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", kTagNone, CumulativeMeta},
    {"aten::cumprod_(Tensor(a!) self, int dim, *, ScalarType? dtype=None) -> Tensor(a!)", kTagEffect, CumulativeMeta},
    {"aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", kTagCore, CumulativeMeta},
    {"aten::cumsum_(Tensor(a!) self, int dim, *, ScalarType? dtype=None) -> Tensor(a!)", kTagEffect, CumulativeMeta},
    {"aten::dist(Tensor self, Tensor other, Scalar p=2) -> Tensor", kTagNone, DistMeta},
    {"aten::histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor", kTagNone, HistcMeta},
    {"aten::kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagNone, ValueIndexMeta},
    {"aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? "
     "dtype=None) -> Tensor",
     kTagNone, VectorNormMeta},
    {"aten::logcumsumexp(Tensor self, int dim) -> Tensor", kTagNone, LikeScanMeta},
    {"aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", kTagNone, LogsumexpMeta},
    {"aten::max(Tensor self) -> Tensor", kTagNone, SameTypeReduceMeta},
    {"aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagCore, ValueIndexMeta},
    {"aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor", kTagCore, MeanMeta},
    {"aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     kTagCore, MeanMeta},
    {"aten::mean.out(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, Tensor(a!) out) -> "
     "Tensor(a!)",
     kTagEffect, MeanMeta},
    {"aten::median(Tensor self) -> Tensor", kTagNone, SameTypeReduceMeta},
    {"aten::median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagNone, ValueIndexMeta},
    {"aten::min(Tensor self) -> Tensor", kTagNone, SameTypeReduceMeta},
    {"aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagCore, ValueIndexMeta},
    {"aten::mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagNone, ValueIndexMeta},
    {"aten::multi_margin_loss(Tensor self, Tensor target, Scalar p=1, Scalar margin=1, Tensor? weight=None, int "
     "reduction=1) -> Tensor",
     kTagNone, MultiMarginLossMeta},
    {"aten::multilabel_margin_loss_forward(Tensor self, Tensor target, int reduction) -> (Tensor output, Tensor "
     "is_target)",
     kTagNone, MultilabelMarginLossMeta},
    {"aten::nanmedian(Tensor self) -> Tensor", kTagNone, SameTypeReduceMeta},
    {"aten::nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagNone, ValueIndexMeta},
    {"aten::nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     kTagNone, SumMeta},
    {"aten::nll_loss2d_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, int reduction, "
     "SymInt ignore_index, Tensor total_weight) -> Tensor",
     kTagNone, NllLossBackwardMeta},
    {"aten::nll_loss2d_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt ignore_index) -> "
     "(Tensor output, Tensor total_weight)",
     kTagNone, NllLoss2dForwardMeta},
    {"aten::nll_loss_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, int reduction, "
     "SymInt ignore_index, Tensor total_weight) -> Tensor",
     kTagNone, NllLossBackwardMeta},
    {"aten::nll_loss_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt ignore_index) -> "
     "(Tensor output, Tensor total_weight)",
     kTagNone, NllLossForwardMeta},
    {"aten::norm.Scalar(Tensor self, Scalar p=2) -> Tensor", kTagNone, NormMeta},
    {"aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor", kTagNone, NormMeta},
    {"aten::norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, ScalarType dtype) -> "
     "Tensor",
     kTagNone, NormMeta},
    {"aten::norm.ScalarOpt_dtype(Tensor self, Scalar? p, *, ScalarType dtype) -> Tensor", kTagNone, NormMeta},
    {"aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor", kTagCore, SumMeta},
    {"aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     kTagCore, SumMeta},
    {"aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)",
     kTagCore, SortMeta},
    {"aten::sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor values, Tensor"
     " indices)",
     kTagNone, SortMeta},
    {"aten::std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> "
     "Tensor",
     kTagNone, VarMeta},
    {"aten::std.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor", kTagNone, VarMeta},
    {"aten::std_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> "
     "(Tensor, Tensor)",
     kTagNone, VarMeanMeta},
    {"aten::std_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)",
     kTagNone, VarMeanMeta},
    {"aten::sum.IntList_out(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None, Tensor(a!) "
     "out) -> Tensor(a!)",
     kTagEffect, SumMeta},
    {"aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor", kTagNone, SumMeta},
    {"aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     kTagCore, SumMeta},
    {"aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor"
     " indices)",
     kTagCore, TopkMeta},
    {"aten::trace(Tensor self) -> Tensor", kTagNone, TraceMeta},
    {"aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> "
     "Tensor",
     kTagCore, VarMeta},
    {"aten::var(Tensor self, bool unbiased=True) -> Tensor", kTagNone, VarMeta},
    {"aten::var.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor", kTagCore, VarMeta},
    {"aten::var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> "
     "(Tensor, Tensor)",
     kTagNone, VarMeanMeta},
    {"aten::var_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)",
     kTagNone, VarMeanMeta},
};

}  // namespace

absl::Span<const OpDef> ReductionOps() { return kRows; }

}  // namespace kiln
