// Meta functions of symbolic scalar arithmetic and of questions about a tensor's
// metadata. Their values are expressions; no tensor data is touched.
#ifndef KILN_FAKE_RUNTIME_OPS_SYMBOLIC_META_H_
#define KILN_FAKE_RUNTIME_OPS_SYMBOLIC_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status SymAddMeta(MetaContext& ctx);
absl::Status SymSubMeta(MetaContext& ctx);
absl::Status SymMulMeta(MetaContext& ctx);
absl::Status SymNegMeta(MetaContext& ctx);
absl::Status SymFloorDivMeta(MetaContext& ctx);
absl::Status SymModMeta(MetaContext& ctx);
absl::Status SymPowMeta(MetaContext& ctx);
absl::Status SymTrueDivMeta(MetaContext& ctx);
absl::Status SymMinMeta(MetaContext& ctx);
absl::Status SymMaxMeta(MetaContext& ctx);
absl::Status SymEqMeta(MetaContext& ctx);
absl::Status SymNeMeta(MetaContext& ctx);
absl::Status SymLtMeta(MetaContext& ctx);
absl::Status SymLeMeta(MetaContext& ctx);
absl::Status SymGtMeta(MetaContext& ctx);
absl::Status SymGeMeta(MetaContext& ctx);
absl::Status SymAndMeta(MetaContext& ctx);
absl::Status SymOrMeta(MetaContext& ctx);
absl::Status SymNotMeta(MetaContext& ctx);
absl::Status SymIteMeta(MetaContext& ctx);
absl::Status SymFloatMeta(MetaContext& ctx);
absl::Status SymIntMeta(MetaContext& ctx);    // sym.int, sym.trunc
absl::Status SymRoundMeta(MetaContext& ctx);
absl::Status SymAbsMeta(MetaContext& ctx);
absl::Status SymXorMeta(MetaContext& ctx);
absl::Status SymLShiftMeta(MetaContext& ctx);
absl::Status SymRShiftMeta(MetaContext& ctx);
absl::Status SymIsIntegerMeta(MetaContext& ctx);
absl::Status SymFunctionMeta(MetaContext& ctx);  // sym.sin, sym.log, ...
absl::Status SymPosMeta(MetaContext& ctx);
absl::Status SymFloorMeta(MetaContext& ctx);
absl::Status SymCeilMeta(MetaContext& ctx);
absl::Status SymSqrtMeta(MetaContext& ctx);

absl::Status SymSizeMeta(MetaContext& ctx);   // sym_size.int
absl::Status SymStrideMeta(MetaContext& ctx);
absl::Status SymNumelMeta(MetaContext& ctx);
absl::Status SymStorageOffsetMeta(MetaContext& ctx);
absl::Status SymIsContiguousMeta(MetaContext& ctx);
absl::Status AssertScalarMeta(MetaContext& ctx);
absl::Status AssertAsyncMeta(MetaContext& ctx);  // _assert_async: of an element, which only the kernel sees
absl::Status ConstrainRangeMeta(MetaContext& ctx);
absl::Status ConstrainSizeRangeMeta(MetaContext& ctx);  // of a size: at least 0

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_SYMBOLIC_META_H_
