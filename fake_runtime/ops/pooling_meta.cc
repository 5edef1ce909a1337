#include "fake_runtime/ops/pooling_meta.h"

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/memory_format.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

struct PoolArgs {
  std::vector<int64_t> kernel, stride, padding, dilation;
  bool ceil_mode = false;
};

absl::StatusOr<std::vector<int64_t>> PerDimension(MetaContext& ctx, absl::string_view name, int spatial,
                                                  const std::vector<int64_t>& fallback) {
  const int arg = ctx.schema().FindArg(name);
  std::vector<int64_t> values = arg < 0 ? std::vector<int64_t>() : ctx.Ints(arg);
  if (values.empty()) return fallback;
  if (values.size() == 1) values.resize(spatial, values[0]);
  if (static_cast<int>(values.size()) == spatial) return values;
  return ctx.Fail(ErrorReason::kBadArgumentValue,
                  absl::StrCat(name, " has ", values.size(), " values for ", spatial, " spatial dimensions"));
}

absl::StatusOr<PoolArgs> ReadPool(MetaContext& ctx, int spatial) {
  PoolArgs args;
  KILN_ASSIGN_OR_RETURN(args.kernel, PerDimension(ctx, "kernel_size", spatial, {}));
  KILN_ASSIGN_OR_RETURN(args.stride, PerDimension(ctx, "stride", spatial, args.kernel));
  KILN_ASSIGN_OR_RETURN(args.padding, PerDimension(ctx, "padding", spatial, std::vector<int64_t>(spatial, 0)));
  KILN_ASSIGN_OR_RETURN(args.dilation, PerDimension(ctx, "dilation", spatial, std::vector<int64_t>(spatial, 1)));
  args.ceil_mode = ctx.Bool(ctx.schema().FindArg("ceil_mode"));
  for (int i = 0; i < spatial; ++i) {
    const int64_t span = (args.kernel[i] - 1) * args.dilation[i] + 1;
    if (args.kernel[i] > 0 && args.stride[i] > 0 && args.dilation[i] > 0 && args.padding[i] >= 0 &&
        args.padding[i] <= span / 2) {
      continue;
    }
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("pooling window ", i, ": kernel ", args.kernel[i], ", stride ", args.stride[i],
                                 ", dilation ", args.dilation[i], " must be positive, and padding ", args.padding[i],
                                 " between 0 and half of the kernel"));
  }
  return args;
}

// at::native::pooling_output_shape.
absl::StatusOr<Expr> PooledLength(MetaContext& ctx, Expr length, const PoolArgs& args, int i) {
  ExprPool& pool = ctx.pool();
  const Expr stride = pool.Int(args.stride[i]), padding = pool.Int(args.padding[i]);
  const int64_t span = args.dilation[i] * (args.kernel[i] - 1) + 1;
  Expr room = pool.Add(pool.Add(length, pool.Mul(Expr(2), padding)), pool.Int(-span));
  if (args.ceil_mode) room = pool.Add(room, pool.Int(args.stride[i] - 1));
  Expr out = ctx.env().Simplify(pool.Add(pool.FloorDiv(room, stride), Expr(1)));
  if (args.ceil_mode) {
    // The last window must start inside the input or its left padding.
    KILN_ASSIGN_OR_RETURN(bool outside,
                          ctx.Test(pool.Ge(pool.Mul(pool.Sub(out, Expr(1)), stride), pool.Add(length, padding)),
                                   "the last pooling window starts outside"));
    if (outside) out = pool.Sub(out, Expr(1));
  }
  KILN_RETURN_IF_ERROR(ctx.env().Check(pool.Ge(out, Expr(1)), "the pooled output is not empty",
                                       absl::StrCat("output size ", out.ToString(), " of spatial dimension ", i,
                                                    " is too small for input size ", length.ToString())));
  return out;
}

absl::StatusOr<Dims> PooledSizes(MetaContext& ctx, const FakeTensor& self, int spatial) {
  if (self.rank() != spatial + 1 && self.rank() != spatial + 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("expected rank ", spatial + 1, " or ", spatial + 2,
                                                              " but got rank ", self.rank()));
  }
  KILN_ASSIGN_OR_RETURN(PoolArgs args, ReadPool(ctx, spatial));
  Dims sizes = self.sizes;
  const int first = self.rank() - spatial;
  for (int d = first == 2 ? 1 : 0; d < self.rank(); ++d) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ne(self.sizes[d], Expr(0)), "non-batch dimensions are not empty",
                                         absl::StrCat("input dimension ", d, " has size ", self.sizes[d].ToString())));
  }
  for (int i = 0; i < spatial; ++i) {
    KILN_ASSIGN_OR_RETURN(sizes[first + i], PooledLength(ctx, self.sizes[first + i], args, i));
  }
  return sizes;
}

// What max_pool2d gave has the sizes of the result; its batch is not looked at.
absl::Status CheckPooledShape(MetaContext& ctx, const FakeTensor& self) {
  KILN_ASSIGN_OR_RETURN(Dims sizes, PooledSizes(ctx, self, 2));
  for (absl::string_view name : {"grad_output", "indices"}) {
    const FakeTensor& t = ctx.Tensor(ctx.schema().FindArg(name));
    if (t.rank() != self.rank()) {
      return ctx.Fail(ErrorReason::kShapeMismatch,
                      absl::StrCat(name, " has rank ", t.rank(), " but self has rank ", self.rank()));
    }
    for (int d = self.rank() - 3; d < self.rank(); ++d) {
      KILN_RETURN_IF_ERROR(ctx.CheckEqual(t.sizes[d], sizes[d], absl::StrCat(name, " dim ", d), "of the pooled input"));
    }
  }
  return absl::OkStatus();
}

// Padding aside, the input is no smaller than the kernel. Only 3-D averages ask.
absl::Status CheckCoversKernel(MetaContext& ctx, const FakeTensor& self, int spatial) {
  KILN_ASSIGN_OR_RETURN(std::vector<int64_t> kernel, PerDimension(ctx, "kernel_size", spatial, {}));
  for (int i = 0; i < spatial && self.rank() >= spatial; ++i) {
    const Expr size = self.sizes[self.rank() - spatial + i];
    KILN_RETURN_IF_ERROR(ctx.env().Check(
        ctx.pool().Ge(size, ctx.pool().Int(kernel[i])), "the input covers the kernel",
        absl::StrCat("input size ", size.ToString(), " is smaller than kernel size ", kernel[i])));
  }
  return absl::OkStatus();
}

int SpatialRank(MetaContext& ctx, absl::string_view arg) {
  return ctx.schema().args[ctx.schema().FindArg(arg)].list_size;
}

absl::Status ReturnInFormat(MetaContext& ctx, const FakeTensor& self, DType dtype, Dims sizes) {
  KILN_ASSIGN_OR_RETURN(FakeTensor out, NewInFormatOf(ctx, self, dtype, std::move(sizes)));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::StatusOr<Dims> AdaptiveSizes(MetaContext& ctx, const FakeTensor& self, const Dims& output) {
  const int spatial = static_cast<int>(output.size());
  if (self.rank() != spatial + 1 && self.rank() != spatial + 2) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("expected rank ", spatial + 1, " or ", spatial + 2,
                                                              " but got rank ", self.rank()));
  }
  Dims sizes = self.sizes;
  for (int i = 0; i < spatial; ++i) {
    const int d = self.rank() - spatial + i;
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Gt(self.sizes[d], Expr(0)), "non-batch dimensions are not empty",
                                         absl::StrCat("input dimension ", d, " has size ", self.sizes[d].ToString())));
    sizes[d] = output[i];
  }
  return sizes;
}

absl::Status CheckSpatial(MetaContext& ctx, const FakeTensor& self, size_t spatial) {
  if (self.rank() == static_cast<int>(spatial) + 2) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kShapeMismatch,
                  absl::StrCat("expected rank ", spatial + 2, " but got rank ", self.rank()));
}

absl::Status ReturnResampled(MetaContext& ctx, const FakeTensor& self, const Dims& output) {
  KILN_RETURN_IF_ERROR(CheckSpatial(ctx, self, output.size()));
  Dims sizes = self.sizes;
  for (size_t i = 0; i < output.size(); ++i) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(
        ctx.pool().And(ctx.pool().Gt(output[i], Expr(0)), ctx.pool().Gt(self.sizes[i + 2], Expr(0))),
        "sizes are positive",
        absl::StrCat("input and output sizes should be greater than 0, but got ", self.sizes[i + 2].ToString(), " and ",
                     output[i].ToString())));
    sizes[i + 2] = output[i];
  }
  return ReturnInFormat(ctx, self, self.dtype, std::move(sizes));
}

}  // namespace

absl::Status AvgPoolMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (SpatialRank(ctx, "kernel_size") == 3) KILN_RETURN_IF_ERROR(CheckCoversKernel(ctx, self, 3));
  KILN_ASSIGN_OR_RETURN(Dims sizes, PooledSizes(ctx, self, SpatialRank(ctx, "kernel_size")));
  const int divisor = ctx.schema().FindArg("divisor_override");
  if (divisor >= 0 && !ctx.IsNone(divisor) && ctx.Int(divisor) == 0)
    return ctx.Fail(ErrorReason::kBadArgumentValue, "divisor_override must not be zero");
  return ReturnInFormat(ctx, self, self.dtype, std::move(sizes));
}

absl::Status MaxPoolMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(Dims sizes, PooledSizes(ctx, self, SpatialRank(ctx, "kernel_size")));
  KILN_RETURN_IF_ERROR(ReturnInFormat(ctx, self, self.dtype, sizes));
  return ReturnInFormat(ctx, self, DType::kInt64, std::move(sizes));
}

absl::Status PoolBackwardMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(1);
  if (absl::StartsWith(ctx.schema().name, "aten.max_pool2d_with_indices_backward.")) {
    KILN_RETURN_IF_ERROR(CheckPooledShape(ctx, self));
  }
  return ReturnInFormat(ctx, self, self.dtype, self.sizes);
}

absl::Status AdaptiveAvgPoolMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(Dims sizes, AdaptiveSizes(ctx, self, ctx.SymInts(1)));
  if (sizes.size() == 5) {
    ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes)));
    return absl::OkStatus();
  }
  return ReturnInFormat(ctx, self, self.dtype, std::move(sizes));
}

absl::Status AdaptiveMaxPoolMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(Dims sizes, AdaptiveSizes(ctx, self, ctx.SymInts(1)));
  KILN_RETURN_IF_ERROR(ReturnInFormat(ctx, self, self.dtype, sizes));
  return ReturnInFormat(ctx, self, DType::kInt64, std::move(sizes));
}

absl::Status UpsampleMeta(MetaContext& ctx) { return ReturnResampled(ctx, ctx.Tensor(0), ctx.SymInts(1)); }

absl::Status UpsampleVecMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const int factors_arg = ctx.schema().FindArg("scale_factors");
  if (!ctx.IsNone(1)) return ReturnResampled(ctx, self, ctx.SymInts(1));
  if (ctx.IsNone(factors_arg))
    return ctx.Fail(ErrorReason::kBadArgumentValue, "must specify exactly one of output_size and scale_factors");
  Dims output;
  const ArgumentList& factors = *ctx.Raw(factors_arg).get_if<ArgumentList>();
  KILN_RETURN_IF_ERROR(CheckSpatial(ctx, self, factors.size()));
  for (size_t i = 0; i < factors.size(); ++i) {
    const double factor = *factors[i].get_if<double>();
    ExprPool& pool = ctx.pool();
    const Expr size = self.sizes[i + 2];
    // A whole factor keeps the size an integer expression.
    if (factor == std::floor(factor) && factor > 0 && factor < 1e9) {
      output.push_back(pool.Mul(size, pool.Int(static_cast<int64_t>(factor))));
    } else {
      output.push_back(pool.TruncToInt(pool.Make(ExprKind::kFloatMul, {pool.ToFloat(size), pool.Float(factor)})));
    }
  }
  return ReturnResampled(ctx, self, output);
}

absl::Status UpsampleBackwardMeta(MetaContext& ctx) {
  const FakeTensor& grad = ctx.Tensor(0);
  if (grad.rank() == 5) {
    ctx.Return(ctx.NewTensor(grad.dtype, grad.device, ctx.SymInts(ctx.schema().FindArg("input_size"))));
    return absl::OkStatus();
  }
  return ReturnInFormat(ctx, grad, grad.dtype, ctx.SymInts(ctx.schema().FindArg("input_size")));
}

absl::Status GridSamplerMeta(MetaContext& ctx) {
  const FakeTensor& input = ctx.Tensor(0);
  const FakeTensor& grid = ctx.Tensor(1);
  const int spatial = input.rank() - 2;
  if (spatial != 2 && spatial != 3)
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("grid_sampler of an input of rank ", input.rank()));
  if (grid.rank() != input.rank()) {
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("grid has rank ", grid.rank(), " but input has rank ",
                                                              input.rank()));
  }
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(input.sizes[0], grid.sizes[0], "input dim 0", "grid dim 0"));
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(grid.sizes.back(), Expr(spatial), "the last dim of grid", "the spatial rank"));
  for (int d = 2; d < input.rank(); ++d) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ne(input.sizes[d], Expr(0)), "spatial dimensions are not empty",
                                         absl::StrCat("input dimension ", d, " has size ", input.sizes[d].ToString())));
  }
  Dims sizes = {input.sizes[0], input.sizes[1]};
  for (int i = 0; i < spatial; ++i) sizes.push_back(grid.sizes[1 + i]);
  ctx.Return(ctx.NewTensor(input.dtype, input.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status MaxUnpoolMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const Dims output = ctx.SymInts(2);
  Dims sizes(self.sizes.begin(), self.sizes.end() - std::min<size_t>(output.size(), self.sizes.size()));
  sizes.insert(sizes.end(), output.begin(), output.end());
  ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes)));
  return absl::OkStatus();
}

}  // namespace kiln
