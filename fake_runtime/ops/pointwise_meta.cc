#include "fake_runtime/ops/pointwise_meta.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/memory_format.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

Operands OperandsOf(MetaContext& ctx, std::initializer_list<int> args) {
  Operands operands;
  for (int i : args) {
    if (!ctx.IsNone(i)) operands.push_back(OperandOf(ctx, i));
  }
  return operands;
}

int FindArg(MetaContext& ctx, absl::string_view name) { return ctx.schema().FindArg(name); }

absl::Status ReturnOne(MetaContext& ctx, absl::StatusOr<FakeTensor> tensor) {
  if (!tensor.ok()) return tensor.status();
  ctx.Return(*std::move(tensor));
  return absl::OkStatus();
}

}  // namespace

absl::Status PointwiseMeta(MetaContext& ctx, Promote promote, std::initializer_list<int> args) {
  return ReturnOne(ctx, Elementwise(ctx, OperandsOf(ctx, args), promote));
}

absl::Status FloatPointwiseMeta(MetaContext& ctx, std::initializer_list<int> args) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, Elementwise(ctx, OperandsOf(ctx, args), Promote::kDefault));
  if (IsIntegralOrBool(out.dtype)) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("not implemented for ", GetDTypeRow(out.dtype).name));
  }
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status SelfTypedMeta(MetaContext& ctx, std::initializer_list<int> args) {
  return ReturnOne(ctx, ElementwiseOf(ctx, OperandsOf(ctx, args), ctx.Tensor(0).dtype));
}

absl::Status AngleMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  return ReturnOne(ctx, EmptyLike(ctx, self, RealDType(FloatDType(self.dtype))));
}

// A sum over a dimension of its own (at::mvlgamma), so it forgets self's order.
absl::Status MvlgammaMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  return ReturnOne(ctx, ctx.NewTensor(FloatDType(self.dtype), self.device, self.sizes));
}

absl::Status BceBackwardMeta(MetaContext& ctx) {
  return ReturnOne(ctx, EmptyLike(ctx, ctx.Tensor(1), ctx.Tensor(1).dtype));
}

absl::Status DivModeMeta(MetaContext& ctx) {
  const int mode = FindArg(ctx, "rounding_mode");
  if (!ctx.IsNone(mode) && ctx.String(mode) != "trunc" && ctx.String(mode) != "floor") {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("rounding_mode is '", ctx.String(mode), "' but must be none, 'trunc' or 'floor'"));
  }
  return PointwiseMeta(ctx, ctx.IsNone(mode) ? Promote::kIntToFloat : Promote::kDefault, {0, 1});
}

absl::Status WhereMeta(MetaContext& ctx) {
  const Operands all = OperandsOf(ctx, {0, 1, 2});
  if (all[0].tensor->dtype != DType::kBool && all[0].tensor->dtype != DType::kUInt8) {
    return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("where expects a condition of torch.bool but got ",
                                                              GetDTypeRow(all[0].tensor->dtype).name));
  }
  KILN_ASSIGN_OR_RETURN(DType dtype, ResultType(ctx, absl::MakeConstSpan(all).subspan(1)));
  return ReturnOne(ctx, ElementwiseOf(ctx, all, dtype));
}

absl::Status FrexpMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(ReturnOne(ctx, EmptyLike(ctx, ctx.Tensor(0), ctx.Tensor(0).dtype)));
  return ReturnOne(ctx, EmptyLike(ctx, ctx.Tensor(0), DType::kInt32));
}

absl::Status ComplexMeta(MetaContext& ctx) {
  const Operands all = OperandsOf(ctx, {0, 1});
  return ReturnOne(ctx, ElementwiseOf(ctx, all, ComplexDType(all[0].tensor->dtype)));
}

absl::Status GluMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kBadArgumentValue, "glu does not support 0-dimensional tensors");
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      ctx.pool().Eq(ctx.pool().Mod(self.sizes[dim], Expr(2)), Expr(0)), "halving dimension is even",
      absl::StrCat("halving dimension must be even, but dimension ", dim, " is ", self.sizes[dim].ToString())));
  FakeTensor half = self;
  half.sizes[dim] = ctx.pool().FloorDiv(self.sizes[dim], Expr(2));
  Operand operand{&half, {}};
  return ReturnOne(ctx, ElementwiseOf(ctx, absl::MakeConstSpan(&operand, 1), self.dtype));
}

absl::Status LogSigmoidMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(ReturnOne(ctx, EmptyLike(ctx, self, self.dtype)));
  // The buffer is only a device's own: empty where the forward pass needs none.
  if (self.device.is_cpu()) return ReturnOne(ctx, EmptyLike(ctx, self, self.dtype));
  ctx.Return(ctx.NewTensor(self.dtype, self.device, {Expr(0)}));
  return absl::OkStatus();
}

absl::Status LikeSelfMeta(MetaContext& ctx) {
  return ReturnOne(ctx, EmptyLike(ctx, ctx.Tensor(0), ctx.Tensor(0).dtype));
}

absl::Status RreluFunctionalMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(LikeSelfMeta(ctx));
  return ReturnOne(ctx, EmptyLike(ctx, ctx.Tensor(1), ctx.Tensor(1).dtype));
}

absl::Status DropoutMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(LikeSelfMeta(ctx));
  return ReturnOne(ctx, EmptyLike(ctx, ctx.Tensor(0), DType::kBool));
}

absl::Status LossMeta(MetaContext& ctx) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, Elementwise(ctx, OperandsOf(ctx, {0, 1}), Promote::kDefault));
  // at::Reduction: 0 is none, 1 mean, 2 sum.
  if (ctx.Int(FindArg(ctx, "reduction")) != 0) out = ctx.NewTensor(out.dtype, out.device, {});
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status BceLossMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, self.sizes, ctx.Tensor(1).sizes, "input", "target"));
  if (ctx.Int(FindArg(ctx, "reduction")) == 0) return LikeSelfMeta(ctx);
  ctx.Return(ctx.NewTensor(self.dtype, self.device, {}));
  return absl::OkStatus();
}

// A product that PyTorch's decomposition clones into the format that grad suggests.
absl::Status DropoutBackwardMeta(MetaContext& ctx) {
  const Operand operands[] = {OperandOf(ctx, 0), OperandOf(ctx, 1)};
  KILN_ASSIGN_OR_RETURN(FakeTensor out, Elementwise(ctx, operands, Promote::kIntToFloat));
  KILN_ASSIGN_OR_RETURN(MemoryFormat format, SuggestMemoryFormat(ctx, ctx.Tensor(0)));
  KILN_ASSIGN_OR_RETURN(out.strides, StridesOfFormat(ctx, format, out.sizes));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

}  // namespace kiln
