// Meta functions of linear algebra: factorisations, solvers, determinants.
// Letters: A [*, m, n], B [*, m, k]; matrices that LAPACK fills are column-major.
#ifndef KILN_FAKE_RUNTIME_OPS_LINALG_META_H_
#define KILN_FAKE_RUNTIME_OPS_LINALG_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

// --- factorisations
absl::Status CholeskyMeta(MetaContext& ctx);         // cholesky
absl::Status CholeskyExMeta(MetaContext& ctx);       // linalg_cholesky_ex, linalg_inv_ex
absl::Status CholeskyInverseMeta(MetaContext& ctx);
absl::Status EighMeta(MetaContext& ctx);             // _linalg_eigh
absl::Status EigMeta(MetaContext& ctx);              // linalg_eig
absl::Status EigvalsMeta(MetaContext& ctx);          // linalg_eigvals
absl::Status SvdMeta(MetaContext& ctx);              // _linalg_svd
absl::Status QrMeta(MetaContext& ctx);               // linalg_qr
absl::Status GeqrfMeta(MetaContext& ctx);
absl::Status HouseholderProductMeta(MetaContext& ctx);
absl::Status LdlFactorMeta(MetaContext& ctx);        // linalg_ldl_factor_ex
absl::Status LuMeta(MetaContext& ctx);               // linalg_lu
absl::Status LuFactorMeta(MetaContext& ctx);         // linalg_lu_factor_ex
absl::Status LuUnpackMeta(MetaContext& ctx);
absl::Status DetMeta(MetaContext& ctx);              // _linalg_det
absl::Status SlogdetMeta(MetaContext& ctx);          // _linalg_slogdet
absl::Status MatrixExpMeta(MetaContext& ctx);
absl::Status PinvMeta(MetaContext& ctx);             // linalg_pinv.atol_rtol_tensor

// --- solvers
absl::Status CholeskySolveMeta(MetaContext& ctx);
absl::Status LdlSolveMeta(MetaContext& ctx);
absl::Status LuSolveMeta(MetaContext& ctx);          // linalg_lu_solve
absl::Status SolveExMeta(MetaContext& ctx);          // _linalg_solve_ex
absl::Status SolveTriangularMeta(MetaContext& ctx);  // linalg_solve_triangular
absl::Status TriangularSolveMeta(MetaContext& ctx);  // triangular_solve
absl::Status OrmqrMeta(MetaContext& ctx);
absl::Status CrossMeta(MetaContext& ctx);            // linalg_cross
absl::Status CheckErrorsMeta(MetaContext& ctx);      // _linalg_check_errors

// --- what both parts use
// A new column-major tensor: the last two dimensions lie as in Fortran.
FakeTensor NewColumnMajor(MetaContext& ctx, DType dtype, const Device& device, Dims sizes);
// SHAPE_MISMATCH unless rank >= 2, or not square.
absl::Status CheckMatrix(MetaContext& ctx, const FakeTensor& t, absl::string_view name);
absl::Status CheckSquare(MetaContext& ctx, const FakeTensor& t, absl::string_view name);
// DTYPE_MISMATCH unless floating or complex, and of the precisions LAPACK has.
absl::Status CheckLapackDType(MetaContext& ctx, const FakeTensor& t);
// `t`'s sizes but for the last `drop`.
Dims LeadingSizes(const FakeTensor& t, int drop);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_LINALG_META_H_
