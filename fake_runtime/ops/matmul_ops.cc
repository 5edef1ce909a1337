// Matrix products. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/matmul_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_cdist_forward(Tensor x1, Tensor x2, float p, int? compute_mode) -> Tensor", kTagCore, CdistMeta, "out"},
    {"aten::_euclidean_dist(Tensor x1, Tensor x2) -> Tensor", kTagNone, EuclideanDistMeta, "out"},
    {"aten::_fft_c2c(Tensor self, SymInt[] dim, int normalization, bool forward) -> Tensor",
     kTagNone, FftC2cMeta, "out"},
    {"aten::_fft_c2r(Tensor self, int[] dim, int normalization, SymInt last_dim_size) -> Tensor",
     kTagCore, FftC2rMeta, "out"},
    {"aten::_fft_r2c(Tensor self, int[] dim, int normalization, bool onesided) -> Tensor", kTagCore, FftR2cMeta, "out"},
    {"aten::_pdist_forward(Tensor self, float p=2.) -> Tensor", kTagCore, PdistMeta, "out"},
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
    {"aten::mm(Tensor self, Tensor mat2) -> Tensor", kTagCore, MmMeta, "out"},
    {"aten::mv(Tensor self, Tensor vec) -> Tensor", kTagNone, MvMeta, "out"},
    {"aten::vdot(Tensor self, Tensor other) -> Tensor", kTagNone, DotMeta, "out"},
};

}  // namespace

absl::Span<const OpDef> MatmulOps() { return kRows; }

}  // namespace kiln
