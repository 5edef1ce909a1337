// Matrix products. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/backward_meta.h"
#include "fake_runtime/ops/matmul_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_cdist_backward(Tensor grad, Tensor x1, Tensor x2, float p, Tensor cdist) -> Tensor",
     kTagNone, CdistBackwardMeta, "out"},
    {"aten::_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode) -> Tensor", kTagCore, CdistMeta, "out"},
    {"aten::_euclidean_dist(Tensor x1, Tensor x2) -> Tensor", kTagNone, EuclideanDistMeta, "out"},
    {"aten::_fft_c2c(Tensor self, SymInt[] dim, int normalization, bool forward) -> Tensor",
     kTagNone, FftC2cMeta, "out"},
    {"aten::_fft_c2r(Tensor self, int[] dim, int normalization, SymInt last_dim_size) -> Tensor",
     kTagCore, FftC2rMeta, "out"},
    {"aten::_fft_r2c(Tensor self, int[] dim, int normalization, bool onesided) -> Tensor", kTagCore, FftR2cMeta, "out"},
    {"aten::_grouped_mm(Tensor self, Tensor mat2, Tensor? offs=None, Tensor? bias=None, ScalarType? out_dtype=None) "
     "-> Tensor",
     kTagNone, GroupedMmMeta},
    {"aten::_pdist_backward(Tensor grad, Tensor self, float p, Tensor pdist) -> Tensor",
     kTagNone, GradContiguousMeta, "out"},
    {"aten::_pdist_forward(Tensor self, float p=2.) -> Tensor", kTagCore, PdistMeta, "out"},
    {"aten::_scaled_grouped_mm(Tensor self, Tensor mat2, Tensor scale_a, Tensor scale_b, Tensor? offs=None, Tensor? "
     "bias=None, Tensor? scale_result=None, ScalarType? out_dtype=None, bool use_fast_accum=False) -> Tensor",
     kTagNone, ScaledGroupedMmMeta},
    {"aten::_scaled_mm(Tensor self, Tensor mat2, Tensor scale_a, Tensor scale_b, Tensor? bias=None, Tensor? "
     "scale_result=None, ScalarType? out_dtype=None, bool use_fast_accum=False) -> Tensor",
     kTagNone, ScaledMmMeta, "out"},
    {"aten::_scaled_mm_v2(Tensor self, Tensor mat2, Tensor[] scale_a, int[] recipe_a, int[] swizzle_a, Tensor[] "
     "scale_b, int[] recipe_b, int[] swizzle_b, Tensor? bias, ScalarType? out_dtype, int[] contraction_dim=[], bool "
     "use_fast_accum=False) -> Tensor",
     kTagNone, ScaledMmMeta, "out"},
    {"aten::_trilinear(Tensor i1, Tensor i2, Tensor i3, int[] expand1, int[] expand2, int[] expand3, int[] sumdim, "
     "int unroll_dim=1) -> Tensor",
     kTagNone, TrilinearMeta, "out"},
    {"aten::addbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     kTagNone, AddbmmMeta, "_ out"},
    {"aten::addmm(Tensor self, Tensor mat1, Tensor mat2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     kTagCore, AddmmMeta, "_ out"},
    {"aten::addmv(Tensor self, Tensor mat, Tensor vec, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     kTagNone, AddmvMeta, "_ out"},
    {"aten::addr(Tensor self, Tensor vec1, Tensor vec2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     kTagNone, AddrMeta, "_ out"},
    {"aten::baddbmm(Tensor self, Tensor batch1, Tensor batch2, *, Scalar beta=1, Scalar alpha=1) -> Tensor",
     kTagNone, BaddbmmMeta, "_ out"},
    {"aten::bmm(Tensor self, Tensor mat2) -> Tensor", kTagCore, BmmMeta, "out"},
    {"aten::dot(Tensor self, Tensor tensor) -> Tensor", kTagNone, DotMeta, "out"},
    {"aten::linear.out(Tensor input, Tensor weight, Tensor? bias=None, *, Tensor(a!) out) -> Tensor(a!)",
     kTagEffect, LinearMeta},
    {"aten::mm(Tensor self, Tensor mat2) -> Tensor", kTagCore, MmMeta, "out"},
    {"aten::mv(Tensor self, Tensor vec) -> Tensor", kTagNone, MvMeta, "out"},
    {"aten::vdot(Tensor self, Tensor other) -> Tensor", kTagNone, DotMeta, "out"},
};

}  // namespace

absl::Span<const OpDef> MatmulOps() { return kRows; }

}  // namespace kiln
