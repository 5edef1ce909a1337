// Meta functions of matrix products. Results are contiguous.
#ifndef KILN_FAKE_RUNTIME_OPS_MATMUL_META_H_
#define KILN_FAKE_RUNTIME_OPS_MATMUL_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status MmMeta(MetaContext& ctx);       // [m,k] x [k,n] -> [m,n]
absl::Status BmmMeta(MetaContext& ctx);      // [b,m,k] x [b,k,n] -> [b,m,n]
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
absl::Status FftMeta(MetaContext& ctx);      // _fft_r2c, _fft_c2c, _fft_c2r

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_MATMUL_META_H_
