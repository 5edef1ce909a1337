// Meta functions of operators that move data about: copies, fills, joins,
// repeats, flips and padding.
#ifndef KILN_FAKE_RUNTIME_OPS_COPY_META_H_
#define KILN_FAKE_RUNTIME_OPS_COPY_META_H_

#include "absl/status/status.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

absl::Status CloneMeta(MetaContext& ctx);
absl::Status ToCopyMeta(MetaContext& ctx);
absl::Status ConvertElementTypeMeta(MetaContext& ctx);  // prims.convert_element_type
absl::Status CopyMeta(MetaContext& ctx);           // copy
absl::Status CopyInPlaceMeta(MetaContext& ctx);    // copy_
absl::Status LiftFreshCopyMeta(MetaContext& ctx);
absl::Status FillMeta(MetaContext& ctx);           // fill.Scalar, fill.Tensor, zero
absl::Status WriteSelfMeta(MetaContext& ctx);      // fill_, zero_, uniform_, normal_, ...: data only
absl::Status ResizeMeta(MetaContext& ctx);         // resize_
absl::Status SetEmptyMeta(MetaContext& ctx);       // set_
absl::Status SetSourceMeta(MetaContext& ctx);      // set_.source_Tensor
absl::Status SetSourceStridedMeta(MetaContext& ctx);  // set_.source_Tensor_storage_offset
absl::Status CatMeta(MetaContext& ctx);
absl::Status HstackMeta(MetaContext& ctx);
absl::Status VstackMeta(MetaContext& ctx);
absl::Status DstackMeta(MetaContext& ctx);
absl::Status StackMeta(MetaContext& ctx);
absl::Status RepeatMeta(MetaContext& ctx);
absl::Status FlipMeta(MetaContext& ctx);           // flip, rot90's pieces
absl::Status RollMeta(MetaContext& ctx);
absl::Status Rot90Meta(MetaContext& ctx);
absl::Status TriangleMeta(MetaContext& ctx);       // tril, triu
absl::Status ConstantPadMeta(MetaContext& ctx);
absl::Status ReflectionPadMeta(MetaContext& ctx);  // reflection_padNd
absl::Status ReplicationPadMeta(MetaContext& ctx);
absl::Status DiagEmbedMeta(MetaContext& ctx);
absl::Status PixelShuffleMeta(MetaContext& ctx);
absl::Status PixelUnshuffleMeta(MetaContext& ctx);
absl::Status ChannelShuffleMeta(MetaContext& ctx);
absl::Status BlockDiagMeta(MetaContext& ctx);
absl::Status NarrowCopyMeta(MetaContext& ctx);
absl::Status ChunkCatMeta(MetaContext& ctx);       // _chunk_cat
absl::Status ResizeAsMeta(MetaContext& ctx);       // resize_as_

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_COPY_META_H_
