// Reductions, scans, softmaxes, orderings and losses. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/backward_meta.h"
#include "fake_runtime/ops/loss_meta.h"
#include "fake_runtime/ops/reduction_meta.h"
#include "fake_runtime/ops/statistics_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_histogramdd_bin_edges(Tensor self, int[] bins, *, float[]? range=None, Tensor? weight=None, bool "
     "density=False) -> Tensor[]",
     kTagNone, HistogramddEdgesMeta},
    {"aten::_histogramdd_from_bin_cts(Tensor self, int[] bins, *, float[]? range=None, Tensor? weight=None, bool "
     "density=False) -> Tensor",
     kTagNone, HistogramddCountsMeta, "out"},
    {"aten::_histogramdd_from_bin_tensors(Tensor self, Tensor[] bins, *, Tensor? weight=None, bool density=False) "
     "-> Tensor",
     kTagNone, HistogramddTensorsMeta, "out"},
    {"aten::_log_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", kTagCore, SoftmaxMeta, "out"},
    {"aten::_log_softmax_backward_data(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype) -> Tensor",
     kTagNone, SoftmaxBackwardMeta, "out"},
    {"aten::_safe_softmax(Tensor self, int dim, ScalarType? dtype=None) -> Tensor", kTagNone, SafeSoftmaxMeta},
    {"aten::_segment_reduce_backward(Tensor grad, Tensor output, Tensor data, str reduce, *, Tensor? lengths=None, "
     "Tensor? offsets=None, int axis=0, Scalar? initial=None) -> Tensor",
     kTagNone, SegmentReduceBackwardMeta, "out"},
    {"aten::_softmax(Tensor self, int dim, bool half_to_float) -> Tensor", kTagCore, SoftmaxMeta, "out"},
    {"aten::_softmax_backward_data(Tensor grad_output, Tensor output, int dim, ScalarType input_dtype) -> Tensor",
     kTagNone, SoftmaxBackwardMeta, "out(grad_input)"},
    {"aten::all(Tensor self) -> Tensor", kTagNone, BoolReduceMeta, "all_out"},
    {"aten::all.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", kTagNone, BoolReduceMeta, "out"},
    {"aten::all.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor",
     kTagNone, BoolReduceMeta, "dims_out"},
    {"aten::amax(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", kTagCore, SameTypeReduceMeta, "out"},
    {"aten::amin(Tensor self, int[1] dim=[], bool keepdim=False) -> Tensor", kTagCore, SameTypeReduceMeta, "out"},
    {"aten::aminmax(Tensor self, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)",
     kTagNone, AminmaxMeta, "out(min,max)"},
    {"aten::any(Tensor self) -> Tensor", kTagCore, BoolReduceMeta, "all_out"},
    {"aten::any.dim(Tensor self, int dim, bool keepdim=False) -> Tensor", kTagCore, BoolReduceMeta, "out"},
    {"aten::any.dims(Tensor self, int[]? dim=None, bool keepdim=False) -> Tensor",
     kTagCore, BoolReduceMeta, "dims_out"},
    {"aten::argmax(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", kTagCore, ArgReduceMeta, "out"},
    {"aten::argmin(Tensor self, int? dim=None, bool keepdim=False) -> Tensor", kTagCore, ArgReduceMeta, "out"},
    {"aten::count_nonzero(Tensor self, int? dim=None) -> Tensor", kTagNone, CountReduceMeta, "out"},
    {"aten::count_nonzero.dim_IntList(Tensor self, int[] dim) -> Tensor", kTagNone, CountReduceMeta, "dim_IntList_out"},
    {"aten::cummax(Tensor self, int dim) -> (Tensor values, Tensor indices)",
     kTagNone, CumulativeIndexMeta, "out(values,indices)"},
    {"aten::cummin(Tensor self, int dim) -> (Tensor values, Tensor indices)",
     kTagNone, CumulativeIndexMeta, "out(values,indices)"},
    {"aten::cumprod(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", kTagNone, CumulativeMeta, "_ out"},
    {"aten::cumsum(Tensor self, int dim, *, ScalarType? dtype=None) -> Tensor", kTagCore, CumulativeMeta, "_ out"},
    {"aten::dist(Tensor self, Tensor other, Scalar p=2) -> Tensor", kTagNone, DistMeta, "out"},
    {"aten::hash_tensor(Tensor self, int[1] dim=[], *, bool keepdim=False, int mode=0) -> Tensor",
     kTagNone, HashTensorMeta, "out"},
    {"aten::histc(Tensor self, int bins=100, Scalar min=0, Scalar max=0) -> Tensor", kTagNone, HistcMeta, "out"},
    {"aten::histogram.bin_ct(Tensor self, int bins=100, *, float[]? range=None, Tensor? weight=None, bool "
     "density=False) -> (Tensor hist, Tensor bin_edges)",
     kTagNone, HistogramCountMeta, "bin_ct_out(hist,bin_edges)"},
    {"aten::histogram.bins_tensor(Tensor self, Tensor bins, *, Tensor? weight=None, bool density=False) -> (Tensor "
     "hist, Tensor bin_edges)",
     kTagNone, HistogramBinsMeta, "bins_tensor_out(hist,bin_edges)"},
    {"aten::kthvalue(Tensor self, SymInt k, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagNone, ValueIndexMeta, "values(values,indices)"},
    {"aten::linalg_vector_norm(Tensor self, Scalar ord=2, int[1]? dim=None, bool keepdim=False, *, ScalarType? "
     "dtype=None) -> Tensor",
     kTagNone, VectorNormMeta, "out"},
    {"aten::log_softmax.int_out(Tensor self, int dim, ScalarType? dtype=None, *, Tensor(a!) out) -> Tensor(a!)",
     kTagEffect, SafeSoftmaxMeta},
    {"aten::logcumsumexp(Tensor self, int dim) -> Tensor", kTagNone, LikeScanMeta, "out"},
    {"aten::logsumexp(Tensor self, int[1] dim, bool keepdim=False) -> Tensor", kTagNone, LogsumexpMeta, "out"},
    {"aten::max(Tensor self) -> Tensor", kTagNone, SameTypeReduceMeta, "unary_out"},
    {"aten::max.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagCore, ValueIndexMeta},
    {"aten::max.dim_max(Tensor self, int dim, bool keepdim=False, *, Tensor(a!) max, Tensor(b!) max_values) -> "
     "(Tensor(a!) values, Tensor(b!) indices)",
     kTagEffect, ValueIndexMeta},
    {"aten::mean(Tensor self, *, ScalarType? dtype=None) -> Tensor", kTagCore, MeanMeta, "dtype_out"},
    {"aten::mean.dim(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     kTagCore, MeanMeta, "out"},
    {"aten::median(Tensor self) -> Tensor", kTagNone, MedianMeta, "out"},
    {"aten::median.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagNone, ValueIndexMeta, "dim_values(values,indices)"},
    {"aten::min(Tensor self) -> Tensor", kTagNone, SameTypeReduceMeta, "unary_out"},
    {"aten::min.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagCore, ValueIndexMeta},
    {"aten::min.dim_min(Tensor self, int dim, bool keepdim=False, *, Tensor(a!) min, Tensor(b!) min_indices) -> "
     "(Tensor(a!) values, Tensor(b!) indices)",
     kTagEffect, ValueIndexMeta},
    {"aten::mode(Tensor self, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagNone, ValueIndexMeta, "values(values,indices)"},
    {"aten::multi_margin_loss(Tensor self, Tensor target, Scalar p=1, Scalar margin=1, Tensor? weight=None, int "
     "reduction=1) -> Tensor",
     kTagNone, MultiMarginLossMeta, "out"},
    {"aten::multi_margin_loss_backward(Tensor grad_output, Tensor self, Tensor target, Scalar p, Scalar margin, "
     "Tensor? weight=None, int reduction=1) -> Tensor",
     kTagNone, GradLikeSelfMeta, "grad_input(grad_input)"},
    {"aten::multilabel_margin_loss_backward(Tensor grad_output, Tensor self, Tensor target, int reduction, Tensor "
     "is_target) -> Tensor",
     kTagNone, GradLikeSelfMeta, "grad_input(grad_input)"},
    {"aten::multilabel_margin_loss_forward(Tensor self, Tensor target, int reduction) -> (Tensor output, Tensor "
     "is_target)",
     kTagNone, MultilabelMarginLossMeta},
    {"aten::multinomial(Tensor self, SymInt num_samples, bool replacement=False, *, Generator? generator=None) -> "
     "Tensor",
     kTagRandom, MultinomialMeta, "out"},
    {"aten::nanmedian(Tensor self) -> Tensor", kTagNone, MedianMeta, "out"},
    {"aten::nanmedian.dim(Tensor self, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)",
     kTagNone, ValueIndexMeta, "dim_values(values,indices)"},
    {"aten::nansum(Tensor self, int[1]? dim=None, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     kTagNone, SumMeta, "out"},
    {"aten::nll_loss2d_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, int reduction, "
     "SymInt ignore_index, Tensor total_weight) -> Tensor",
     kTagNone, NllLossBackwardMeta, "grad_input(grad_input)"},
    {"aten::nll_loss2d_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt ignore_index) -> "
     "(Tensor output, Tensor total_weight)",
     kTagNone, NllLoss2dForwardMeta},
    {"aten::nll_loss_backward(Tensor grad_output, Tensor self, Tensor target, Tensor? weight, int reduction, SymInt "
     "ignore_index, Tensor total_weight) -> Tensor",
     kTagNone, NllLossBackwardMeta, "grad_input(grad_input)"},
    {"aten::nll_loss_forward(Tensor self, Tensor target, Tensor? weight, int reduction, SymInt ignore_index) -> "
     "(Tensor output, Tensor total_weight)",
     kTagNone, NllLossForwardMeta},
    {"aten::norm.Scalar(Tensor self, Scalar p=2) -> Tensor", kTagNone, NormMeta, "Scalar_out"},
    {"aten::norm.ScalarOpt_dim(Tensor self, Scalar? p, int[1] dim, bool keepdim=False) -> Tensor",
     kTagNone, NormMeta, "out"},
    {"aten::norm.ScalarOpt_dim_dtype(Tensor self, Scalar? p, int[1] dim, bool keepdim, *, ScalarType dtype) -> Tensor",
     kTagNone, NormMeta, "dtype_out"},
    {"aten::norm.ScalarOpt_dtype(Tensor self, Scalar? p, *, ScalarType dtype) -> Tensor",
     kTagNone, NormMeta, "ScalarOpt_dtype_out"},
    {"aten::prod(Tensor self, *, ScalarType? dtype=None) -> Tensor", kTagCore, SumMeta, "out"},
    {"aten::prod.dim_int(Tensor self, int dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     kTagCore, SumMeta, "int_out"},
    {"aten::segment_reduce(Tensor data, str reduce, *, Tensor? lengths=None, Tensor? indices=None, Tensor? "
     "offsets=None, int axis=0, bool unsafe=False, Scalar? initial=None) -> Tensor",
     kTagNone, SegmentReduceMeta, "out"},
    {"aten::softmax.int_out(Tensor self, int dim, ScalarType? dtype=None, *, Tensor(a!) out) -> Tensor(a!)",
     kTagEffect, SafeSoftmaxMeta},
    {"aten::sort(Tensor self, int dim=-1, bool descending=False) -> (Tensor values, Tensor indices)",
     kTagCore, SortMeta, "values(values,indices)"},
    {"aten::sort.stable(Tensor self, *, bool? stable, int dim=-1, bool descending=False) -> (Tensor values, Tensor "
     "indices)",
     kTagNone, SortMeta, "values_stable(values,indices)"},
    {"aten::std.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor",
     kTagNone, StdMeta, "correction_out"},
    {"aten::std.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor",
     kTagNone, StdMeta, "out"},
    {"aten::std_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> "
     "(Tensor, Tensor)",
     kTagNone, StdMeanMeta, "correction_out"},
    {"aten::std_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)",
     kTagNone, StdMeanMeta},
    {"aten::sum(Tensor self, *, ScalarType? dtype=None) -> Tensor", kTagNone, SumMeta, "out"},
    {"aten::sum.dim_IntList(Tensor self, int[1]? dim, bool keepdim=False, *, ScalarType? dtype=None) -> Tensor",
     kTagCore, SumMeta, "IntList_out"},
    {"aten::topk(Tensor self, SymInt k, int dim=-1, bool largest=True, bool sorted=True) -> (Tensor values, Tensor "
     "indices)",
     kTagCore, TopkMeta, "values(values,indices)"},
    {"aten::trace(Tensor self) -> Tensor", kTagNone, TraceMeta, "out"},
    {"aten::var.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> Tensor",
     kTagCore, VarMeta, "correction_out"},
    {"aten::var(Tensor self, bool unbiased=True) -> Tensor", kTagNone, VarMeta},
    {"aten::var.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> Tensor",
     kTagCore, VarMeta, "out"},
    {"aten::var_mean.correction(Tensor self, int[1]? dim=None, *, Scalar? correction=None, bool keepdim=False) -> "
     "(Tensor, Tensor)",
     kTagNone, VarMeanMeta, "correction_out"},
    {"aten::var_mean.dim(Tensor self, int[1]? dim, bool unbiased=True, bool keepdim=False) -> (Tensor, Tensor)",
     kTagNone, VarMeanMeta},
};

}  // namespace

absl::Span<const OpDef> ReductionOps() { return kRows; }

}  // namespace kiln
