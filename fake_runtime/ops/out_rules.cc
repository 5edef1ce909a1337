// Rules of `out=` overloads, found by asking PyTorch: its fake mode, and its kernels
// where the fake mode lets pass what they refuse (tests/conformance/check_out_forms.py).
#include "fake_runtime/ops/out_rules.h"

#include <algorithm>
#include <iterator>

namespace kiln {
namespace {

struct Row {
  absl::string_view op;
  OutRule rule;
};

// Sorted by name.
constexpr Row kRows[] = {
    {"aten._adaptive_avg_pool3d.out", OutRule::kExactDtype},
    {"aten._cdist_forward.out", OutRule::kExactDtype},
    {"aten._embedding_bag_forward_only.out", OutRule::kExactDtype},
    {"aten._fft_c2r.out", OutRule::kContiguous},
    {"aten._histogramdd_from_bin_cts.out", OutRule::kExactDtype},
    {"aten._histogramdd_from_bin_tensors.out", OutRule::kExactDtype},
    {"aten._linalg_det.result", OutRule::kExactDtype},
    {"aten._linalg_eigh.eigenvalues", OutRule::kContiguous},
    {"aten._linalg_solve_ex.result", OutRule::kExactDtype},
    {"aten._linalg_svd.U", OutRule::kExactDtype},
    {"aten._log_softmax.out", OutRule::kExactDtype},
    {"aten._native_batch_norm_legit.no_stats_out", OutRule::kExactDtype},
    {"aten._trilinear.out", OutRule::kExactDtype},
    {"aten._upsample_bilinear2d_aa.out", OutRule::kExactDtype},
    {"aten._upsample_nearest_exact1d.out", OutRule::kExactDtype},
    {"aten._upsample_nearest_exact2d.out", OutRule::kExactDtype},
    {"aten._upsample_nearest_exact3d.out", OutRule::kExactDtype},
    {"aten.abs.out", OutRule::kExactDtype},
    {"aten.addbmm.out", OutRule::kExactDtype},
    {"aten.addmm.out", OutRule::kExactDtype},
    {"aten.addmv.out", OutRule::kExactDtype},
    {"aten.alias_copy.out", OutRule::kExactDtype},
    {"aten.angle.out", OutRule::kAnyDtype},
    {"aten.argmax.out", OutRule::kExactDtype},
    {"aten.argmin.out", OutRule::kExactDtype},
    {"aten.as_strided_copy.out", OutRule::kExactDtype},
    {"aten.avg_pool2d.out", OutRule::kExactDtype},
    {"aten.baddbmm.out", OutRule::kExactDtype},
    {"aten.bmm.out", OutRule::kExactDtype},
    {"aten.ceil.out", OutRule::kExactDtype},
    {"aten.cholesky.out", OutRule::kContiguous},
    {"aten.convolution.out", OutRule::kExactDtype},
    {"aten.cumprod.out", OutRule::kAnyDtype},
    {"aten.cumsum.out", OutRule::kAnyDtype},
    {"aten.diagonal_copy.out", OutRule::kExactDtype},
    {"aten.dot.out", OutRule::kExactDtype},
    {"aten.expand_copy.out", OutRule::kExactDtype},
    {"aten.fill.Scalar_out", OutRule::kExactDtype},
    {"aten.floor.out", OutRule::kExactDtype},
    {"aten.frac.out", OutRule::kExactDtype},
    {"aten.fractional_max_pool2d.output", OutRule::kExactDtype},
    {"aten.fractional_max_pool3d.output", OutRule::kExactDtype},
    {"aten.hash_tensor.out", OutRule::kExactDtype},
    {"aten.histogram.bin_ct_out", OutRule::kExactDtype},
    {"aten.histogram.bins_tensor_out", OutRule::kExactDtype},
    {"aten.index_put.out", OutRule::kExactDtype},
    {"aten.index_reduce.out", OutRule::kExactDtype},
    {"aten.isneginf.out", OutRule::kExactDtype},
    {"aten.isposinf.out", OutRule::kExactDtype},
    {"aten.linalg_cholesky_ex.L", OutRule::kExactDtype},
    {"aten.linalg_eig.out", OutRule::kContiguous},
    {"aten.linalg_householder_product.out", OutRule::kContiguous},
    {"aten.linalg_inv_ex.inverse", OutRule::kExactDtype},
    {"aten.linalg_ldl_factor_ex.out", OutRule::kContiguous},
    {"aten.linalg_ldl_solve.out", OutRule::kContiguous},
    {"aten.linalg_lu_factor_ex.out", OutRule::kContiguous},
    {"aten.linalg_lu_solve.out", OutRule::kContiguous},
    {"aten.linalg_qr.out", OutRule::kContiguous},
    {"aten.linalg_solve_triangular.out", OutRule::kAnyDtype},
    {"aten.linalg_vector_norm.out", OutRule::kExactDtype},
    {"aten.median.out", OutRule::kExactDtype},
    {"aten.mm.out", OutRule::kExactDtype},
    {"aten.mv.out", OutRule::kExactDtype},
    {"aten.nanmedian.out", OutRule::kExactDtype},
    {"aten.narrow_copy.out", OutRule::kExactDtype},
    {"aten.native_group_norm.out", OutRule::kExactDtype},
    {"aten.norm.out", OutRule::kExactDtype},
    {"aten.normal.Tensor_Tensor_out", OutRule::kAnyDtype},
    {"aten.normal.Tensor_float_out", OutRule::kAnyDtype},
    {"aten.ormqr.out", OutRule::kContiguous},
    {"aten.permute_copy.out", OutRule::kExactDtype},
    {"aten.prod.int_out", OutRule::kAnyDtype},
    {"aten.prod.out", OutRule::kAnyDtype},
    {"aten.put.out", OutRule::kExactDtype},
    {"aten.rot90.out", OutRule::kContiguous},
    {"aten.scatter.reduce_out", OutRule::kExactDtype},
    {"aten.scatter.src_out", OutRule::kExactDtype},
    {"aten.scatter.value_out", OutRule::kExactDtype},
    {"aten.scatter.value_reduce_out", OutRule::kExactDtype},
    {"aten.scatter_add.out", OutRule::kExactDtype},
    {"aten.segment_reduce.out", OutRule::kExactDtype},
    {"aten.sgn.out", OutRule::kExactDtype},
    {"aten.sign.out", OutRule::kExactDtype},
    {"aten.signbit.out", OutRule::kExactDtype},
    {"aten.silu.out", OutRule::kExactDtype},
    {"aten.slice_scatter.out", OutRule::kExactDtype},
    {"aten.squeeze_copy.dim_out", OutRule::kExactDtype},
    {"aten.squeeze_copy.out", OutRule::kExactDtype},
    {"aten.sum.IntList_out", OutRule::kAnyDtype},
    {"aten.sum.out", OutRule::kAnyDtype},
    {"aten.t_copy.out", OutRule::kExactDtype},
    {"aten.topk.values", OutRule::kExactDtype},
    {"aten.transpose_copy.int_out", OutRule::kExactDtype},
    {"aten.trunc.out", OutRule::kExactDtype},
    {"aten.unsqueeze_copy.out", OutRule::kExactDtype},
    {"aten.upsample_nearest1d.out", OutRule::kExactDtype},
    {"aten.upsample_nearest2d.out", OutRule::kExactDtype},
    {"aten.upsample_nearest3d.out", OutRule::kExactDtype},
    {"aten.vdot.out", OutRule::kExactDtype},
    {"aten.view_copy.out", OutRule::kExactDtype},
    {"aten.where.self_out", OutRule::kExactDtype},
};
static_assert(std::is_sorted(std::begin(kRows), std::end(kRows), [](const Row& a, const Row& b) { return a.op < b.op; }));

}  // namespace

OutRule OutRuleOf(absl::string_view op) {
  const Row* row = std::lower_bound(std::begin(kRows), std::end(kRows), op,
                                    [](const Row& r, absl::string_view key) { return r.op < key; });
  return row != std::end(kRows) && row->op == op ? row->rule : OutRule::kDefault;
}

}  // namespace kiln
