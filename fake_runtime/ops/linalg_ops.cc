// Linear algebra. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/linalg_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_linalg_check_errors(Tensor info, str api_name, *, bool is_matrix) -> ()", kTagEffect, CheckErrorsMeta},
    {"aten::_linalg_det(Tensor A) -> (Tensor result, Tensor LU, Tensor pivots)",
     kTagNone, DetMeta, "result(result,LU,pivots)"},
    {"aten::_linalg_eigh(Tensor A, str UPLO=\"L\", bool compute_v=True) -> (Tensor eigenvalues, Tensor eigenvectors)",
     kTagNone, EighMeta, "eigenvalues(eigenvalues,eigenvectors)"},
    {"aten::_linalg_eigvals(Tensor self) -> Tensor", kTagNone, EigvalsMeta},
    {"aten::_linalg_slogdet(Tensor A) -> (Tensor sign, Tensor logabsdet, Tensor LU, Tensor pivots)",
     kTagNone, SlogdetMeta, "sign(sign,logabsdet,LU,pivots)"},
    {"aten::_linalg_solve_ex(Tensor A, Tensor B, *, bool left=True, bool check_errors=False) -> (Tensor result, "
     "Tensor LU, Tensor pivots, Tensor info)",
     kTagNone, SolveExMeta, "result(result,LU,pivots,info)"},
    {"aten::_linalg_svd(Tensor A, bool full_matrices=False, bool compute_uv=True, *, str? driver=None) -> (Tensor "
     "U, Tensor S, Tensor Vh)",
     kTagNone, SvdMeta, "U(U,S,Vh)"},
    {"aten::cholesky(Tensor self, bool upper=False) -> Tensor", kTagNone, CholeskyMeta, "out"},
    {"aten::cholesky_inverse(Tensor self, bool upper=False) -> Tensor", kTagNone, CholeskyInverseMeta, "out"},
    {"aten::cholesky_solve(Tensor self, Tensor input2, bool upper=False) -> Tensor",
     kTagNone, CholeskySolveMeta, "out"},
    {"aten::geqrf(Tensor self) -> (Tensor a, Tensor tau)", kTagNone, GeqrfMeta, "a(a,tau)"},
    {"aten::linalg_cholesky_ex(Tensor self, *, bool upper=False, bool check_errors=False) -> (Tensor L, Tensor info)",
     kTagNone, CholeskyExMeta, "L(L,info)"},
    {"aten::linalg_cross(Tensor self, Tensor other, *, int dim=-1) -> Tensor", kTagNone, CrossMeta, "out"},
    {"aten::linalg_eig(Tensor self) -> (Tensor eigenvalues, Tensor eigenvectors)",
     kTagNone, EigMeta, "out(eigenvalues,eigenvectors)"},
    {"aten::linalg_eigvals.out(Tensor self, *, Tensor(a!) out) -> Tensor(a!)", kTagEffect, EigvalsMeta},
    {"aten::linalg_householder_product(Tensor input, Tensor tau) -> Tensor", kTagNone, HouseholderProductMeta, "out"},
    {"aten::linalg_inv_ex(Tensor A, *, bool check_errors=False) -> (Tensor inverse, Tensor info)",
     kTagNone, CholeskyExMeta, "inverse(inverse,info)"},
    {"aten::linalg_ldl_factor_ex(Tensor self, *, bool hermitian=False, bool check_errors=False) -> (Tensor LD, "
     "Tensor pivots, Tensor info)",
     kTagNone, LdlFactorMeta, "out(LD,pivots,info)"},
    {"aten::linalg_ldl_solve(Tensor LD, Tensor pivots, Tensor B, *, bool hermitian=False) -> Tensor",
     kTagNone, LdlSolveMeta, "out"},
    {"aten::linalg_lu(Tensor A, *, bool pivot=True) -> (Tensor P, Tensor L, Tensor U)", kTagNone, LuMeta, "out(P,L,U)"},
    {"aten::linalg_lu_factor_ex(Tensor A, *, bool pivot=True, bool check_errors=False) -> (Tensor LU, Tensor "
     "pivots, Tensor info)",
     kTagNone, LuFactorMeta, "out(LU,pivots,info)"},
    {"aten::linalg_lu_solve(Tensor LU, Tensor pivots, Tensor B, *, bool left=True, bool adjoint=False) -> Tensor",
     kTagNone, LuSolveMeta, "out"},
    {"aten::linalg_matrix_exp(Tensor self) -> Tensor", kTagNone, MatrixExpMeta, "out"},
    {"aten::linalg_pinv.atol_rtol_tensor(Tensor self, *, Tensor? atol=None, Tensor? rtol=None, bool "
     "hermitian=False) -> Tensor",
     kTagNone, PinvMeta, "atol_rtol_tensor_out"},
    {"aten::linalg_qr(Tensor A, str mode=\"reduced\") -> (Tensor Q, Tensor R)", kTagNone, QrMeta, "out(Q,R)"},
    {"aten::linalg_solve_triangular(Tensor self, Tensor B, *, bool upper, bool left=True, bool unitriangular=False) "
     "-> Tensor",
     kTagNone, SolveTriangularMeta, "out"},
    {"aten::lu_unpack(Tensor LU_data, Tensor LU_pivots, bool unpack_data=True, bool unpack_pivots=True) -> (Tensor "
     "P, Tensor L, Tensor U)",
     kTagNone, LuUnpackMeta, "out(P,L,U)"},
    {"aten::ormqr(Tensor self, Tensor input2, Tensor input3, bool left=True, bool transpose=False) -> Tensor",
     kTagNone, OrmqrMeta, "out"},
    {"aten::triangular_solve(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool "
     "unitriangular=False) -> (Tensor solution, Tensor cloned_coefficient)",
     kTagNone, TriangularSolveMeta},
    {"aten::triangular_solve.X(Tensor self, Tensor A, bool upper=True, bool transpose=False, bool "
     "unitriangular=False, *, Tensor(a!) X, Tensor(b!) M) -> (Tensor(a!) solution, Tensor(b!) cloned_coefficient)",
     kTagEffect, TriangularSolveMeta},
};

}  // namespace

absl::Span<const OpDef> LinalgOps() { return kRows; }

}  // namespace kiln
