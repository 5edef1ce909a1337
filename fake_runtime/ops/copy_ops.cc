// Operators that move data. One row per overload, sorted by name; schemas and tags are PyTorch's
// (tests/conformance compares them).
#include "fake_runtime/ops/backward_meta.h"
#include "fake_runtime/ops/copy_meta.h"
#include "fake_runtime/ops/pointwise_meta.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

constexpr OpDef kRows[] = {
    {"aten::_chunk_cat(Tensor[] tensors, int dim, int num_chunks) -> Tensor", kTagNone, ChunkCatMeta, "out"},
    {"aten::_to_copy(Tensor self, *, ScalarType? dtype=None, Layout? layout=None, Device? device=None, bool? "
     "pin_memory=None, bool non_blocking=False, MemoryFormat? memory_format=None) -> Tensor",
     kTagCore, ToCopyMeta, "out"},
    {"aten::bernoulli(Tensor self, *, Generator? generator=None) -> Tensor", kTagRandom, LikeSelfMeta, "out"},
    {"aten::bernoulli.p(Tensor self, float p, *, Generator? generator=None) -> Tensor", kTagRandom, LikeSelfMeta},
    {"aten::bernoulli_.Tensor(Tensor(a!) self, Tensor p, *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::bernoulli_.float(Tensor(a!) self, float p=0.5, *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::block_diag(Tensor[] tensors) -> Tensor", kTagNone, BlockDiagMeta, "out"},
    {"aten::cat(Tensor[] tensors, int dim=0) -> Tensor", kTagCore, CatMeta, "out"},
    {"aten::cauchy_(Tensor(a!) self, float median=0., float sigma=1., *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::channel_shuffle(Tensor self, SymInt groups) -> Tensor", kTagNone, ChannelShuffleMeta, "out"},
    {"aten::clone(Tensor self, *, MemoryFormat? memory_format=None) -> Tensor",
     kTagCore | kTagPointwise, CloneMeta, "out-"},
    {"aten::constant_pad_nd(Tensor self, SymInt[] pad, Scalar value=0) -> Tensor", kTagCore, ConstantPadMeta, "out"},
    {"aten::copy(Tensor self, Tensor src, bool non_blocking=False) -> Tensor", kTagCore, CopyMeta, "out"},
    {"aten::copy_(Tensor(a!) self, Tensor src, bool non_blocking=False) -> Tensor(a!)", kTagEffect, CopyInPlaceMeta},
    {"aten::diag_embed(Tensor self, int offset=0, int dim1=-2, int dim2=-1) -> Tensor", kTagNone, DiagEmbedMeta, "out"},
    {"aten::dstack(Tensor[] tensors) -> Tensor", kTagNone, DstackMeta, "out"},
    {"aten::exponential_(Tensor(a!) self, float lambd=1., *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::fill.Scalar(Tensor self, Scalar value) -> Tensor", kTagCore, FillMeta, "Scalar_out"},
    {"aten::fill.Tensor(Tensor self, Tensor value) -> Tensor", kTagNone, FillMeta, "Tensor_out"},
    {"aten::fill_.Scalar(Tensor(a!) self, Scalar value) -> Tensor(a!)", kTagEffect, WriteSelfMeta},
    {"aten::fill_.Tensor(Tensor(a!) self, Tensor value) -> Tensor(a!)", kTagEffect, WriteSelfMeta},
    {"aten::flip(Tensor self, int[] dims) -> Tensor", kTagCore, FlipMeta, "out"},
    {"aten::geometric_(Tensor(a!) self, float p, *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::hstack(Tensor[] tensors) -> Tensor", kTagNone, HstackMeta, "out"},
    {"aten::lift_fresh_copy(Tensor self) -> Tensor", kTagNone, LiftFreshCopyMeta},
    {"aten::log_normal_(Tensor(a!) self, float mean=1., float std=2., *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::narrow_copy(Tensor self, int dim, SymInt start, SymInt length) -> Tensor", kTagNone, NarrowCopyMeta, "out"},
    {"aten::normal_(Tensor(a!) self, float mean=0., float std=1., *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::pixel_shuffle(Tensor self, int upscale_factor) -> Tensor", kTagNone, PixelShuffleMeta, "out"},
    {"aten::pixel_unshuffle(Tensor self, int downscale_factor) -> Tensor", kTagNone, PixelUnshuffleMeta, "out"},
    {"aten::random_(Tensor(a!) self, *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::random_.from(Tensor(a!) self, int from, int? to, *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::random_.to(Tensor(a!) self, int to, *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::reflection_pad1d(Tensor self, SymInt[2] padding) -> Tensor", kTagCore, ReflectionPadMeta, "out"},
    {"aten::reflection_pad1d_backward(Tensor grad_output, Tensor self, SymInt[2] padding) -> Tensor",
     kTagNone, GradLikeSelfMeta, "grad_input(grad_input)"},
    {"aten::reflection_pad2d(Tensor self, SymInt[4] padding) -> Tensor", kTagCore, ReflectionPadMeta, "out"},
    {"aten::reflection_pad2d_backward(Tensor grad_output, Tensor self, SymInt[4] padding) -> Tensor",
     kTagNone, GradLikeSelfMeta, "grad_input(grad_input)"},
    {"aten::reflection_pad3d(Tensor self, SymInt[6] padding) -> Tensor", kTagCore, ReflectionPadMeta, "out"},
    {"aten::reflection_pad3d_backward(Tensor grad_output, Tensor self, SymInt[6] padding) -> Tensor",
     kTagNone, GradLikeSelfMeta, "grad_input(grad_input)"},
    {"aten::repeat(Tensor self, SymInt[] repeats) -> Tensor", kTagCore, RepeatMeta, "out"},
    {"aten::replication_pad1d(Tensor self, SymInt[2] padding) -> Tensor", kTagNone, ReplicationPadMeta, "out"},
    {"aten::replication_pad1d_backward(Tensor grad_output, Tensor self, SymInt[2] padding) -> Tensor",
     kTagNone, GradLikeSelfMeta, "grad_input(grad_input)"},
    {"aten::replication_pad2d(Tensor self, SymInt[4] padding) -> Tensor", kTagCore, ReplicationPadMeta, "out"},
    {"aten::replication_pad2d_backward(Tensor grad_output, Tensor self, SymInt[4] padding) -> Tensor",
     kTagNone, GradLikeSelfMeta, "grad_input(grad_input)"},
    {"aten::replication_pad3d(Tensor self, SymInt[6] padding) -> Tensor", kTagCore, ReplicationPadMeta, "out"},
    {"aten::replication_pad3d_backward(Tensor grad_output, Tensor self, SymInt[6] padding) -> Tensor",
     kTagNone, GradLikeSelfMeta, "grad_input(grad_input)"},
    {"aten::resize_(Tensor(a!) self, SymInt[] size, *, MemoryFormat? memory_format=None) -> Tensor(a!)",
     kTagCore | kTagEffect | kTagInplaceView, ResizeMeta},
    {"aten::resize_as_(Tensor(a!) self, Tensor the_template, *, MemoryFormat? memory_format=None) -> Tensor(a!)",
     kTagEffect | kTagInplaceView, ResizeAsMeta},
    {"aten::roll(Tensor self, SymInt[1] shifts, int[1] dims=[]) -> Tensor", kTagNone, RollMeta, "out"},
    {"aten::rot90(Tensor self, int k=1, int[] dims=[0, 1]) -> Tensor", kTagNone, Rot90Meta, "out"},
    {"aten::stack(Tensor[] tensors, int dim=0) -> Tensor", kTagNone, StackMeta, "out"},
    {"aten::set_(Tensor(a!) self) -> Tensor(a!)", kTagEffect | kTagInplaceView, SetEmptyMeta},
    {"aten::set_.source_Tensor(Tensor(a!) self, Tensor source) -> Tensor(a!)",
     kTagEffect | kTagInplaceView, SetSourceMeta},
    {"aten::set_.source_Tensor_storage_offset(Tensor(a!) self, Tensor source, SymInt storage_offset, SymInt[] size, "
     "SymInt[] stride=[]) -> Tensor(a!)",
     kTagEffect | kTagInplaceView, SetSourceStridedMeta},
    {"aten::tril(Tensor self, SymInt diagonal=0) -> Tensor", kTagNone, TriangleMeta, "_ out"},
    {"aten::triu(Tensor self, SymInt diagonal=0) -> Tensor", kTagNone, TriangleMeta, "_ out"},
    {"aten::uniform_(Tensor(a!) self, float from=0., float to=1., *, Generator? generator=None) -> Tensor(a!)",
     kTagRandom | kTagEffect, WriteSelfMeta},
    {"aten::vstack(Tensor[] tensors) -> Tensor", kTagNone, VstackMeta, "out"},
    {"aten::zero(Tensor self) -> Tensor", kTagNone, FillMeta, "out"},
    {"aten::zero_(Tensor(a!) self) -> Tensor(a!)", kTagEffect, WriteSelfMeta},
    {"prims::convert_element_type(Tensor a, ScalarType dtype) -> Tensor", kTagPointwise, ConvertElementTypeMeta},
};

}  // namespace

absl::Span<const OpDef> CopyOps() { return kRows; }

}  // namespace kiln
