#include "fake_runtime/ops/indexing_meta.h"

#include <algorithm>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/broadcast.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/memory_format.h"
#include "fake_runtime/ops/size_tests.h"
#include "fake_runtime/ops/view_meta.h"

namespace kiln {
namespace {

absl::Status ReturnLike(MetaContext& ctx, const FakeTensor& self, DType dtype) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, EmptyLike(ctx, self, dtype));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

// `self` with a part of it written: a clone in which the part is a view.
absl::Status ReturnWritten(MetaContext& ctx, const FakeTensor& self) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, CloneWithGaps(ctx, self));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status ReturnNew(MetaContext& ctx, const FakeTensor& like, Dims sizes) {
  ctx.Return(ctx.NewTensor(like.dtype, like.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status CheckIndexDType(MetaContext& ctx, const FakeTensor& index, bool allow_int32) {
  if (index.dtype == DType::kInt64 || (allow_int32 && index.dtype == DType::kInt32)) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDtypeMismatch,
                  absl::StrCat("an index must be int64", allow_int32 ? " or int32" : "", " but is ",
                               GetDTypeRow(index.dtype).name));
}

// One index tensor of an advanced index: its sizes, after masks became the
// indices of their true elements.
struct AdvancedIndex {
  bool present = false;
  Dims sizes;
};

absl::StatusOr<std::vector<AdvancedIndex>> ExpandMasks(MetaContext& ctx, const FakeTensor& self,
                                                       const std::vector<const FakeTensor*>& indices) {
  std::vector<AdvancedIndex> out;
  for (const FakeTensor* index : indices) {
    if (index == nullptr) {
      out.emplace_back();
      continue;
    }
    if (index->dtype == DType::kInt64 || index->dtype == DType::kInt32) {
      out.push_back({true, index->sizes});
      continue;
    }
    if (index->dtype != DType::kBool && index->dtype != DType::kUInt8 && index->dtype != DType::kInt8) {
      return ctx.Fail(ErrorReason::kDtypeMismatch,
                      absl::StrCat("tensors used as indices must be long, int, byte or bool, not ",
                                   GetDTypeRow(index->dtype).name));
    }
    const int first = static_cast<int>(out.size());
    if (first + index->rank() > self.rank()) {
      return ctx.Fail(ErrorReason::kBadArgumentValue,
                      absl::StrCat("too many indices for a tensor of rank ", self.rank()));
    }
    for (int d = 0; d < index->rank(); ++d) {
      KILN_RETURN_IF_ERROR(ctx.CheckEqual(index->sizes[d], self.sizes[first + d], absl::StrCat("dim ", d, " of the mask"),
                                          absl::StrCat("dim ", first + d, " of the indexed tensor")));
    }
    const Expr count = NonzeroCount(ctx, *index);
    for (int d = 0; d < index->rank(); ++d) out.push_back({true, Dims{count}});
  }
  if (static_cast<int>(out.size()) > self.rank()) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("too many indices (", out.size(),
                                                                 ") for a tensor of rank ", self.rank()));
  }
  out.resize(self.rank());
  return out;
}

bool AreAdjacent(const std::vector<AdvancedIndex>& indices) {
  int changes = 0;
  bool previous = false;
  for (const AdvancedIndex& index : indices) {
    if (index.present && !previous) ++changes;
    previous = index.present;
  }
  return changes <= 1;
}

// A result of `sizes` laid out in the order of `strides`, as TensorIterator
// allocates it over a restrided source.
absl::StatusOr<FakeTensor> NewOrderedBy(MetaContext& ctx, const FakeTensor& self, Dims sizes, Dims strides) {
  FakeTensor restrided = self;
  restrided.sizes = sizes;
  restrided.strides = std::move(strides);
  // Repeated dimensions have stride 0, so this operand never has the plain
  // layout that would be taken over as it is.
  Operand operand{&restrided, {}};
  KILN_ASSIGN_OR_RETURN(Dims out, ElementwiseStrides(ctx, sizes, absl::MakeConstSpan(&operand, 1)));
  return ctx.NewTensor(self.dtype, self.device, std::move(sizes), std::move(out));
}

absl::StatusOr<FakeTensor> IndexOf(MetaContext& ctx, const FakeTensor& source,
                                   const std::vector<const FakeTensor*>& tensors) {
  KILN_ASSIGN_OR_RETURN(std::vector<AdvancedIndex> indices, ExpandMasks(ctx, source, tensors));
  Dims replacement;
  for (const AdvancedIndex& index : indices) {
    if (!index.present) continue;
    KILN_ASSIGN_OR_RETURN(replacement, BroadcastSizes(ctx, replacement, index.sizes));
  }
  // Indexed dimensions that are not adjacent come to the front.
  const bool adjacent = AreAdjacent(indices);
  Dims sizes, strides, after_sizes, after_strides;
  bool seen = false;
  auto insert_replacement = [&] {
    for (Expr size : replacement) {
      sizes.push_back(size);
      strides.push_back(Expr(0));
    }
    seen = true;
  };
  if (!adjacent) insert_replacement();
  for (int d = 0; d < source.rank(); ++d) {
    if (indices[d].present) {
      if (!seen) insert_replacement();
      continue;
    }
    sizes.push_back(source.sizes[d]);
    strides.push_back(source.strides[d]);
  }
  KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, Numel(ctx.pool(), source.sizes), "the indexed tensor is empty"));
  if (empty) return ctx.NewTensor(source.dtype, source.device, std::move(sizes));
  return NewOrderedBy(ctx, source, std::move(sizes), std::move(strides));
}

absl::Status CheckGatherSizes(MetaContext& ctx, const FakeTensor& self, int dim, const FakeTensor& index,
                              absl::string_view name) {
  if (std::max(1, index.rank()) != std::max(1, self.rank())) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("index has rank ", index.rank(), " but ", name,
                                                              " has rank ", self.rank()));
  }
  for (int d = 0; d < std::min(self.rank(), index.rank()); ++d) {
    if (d == dim) continue;
    KILN_RETURN_IF_ERROR(ctx.env().Check(
        ctx.pool().Le(index.sizes[d], self.sizes[d]), "index fits",
        absl::StrCat("size ", index.sizes[d].ToString(), " of index at dimension ", d, " exceeds size ",
                     self.sizes[d].ToString(), " of ", name)));
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status IndexMeta(MetaContext& ctx) {
  const std::vector<const FakeTensor*> indices = ctx.TensorList(1);
  if (indices.empty()) return ctx.Fail(ErrorReason::kBadArgumentValue, "at least one index must be provided");
  KILN_ASSIGN_OR_RETURN(FakeTensor out, IndexOf(ctx, ctx.Tensor(0), indices));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status UnsafeMaskedIndexMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(const FakeTensor out, IndexOf(ctx, ctx.Tensor(0), ctx.TensorList(2)));
  // masked_fill of what was indexed, a contiguous clone.
  KILN_ASSIGN_OR_RETURN(Dims sizes, BroadcastSizes(ctx, ctx.Tensor(1).sizes, out.sizes));
  ctx.Return(ctx.NewTensor(out.dtype, out.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status IndexPutMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& values = ctx.Tensor(ctx.schema().FindArg("values"));
  if (values.dtype != self.dtype) {
    return ctx.Fail(ErrorReason::kDtypeMismatch,
                    absl::StrCat("index_put requires the source and destination dtypes match, got ",
                                 GetDTypeRow(self.dtype).name, " for the destination and ",
                                 GetDTypeRow(values.dtype).name, " for the source"));
  }
  return ReturnLike(ctx, self, self.dtype);
}

absl::Status IndexSelectMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& index = ctx.Tensor(2);
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  KILN_RETURN_IF_ERROR(CheckIndexDType(ctx, index, true));
  if (index.rank() > 1) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("index should have rank 1 or 0 but has rank ", index.rank()));
  }
  Dims sizes = self.sizes;
  if (!sizes.empty()) sizes[dim] = Numel(ctx.pool(), index.sizes);
  return ReturnNew(ctx, self, std::move(sizes));
}

namespace {

// Sizes of an empty index are not compared, so that one is guarded to be empty.
// One with elements needs no guard that it has some: what the comparisons admit
// is right without them, too.
absl::StatusOr<bool> MayBeOfAnySizes(MetaContext& ctx, const FakeTensor& index) {
  const Expr numel = Numel(ctx.pool(), index.sizes);
  if (ctx.env().HintOf(numel).value_or(1) != 0) return false;
  return GuardZero(ctx, numel, "the index is empty");
}

}  // namespace

absl::Status GatherMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& index = ctx.Tensor(2);
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  KILN_ASSIGN_OR_RETURN(bool empty, MayBeOfAnySizes(ctx, index));
  if (!empty) {
    KILN_RETURN_IF_ERROR(CheckIndexDType(ctx, index, true));
    KILN_RETURN_IF_ERROR(CheckGatherSizes(ctx, self, dim, index, "self"));
  }
  return ReturnNew(ctx, self, index.sizes);
}

absl::Status ScatterMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const FakeTensor& index = ctx.Tensor(2);
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  KILN_ASSIGN_OR_RETURN(bool empty, MayBeOfAnySizes(ctx, index));
  if (!empty) {
    KILN_RETURN_IF_ERROR(CheckIndexDType(ctx, index, true));
    KILN_RETURN_IF_ERROR(CheckGatherSizes(ctx, self, dim, index, "self"));
    if (ctx.IsTensor(3)) {
      const FakeTensor& src = ctx.Tensor(3);
      if (src.dtype != self.dtype) {
        return ctx.Fail(ErrorReason::kDtypeMismatch,
                        absl::StrCat("scatter expects self.dtype to be equal to src.dtype, got ",
                                     GetDTypeRow(self.dtype).name, " and ", GetDTypeRow(src.dtype).name));
      }
      KILN_RETURN_IF_ERROR(CheckGatherSizes(ctx, src, -1, index, "src"));
    }
  }
  return ReturnNew(ctx, self, self.sizes);
}

// Structured kernels lay their results out anew, others clone self.
absl::Status IndexedWriteMeta(MetaContext& ctx) { return ReturnNew(ctx, ctx.Tensor(0), ctx.Tensor(0).sizes); }

absl::Status IndexedFillMeta(MetaContext& ctx) { return ReturnLike(ctx, ctx.Tensor(0), ctx.Tensor(0).dtype); }

absl::Status TakeMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckIndexDType(ctx, ctx.Tensor(1), false));
  ExprPool& pool = ctx.pool();
  const Expr taken = Numel(pool, ctx.Tensor(1).sizes), numel = Numel(pool, ctx.Tensor(0).sizes);
  KILN_RETURN_IF_ERROR(ctx.env().Check(pool.Or(pool.Ne(numel, Expr(0)), pool.Eq(taken, Expr(0))),
                                       "there is something to take", "tried to take from an empty tensor"));
  return ReturnNew(ctx, ctx.Tensor(0), ctx.Tensor(1).sizes);
}

absl::Status SelectScatterMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(2), self.rank()));
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kBadArgumentValue, "select_scatter of a 0-dim tensor");
  KILN_ASSIGN_OR_RETURN(FakeTensor part, SelectOf(ctx, self, dim, ctx.SymInt(3)));
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, part.sizes, ctx.Tensor(1).sizes, "the selected part", "src"));
  return ReturnWritten(ctx, self);
}

absl::Status SliceScatterMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kBadArgumentValue, "slice_scatter of a 0-dim tensor");
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(2), self.rank()));
  KILN_ASSIGN_OR_RETURN(FakeTensor part, SliceOf(ctx, self, dim, ctx.OptionalSymInt(3), ctx.OptionalSymInt(4),
                                                 ctx.SymInt(5)));
  KILN_ASSIGN_OR_RETURN(Dims sizes, BroadcastSizes(ctx, part.sizes, ctx.Tensor(1).sizes));
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, sizes, part.sizes, "src", "the slice"));
  return ReturnWritten(ctx, self);
}

absl::Status DiagonalScatterMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(Dims sizes, DiagonalSizes(ctx, self, ctx.Int(2), ctx.Int(3), ctx.Int(4)));
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, sizes, ctx.Tensor(1).sizes, "the diagonal", "src"));
  return ReturnWritten(ctx, self);
}

absl::Status AsStridedScatterMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(const FakeTensor part, AsStridedOf(ctx, ctx.Tensor(0), 2));
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, part.sizes, ctx.Tensor(1).sizes, "the view", "src"));
  return ReturnWritten(ctx, ctx.Tensor(0));
}

absl::Status SelectBackwardMeta(MetaContext& ctx) { return ReturnNew(ctx, ctx.Tensor(0), ctx.SymInts(1)); }

absl::Status SliceBackwardMeta(MetaContext& ctx) { return SelectBackwardMeta(ctx); }

absl::Status MaskedFillMeta(MetaContext& ctx) {
  const FakeTensor& mask = ctx.Tensor(1);
  if (mask.dtype != DType::kBool) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("masked_fill only supports boolean masks, but got ",
                                                              GetDTypeRow(mask.dtype).name));
  }
  if (ctx.IsTensor(2) && ctx.Tensor(2).rank() != 0) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("masked_fill takes a 0-dim value tensor but got rank ", ctx.Tensor(2).rank()));
  }
  const Operand operands[] = {{&ctx.Tensor(0), {}}, {&mask, {}}};
  KILN_ASSIGN_OR_RETURN(Dims sizes, CommonSizes(ctx, operands));
  // A contiguous clone that is written, whatever the layout of self.
  ctx.Return(ctx.NewTensor(ctx.Tensor(0).dtype, ctx.Tensor(0).device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status MaskedScatterMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(Dims sizes, BroadcastSizes(ctx, self.sizes, ctx.Tensor(1).sizes));
  return ReturnNew(ctx, self, std::move(sizes));
}

absl::Status EmbeddingMeta(MetaContext& ctx) {
  const FakeTensor& weight = ctx.Tensor(0);
  const FakeTensor& indices = ctx.Tensor(1);
  if (weight.rank() != 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch,
                    absl::StrCat("embedding weight must have rank 2 but has rank ", weight.rank()));
  }
  KILN_RETURN_IF_ERROR(CheckIndexDType(ctx, indices, true));
  Dims sizes = indices.sizes;
  sizes.push_back(weight.sizes[1]);
  return ReturnNew(ctx, weight, std::move(sizes));
}

absl::Status EmbeddingBackwardMeta(MetaContext& ctx) {
  const FakeTensor& grad = ctx.Tensor(0);
  if (grad.rank() == 0) return ctx.Fail(ErrorReason::kShapeMismatch, "embedding gradient has no dimension");
  KILN_RETURN_IF_ERROR(CheckIndexDType(ctx, ctx.Tensor(1), true));
  return ReturnNew(ctx, grad, {ctx.SymInt(2), grad.sizes.back()});
}

absl::Status SearchsortedMeta(MetaContext& ctx) {
  const FakeTensor& sorted = ctx.Tensor(0);
  const bool int32 = ctx.Bool(ctx.schema().FindArg("out_int32"));
  Dims sizes;
  if (ctx.IsTensor(1)) sizes = ctx.Tensor(1).sizes;
  const DType dtype = int32 ? DType::kInt32 : DType::kInt64;
  // Contiguous, however the values lie.
  ctx.Return(ctx.NewTensor(dtype, sorted.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status BucketizeMeta(MetaContext& ctx) {
  const DType dtype = ctx.Bool(2) ? DType::kInt32 : DType::kInt64;
  if (!ctx.IsTensor(0)) {
    ctx.Return(ctx.NewTensor(dtype, ctx.Tensor(1).device, {}));
    return absl::OkStatus();
  }
  return ReturnLike(ctx, ctx.Tensor(0), dtype);
}

absl::Status IsinMeta(MetaContext& ctx) {
  const FakeTensor* elements = ctx.IsTensor(0) ? &ctx.Tensor(0) : nullptr;
  if (elements == nullptr) {
    ctx.Return(ctx.NewTensor(DType::kBool, ctx.Tensor(1).device, {}));
    return absl::OkStatus();
  }
  return ReturnLike(ctx, *elements, DType::kBool);
}

}  // namespace kiln
