// Meta functions of matrix products. Results are contiguous.
#ifndef KILN_FAKE_RUNTIME_OPS_MATMUL_META_H_
#define KILN_FAKE_RUNTIME_OPS_MATMUL_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status MmMeta(MetaContext& ctx);       // [m,k] x [k,n] -> [m,n]
absl::Status BmmMeta(MetaContext& ctx);      // [b,m,k] x [b,k,n] -> [b,m,n]
absl::Status LinearMeta(MetaContext& ctx);  // linear.out
absl::Status AddmmMeta(MetaContext& ctx);    // self broadcasts to [m,n]
absl::Status BaddbmmMeta(MetaContext& ctx);
absl::Status AddbmmMeta(MetaContext& ctx);
absl::Status MvMeta(MetaContext& ctx);       // [m,k] x [k] -> [m]
absl::Status AddmvMeta(MetaContext& ctx);
absl::Status DotMeta(MetaContext& ctx);      // dot, vdot
absl::Status AddrMeta(MetaContext& ctx);
absl::Status CdistMeta(MetaContext& ctx);    // _cdist_forward
absl::Status PdistMeta(MetaContext& ctx);
absl::Status EuclideanDistMeta(MetaContext& ctx);
absl::Status ScaledMmMeta(MetaContext& ctx);   // _scaled_mm, _scaled_mm_v2
// [m,k] x [g,k,n] -> [m,n], [g,m,k] x [k,n] -> [m,n], [m,k] x [k,n] -> [g,m,n], [g,m,k] x [g,k,n] -> [g,m,n].
// Contiguous, but padded on CUDA.
absl::Status GroupedMmMeta(MetaContext& ctx);        // _grouped_mm
absl::Status ScaledGroupedMmMeta(MetaContext& ctx);  // _scaled_grouped_mm
absl::Status TrilinearMeta(MetaContext& ctx);  // _trilinear
absl::Status FftC2cMeta(MetaContext& ctx);  // [.., n, ..] complex -> the same
absl::Status FftR2cMeta(MetaContext& ctx);  // real -> complex, one-sided n/2 + 1
absl::Status FftC2rMeta(MetaContext& ctx);  // complex -> real of last_dim_size

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_MATMUL_META_H_
