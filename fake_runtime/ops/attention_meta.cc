#include "fake_runtime/ops/attention_meta.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/elementwise.h"

namespace kiln {
namespace {

// `query` is the index of the first of three arguments in a row.
absl::Status CheckOperands(MetaContext& ctx, int query) {
  for (int i = query; i < query + 3; ++i) {
    const FakeTensor& t = ctx.Tensor(i);
    if (t.rank() != 4) {
      return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat(ctx.schema().args[i].name,
                                                                " must have rank 4 but has rank ", t.rank()));
    }
    if (t.dtype != ctx.Tensor(query).dtype) {
      return ctx.Fail(ErrorReason::kDtypeMismatch,
                      absl::StrCat(ctx.schema().args[i].name, " is ", GetDTypeRow(t.dtype).name, " but query is ",
                                   GetDTypeRow(ctx.Tensor(query).dtype).name));
    }
  }
  const FakeTensor& q = ctx.Tensor(query);
  const FakeTensor& k = ctx.Tensor(query + 1);
  const FakeTensor& v = ctx.Tensor(query + 2);
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(q.sizes[0], k.sizes[0], "query dim 0", "key dim 0"));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(q.sizes[3], k.sizes[3], "query dim 3", "key dim 3"));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(k.sizes[1], v.sizes[1], "key dim 1", "value dim 1"));
  return ctx.CheckEqual(k.sizes[2], v.sizes[2], "key dim 2", "value dim 2");
}

// [B,H,L,E] in memory as [B,L,H,E].
FakeTensor NewSequenceMajor(MetaContext& ctx, const FakeTensor& t) {
  const Dims physical = {t.sizes[0], t.sizes[2], t.sizes[1], t.sizes[3]};
  Dims strides = ContiguousStrides(ctx.env(), physical);
  std::swap(strides[1], strides[2]);
  return ctx.NewTensor(t.dtype, t.device, t.sizes, std::move(strides));
}

}  // namespace

absl::Status FlashAttentionCpuMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckOperands(ctx, 0));
  const FakeTensor& query = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(FakeTensor out, EmptyLike(ctx, query, query.dtype));
  ctx.Return(std::move(out));
  const Dims physical = {query.sizes[0], query.sizes[2], query.sizes[1]};
  Dims strides = ContiguousStrides(ctx.env(), physical);
  std::swap(strides[1], strides[2]);
  ctx.Return(ctx.NewTensor(ComputationDType(query.dtype), query.device,
                           {query.sizes[0], query.sizes[1], query.sizes[2]}, std::move(strides)));
  return absl::OkStatus();
}

absl::Status FlashAttentionCpuBackwardMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(CheckOperands(ctx, 1));
  for (int i : {1, 2, 3}) ctx.Return(NewSequenceMajor(ctx, ctx.Tensor(i)));
  return absl::OkStatus();
}

}  // namespace kiln
