#include "fake_runtime/ops/normalization_meta.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/memory_format.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

absl::Status ReturnNew(MetaContext& ctx, DType dtype, const Device& device, Dims sizes) {
  ctx.Return(ctx.NewTensor(dtype, device, std::move(sizes)));
  return absl::OkStatus();
}

// Statistics keep the input's dtype on a CPU, else the one that they are
// computed in.
DType StatisticsDType(const FakeTensor& input) {
  return input.device.is_cpu() ? input.dtype : ComputationDType(input.dtype);
}

absl::Status CheckParameter(MetaContext& ctx, absl::string_view name, absl::Span<const Expr> sizes) {
  const int arg = ctx.schema().FindArg(name);
  const FakeTensor* t = arg < 0 ? nullptr : ctx.OptionalTensor(arg);
  if (t == nullptr) return absl::OkStatus();
  return CheckSameSizes(ctx, t->sizes, sizes, name, "the normalized dimensions");
}

bool Wanted(MetaContext& ctx, int i) {
  return *(*ctx.Raw(ctx.schema().FindArg("output_mask")).get_if<ArgumentList>())[i].get_if<bool>();
}

// The input's layout where it has no gaps, as elementwise arithmetic on it
// gives.
absl::Status ReturnLikeInput(MetaContext& ctx, const FakeTensor& input) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, EmptyLike(ctx, input, input.dtype));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status CheckHasChannels(MetaContext& ctx, const FakeTensor& input) {
  if (input.rank() >= 2) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kShapeMismatch,
                  absl::StrCat("expected an input of rank 2 or more but got rank ", input.rank()));
}

absl::Status ReturnBatchNorm(MetaContext& ctx, bool training) {
  const FakeTensor& input = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckHasChannels(ctx, input));
  const Dims channels = {input.sizes[1]};
  for (absl::string_view name : {"weight", "bias", "running_mean", "running_var"}) {
    KILN_RETURN_IF_ERROR(CheckParameter(ctx, name, channels));
  }
  if (training) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ne(channels[0], Expr(0)), "there are channels to normalize",
                                         absl::StrCat("training on an input of ", channels[0].ToString(), " channels")));
  }
  KILN_RETURN_IF_ERROR(ReturnLikeInput(ctx, input));
  const DType dtype = StatisticsDType(input);
  const Dims statistics = training || !input.device.is_cpu() ? channels : Dims{Expr(0)};
  KILN_RETURN_IF_ERROR(ReturnNew(ctx, dtype, input.device, statistics));
  return ReturnNew(ctx, dtype, input.device, statistics);
}

bool Training(MetaContext& ctx) {
  const int arg = ctx.schema().FindArg("training");
  return arg >= 0 && ctx.Bool(arg);
}

}  // namespace

absl::Status LayerNormMeta(MetaContext& ctx) {
  const FakeTensor& input = ctx.Tensor(0);
  const Dims normalized = ctx.SymInts(1);
  const int axis = input.rank() - static_cast<int>(normalized.size());
  if (normalized.empty() || axis < 0) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("normalized_shape ", DimsText(normalized),
                                                              " does not fit an input of sizes ", DimsText(input.sizes)));
  }
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, absl::MakeConstSpan(input.sizes).subspan(axis), normalized,
                                      "the input's last dimensions", "normalized_shape"));
  KILN_RETURN_IF_ERROR(CheckParameter(ctx, "weight", normalized));
  KILN_RETURN_IF_ERROR(CheckParameter(ctx, "bias", normalized));
  Dims statistics(input.sizes.begin(), input.sizes.begin() + axis);
  statistics.resize(input.rank(), Expr(1));
  KILN_RETURN_IF_ERROR(ReturnNew(ctx, input.dtype, input.device, input.sizes));
  KILN_RETURN_IF_ERROR(ReturnNew(ctx, StatisticsDType(input), input.device, statistics));
  return ReturnNew(ctx, StatisticsDType(input), input.device, statistics);
}

absl::Status LayerNormBackwardMeta(MetaContext& ctx) {
  const FakeTensor& input = ctx.Tensor(1);
  const Dims normalized = ctx.SymInts(2);
  if (Wanted(ctx, 0)) {
    KILN_RETURN_IF_ERROR(ReturnNew(ctx, input.dtype, input.device, input.sizes));
  } else {
    ctx.Return(std::monostate());
  }
  for (int i : {1, 2}) {
    const FakeTensor* parameter = ctx.OptionalTensor(4 + i);
    if (Wanted(ctx, i) && (parameter != nullptr || i == 1)) {
      KILN_RETURN_IF_ERROR(
          ReturnNew(ctx, parameter == nullptr ? input.dtype : parameter->dtype, input.device, normalized));
    } else {
      ctx.Return(std::monostate());
    }
  }
  return absl::OkStatus();
}

absl::Status GroupNormMeta(MetaContext& ctx) {
  const FakeTensor& input = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(CheckHasChannels(ctx, input));
  const Expr batch = ctx.SymInt(3), channels = ctx.SymInt(4);
  const int64_t groups = ctx.Int(6);
  if (groups <= 0) return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("group is ", groups));
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      ctx.pool().Eq(ctx.pool().Mod(channels, Expr(groups)), Expr(0)), "channels divisible by groups",
      absl::StrCat("channels are ", channels.ToString(), ", not divisible by ", groups, " groups")));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(Numel(ctx.pool(), input.sizes),
                                      ctx.pool().Mul({batch, channels, ctx.SymInt(5)}), "the input's elements",
                                      "N * C * HxW"));
  for (absl::string_view name : {"weight", "bias"}) {
    KILN_RETURN_IF_ERROR(CheckParameter(ctx, name, absl::MakeConstSpan(&channels, 1)));
  }
  if (ctx.OptionalTensor(1) != nullptr || ctx.OptionalTensor(2) != nullptr) {
    // They are broadcast along dimension 1 of the input.
    KILN_ASSIGN_OR_RETURN(bool one, GuardOne(ctx, channels, "one channel"));
    if (!one) KILN_RETURN_IF_ERROR(ctx.CheckEqual(input.sizes[1], channels, "the input's dim 1", "C"));
  }
  KILN_RETURN_IF_ERROR(ReturnLikeInput(ctx, input));
  const Dims statistics = {batch, Expr(groups)};
  KILN_RETURN_IF_ERROR(ReturnNew(ctx, input.dtype, input.device, statistics));
  return ReturnNew(ctx, input.dtype, input.device, statistics);
}

absl::Status GroupNormBackwardMeta(MetaContext& ctx) {
  const FakeTensor& input = ctx.Tensor(1);
  const Expr channels = ctx.SymInt(6);
  for (int i = 0; i < 3; ++i) {
    if (!Wanted(ctx, i)) {
      ctx.Return(std::monostate());
    } else if (i == 0) {
      KILN_RETURN_IF_ERROR(ReturnLikeInput(ctx, input));
    } else {
      KILN_RETURN_IF_ERROR(ReturnNew(ctx, input.dtype, input.device, {channels}));
    }
  }
  return absl::OkStatus();
}

absl::Status BatchNormMeta(MetaContext& ctx) { return ReturnBatchNorm(ctx, Training(ctx)); }

absl::Status BatchNormFunctionalMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(ReturnBatchNorm(ctx, Training(ctx)));
  for (absl::string_view name : {"running_mean", "running_var"}) {
    const FakeTensor& statistic = ctx.Tensor(ctx.schema().FindArg(name));
    KILN_RETURN_IF_ERROR(ReturnNew(ctx, statistic.dtype, statistic.device, statistic.sizes));
  }
  return absl::OkStatus();
}

absl::Status BatchNormUpdateMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(ReturnBatchNorm(ctx, true));
  // Only cuDNN and MIOpen keep something in the reserve.
  return ReturnNew(ctx, DType::kUInt8, ctx.Tensor(0).device, {Expr(0)});
}

absl::Status BatchNormBackwardMeta(MetaContext& ctx) {
  const FakeTensor& input = ctx.Tensor(1);
  KILN_RETURN_IF_ERROR(CheckHasChannels(ctx, input));
  const FakeTensor* weight = ctx.OptionalTensor(ctx.schema().FindArg("weight"));
  KILN_RETURN_IF_ERROR(ReturnLikeInput(ctx, input));
  for (int i : {1, 2}) {
    if (!Wanted(ctx, i)) {
      ctx.Return(std::monostate());
      continue;
    }
    KILN_RETURN_IF_ERROR(
        ReturnNew(ctx, weight == nullptr ? input.dtype : weight->dtype, input.device, {input.sizes[1]}));
  }
  return absl::OkStatus();
}

absl::Status RenormMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_RETURN_IF_ERROR(ctx.WrapDim(ctx.Int(2), self.rank()).status());
  ctx.Return(ctx.NewTensor(self.dtype, self.device, self.sizes));
  return absl::OkStatus();
}

// v * (g / norm), where the norm is over all dimensions of v but one.
absl::Status WeightNormMeta(MetaContext& ctx) {
  const FakeTensor& v = ctx.Tensor(0);
  const FakeTensor& g = ctx.Tensor(1);
  Dims sizes(v.rank(), Expr(1));
  // As in PyTorch's decomposition, a dim that v has not leaves no dimension out.
  const int64_t dim = ctx.Int(2);
  if (dim >= 0 && dim < v.rank()) sizes[dim] = v.sizes[dim];
  const FakeTensor norm = ctx.NewTensor(g.dtype == DType::kBFloat16 ? DType::kFloat32 : v.dtype, v.device, sizes);
  const Operand quotient_of[] = {{&g, {}}, {&norm, {}}};
  KILN_ASSIGN_OR_RETURN(FakeTensor quotient, ElementwiseOf(ctx, quotient_of, g.dtype));
  const Operand product_of[] = {{&v, {}}, {&quotient, {}}};
  KILN_ASSIGN_OR_RETURN(FakeTensor out, Elementwise(ctx, product_of, Promote::kDefault));
  ctx.Return(std::move(out));
  ctx.Return(norm);
  return absl::OkStatus();
}

absl::Status WeightNormBackwardMeta(MetaContext& ctx) {
  KILN_RETURN_IF_ERROR(ReturnLikeInput(ctx, ctx.Tensor(1)));
  return ReturnLikeInput(ctx, ctx.Tensor(2));
}

}  // namespace kiln
