#include "fake_runtime/ops/convolution_meta.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/memory_format.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

struct ConvolutionShape {
  Dims stride, padding, dilation, output_padding;
  bool transposed = false;
  Expr groups;
};

// A one-element list stands for all spatial dimensions.
absl::StatusOr<Dims> PerDimension(MetaContext& ctx, int arg, int spatial) {
  Dims values = ctx.SymInts(arg);
  if (static_cast<int>(values.size()) == spatial) return values;
  if (values.size() == 1) return Dims(spatial, values[0]);
  return ctx.Fail(ErrorReason::kBadArgumentValue,
                  absl::StrCat(ctx.schema().args[arg].name, " has ", values.size(), " values for ", spatial,
                               " spatial dimensions"));
}

// Reads the arguments from `stride` on, which stand in the same order in both
// operators.
absl::StatusOr<ConvolutionShape> ReadShape(MetaContext& ctx, int spatial) {
  const int first = ctx.schema().FindArg("stride");
  ConvolutionShape shape;
  KILN_ASSIGN_OR_RETURN(shape.stride, PerDimension(ctx, first, spatial));
  KILN_ASSIGN_OR_RETURN(shape.padding, PerDimension(ctx, first + 1, spatial));
  KILN_ASSIGN_OR_RETURN(shape.dilation, PerDimension(ctx, first + 2, spatial));
  shape.transposed = ctx.Bool(first + 3);
  KILN_ASSIGN_OR_RETURN(shape.output_padding, PerDimension(ctx, first + 4, spatial));
  shape.groups = ctx.SymInt(first + 5);
  for (const Dims* dims : {&shape.stride, &shape.dilation}) {
    for (Expr e : *dims) {
      KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Gt(e, Expr(0)), "stride and dilation are positive",
                                           absl::StrCat("stride ", DimsText(shape.stride), " and dilation ",
                                                        DimsText(shape.dilation), " must be positive")));
    }
  }
  for (Expr e : shape.padding) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(e, Expr(0)), "padding is not negative",
                                         absl::StrCat("padding ", DimsText(shape.padding), " must not be negative")));
  }
  KILN_RETURN_IF_ERROR(
      ctx.env().Check(ctx.pool().Gt(shape.groups, Expr(0)), "groups are positive",
                      absl::StrCat("groups must be positive but are ", shape.groups.ToString())));
  return shape;
}

absl::Status CheckRanks(MetaContext& ctx, const FakeTensor& input, const FakeTensor& weight) {
  if (input.rank() == weight.rank() && input.rank() >= 3 && input.rank() <= 5) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("convolution of an input of rank ", input.rank(),
                                                            " with a weight of rank ", weight.rank()));
}

// The length of spatial dimension `i` of the result.
absl::StatusOr<Expr> OutputLength(MetaContext& ctx, const ConvolutionShape& shape, Expr length, Expr kernel, int i) {
  ExprPool& pool = ctx.pool();
  const Expr reach = pool.Mul(shape.dilation[i], pool.Sub(kernel, Expr(1)));
  const Expr padding = pool.Mul(Expr(2), shape.padding[i]);
  if (shape.transposed) {
    const Expr grown = pool.Mul(pool.Sub(length, Expr(1)), shape.stride[i]);
    const Expr out = pool.Add(pool.Sub(pool.Add(grown, reach), padding), pool.Add(shape.output_padding[i], Expr(1)));
    KILN_RETURN_IF_ERROR(ctx.env().Check(
        pool.Ge(out, Expr(0)), "an output size is not negative",
        absl::StrCat("output size ", out.ToString(), " of spatial dimension ", i, " for input size ", length.ToString())));
    return out;
  }
  const Expr padded = pool.Add(length, padding);
  const Expr span = pool.Add(reach, Expr(1));
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      pool.Ge(padded, span), "the kernel fits the padded input",
      absl::StrCat("padded input size ", padded.ToString(), " is less than kernel size ", span.ToString(),
                   " in spatial dimension ", i)));
  return ctx.env().Simplify(pool.Add(pool.FloorDiv(pool.Sub(padded, span), shape.stride[i]), Expr(1)));
}

// An empty input is one without batch or channels.
absl::Status CheckEmptyInput(MetaContext& ctx, const FakeTensor& input) {
  ExprPool& pool = ctx.pool();
  bool empty = false;
  for (int d = 2; d < input.rank() && !empty; ++d) {
    KILN_ASSIGN_OR_RETURN(empty, GuardZero(ctx, input.sizes[d], "the image is empty"));
  }
  if (!empty) return absl::OkStatus();
  return ctx.env().Check(
      pool.Or(pool.Eq(input.sizes[0], Expr(0)), pool.Eq(input.sizes[1], Expr(0))),
      "only the batch or the channels may be empty",
      absl::StrCat("only zero batch or zero channel inputs are supported, but got ", DimsText(input.sizes)));
}

absl::StatusOr<Dims> OutputSizes(MetaContext& ctx, const FakeTensor& input, const FakeTensor& weight,
                                 const ConvolutionShape& shape) {
  ExprPool& pool = ctx.pool();
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      pool.And(pool.Ge(weight.sizes[0], shape.groups), pool.Eq(pool.Mod(weight.sizes[0], shape.groups), Expr(0))),
      "as many filters for each group",
      absl::StrCat("weight dim 0 is ", weight.sizes[0].ToString(), " but there are ", shape.groups.ToString(), " groups")));
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      pool.Eq(pool.Mod(weight.sizes[0], shape.groups), Expr(0)), "groups divide weight dim 0",
      absl::StrCat("weight dim 0 is ", weight.sizes[0].ToString(), ", not divisible by ", shape.groups.ToString(),
                   " groups")));
  if (shape.transposed) {
    KILN_RETURN_IF_ERROR(ctx.CheckEqual(weight.sizes[0], input.sizes[1], "weight dim 0", "input channels"));
  } else {
    KILN_RETURN_IF_ERROR(ctx.CheckEqual(pool.Mul(weight.sizes[1], shape.groups), input.sizes[1],
                                        "weight dim 1 times groups", "input channels"));
  }
  Dims sizes = {input.sizes[0], shape.transposed ? pool.Mul(shape.groups, weight.sizes[1]) : weight.sizes[0]};
  Expr some_positive = Expr::Bool(false);
  for (int i = 0; i + 2 < input.rank(); ++i) {
    KILN_ASSIGN_OR_RETURN(Expr length, OutputLength(ctx, shape, input.sizes[i + 2], weight.sizes[i + 2], i));
    some_positive = pool.Or(some_positive, pool.Gt(length, Expr(0)));
    sizes.push_back(length);
  }
  KILN_RETURN_IF_ERROR(ctx.env().Check(some_positive, "the convolution's output is not empty",
                                       absl::StrCat("output size is too small: ", DimsText(sizes))));
  KILN_RETURN_IF_ERROR(CheckEmptyInput(ctx, input));
  return sizes;
}

bool AnyUnbacked(const FakeTensor& t) {
  for (Expr size : t.sizes) {
    if (size.has_unbacked()) return true;
  }
  return false;
}

// The memory format of the CPU kernels' results (Convolution.cpp,
// _conv_determine_backend_memory_format): channels-last where the input or the
// weight is. A 1-D convolution runs as a 2-D one of a contiguous input.
absl::StatusOr<MemoryFormat> BackendFormat(MetaContext& ctx, const FakeTensor& input, const FakeTensor& weight) {
  if (AnyUnbacked(input) || AnyUnbacked(weight)) return MemoryFormat::kContiguous;
  if (input.rank() == 3) {
    FakeTensor lifted = weight;
    lifted.sizes.insert(lifted.sizes.begin() + 2, Expr(1));
    lifted.strides.insert(lifted.strides.begin() + 2, ctx.pool().Mul(weight.sizes[2], weight.strides[2]));
    return SuggestMemoryFormat(ctx, lifted);
  }
  KILN_ASSIGN_OR_RETURN(MemoryFormat of_input, SuggestMemoryFormat(ctx, input));
  if (of_input != MemoryFormat::kContiguous) return of_input;
  return SuggestMemoryFormat(ctx, weight);
}

// Without batch or channels no backend runs, and the result is plain.
absl::StatusOr<MemoryFormat> ResultFormat(MetaContext& ctx, const FakeTensor& input, const FakeTensor& weight) {
  KILN_ASSIGN_OR_RETURN(MemoryFormat format, BackendFormat(ctx, input, weight));
  for (int d = 0; d < 2 && format != MemoryFormat::kContiguous; ++d) {
    KILN_ASSIGN_OR_RETURN(bool empty, GuardZero(ctx, input.sizes[d], "no batch or no channels"));
    if (empty) format = MemoryFormat::kContiguous;
  }
  return format;
}

absl::StatusOr<FakeTensor> NewInFormat(MetaContext& ctx, const FakeTensor& like, Dims sizes, MemoryFormat format) {
  if (format == MemoryFormat::kChannelsLast && sizes.size() == 3) {
    // [N,C,L] as NHWC with a height of 1.
    const Dims strides = {ctx.pool().Mul(sizes[1], sizes[2]), Expr(1), sizes[1]};
    return ctx.NewTensor(like.dtype, like.device, std::move(sizes), strides);
  }
  KILN_ASSIGN_OR_RETURN(Dims strides, StridesOfFormat(ctx, format, sizes));
  return ctx.NewTensor(like.dtype, like.device, std::move(sizes), std::move(strides));
}

absl::Status CheckSameKind(MetaContext& ctx, const FakeTensor& input, const FakeTensor& weight) {
  if (input.dtype == weight.dtype) return absl::OkStatus();
  return ctx.Fail(ErrorReason::kDtypeMismatch,
                  absl::StrCat("input type ", GetDTypeRow(input.dtype).name, " and weight type ",
                               GetDTypeRow(weight.dtype).name, " should be the same"));
}

}  // namespace

absl::Status ConvolutionMeta(MetaContext& ctx) {
  const FakeTensor& input = ctx.Tensor(0);
  const FakeTensor& weight = ctx.Tensor(1);
  KILN_RETURN_IF_ERROR(CheckRanks(ctx, input, weight));
  KILN_RETURN_IF_ERROR(CheckSameKind(ctx, input, weight));
  KILN_ASSIGN_OR_RETURN(ConvolutionShape shape, ReadShape(ctx, input.rank() - 2));
  KILN_ASSIGN_OR_RETURN(Dims sizes, OutputSizes(ctx, input, weight, shape));
  if (const FakeTensor* bias = ctx.OptionalTensor(2)) {
    if (bias->rank() != 1) {
      return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("bias must have rank 1 but has rank ", bias->rank()));
    }
    KILN_RETURN_IF_ERROR(ctx.CheckEqual(bias->sizes[0], sizes[1], "bias dim 0", "output channels"));
  }
  KILN_ASSIGN_OR_RETURN(MemoryFormat format, ResultFormat(ctx, input, weight));
  KILN_ASSIGN_OR_RETURN(FakeTensor out, NewInFormat(ctx, input, std::move(sizes), format));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status ConvolutionBackwardMeta(MetaContext& ctx) {
  const FakeTensor& grad = ctx.Tensor(0);
  const FakeTensor& input = ctx.Tensor(1);
  const FakeTensor& weight = ctx.Tensor(2);
  KILN_RETURN_IF_ERROR(CheckRanks(ctx, input, weight));
  KILN_RETURN_IF_ERROR(CheckSameKind(ctx, input, weight));
  KILN_ASSIGN_OR_RETURN(ConvolutionShape shape, ReadShape(ctx, input.rank() - 2));
  KILN_ASSIGN_OR_RETURN(Dims sizes, OutputSizes(ctx, input, weight, shape));
  KILN_RETURN_IF_ERROR(CheckSameSizes(ctx, grad.sizes, sizes, "grad_output", "the convolution's output"));
  KILN_ASSIGN_OR_RETURN(MemoryFormat format, BackendFormat(ctx, input, weight));
  const ArgumentList& mask = *ctx.Raw(ctx.schema().FindArg("output_mask")).get_if<ArgumentList>();
  auto wanted = [&](int i) { return *mask[i].get_if<bool>(); };
  const FakeTensor* sources[] = {&input, &weight};
  for (int i = 0; i < 2; ++i) {
    if (!wanted(i)) {
      ctx.Return(std::monostate());
      continue;
    }
    KILN_ASSIGN_OR_RETURN(FakeTensor out, NewInFormat(ctx, grad, sources[i]->sizes, format));
    ctx.Return(std::move(out));
  }
  if (!wanted(2)) {
    ctx.Return(std::monostate());
    return absl::OkStatus();
  }
  // Asked for a bias gradient, the kernels make one even where no sizes came.
  Dims bias = ctx.OptionalSymInts(3).value_or(Dims{grad.sizes[1]});
  ctx.Return(ctx.NewTensor(grad.dtype, grad.device, std::move(bias)));
  return absl::OkStatus();
}

namespace {

// How many positions a window takes along one dimension.
absl::StatusOr<Expr> WindowCount(MetaContext& ctx, Expr length, int64_t kernel, int64_t dilation, int64_t padding,
                                 int64_t stride) {
  ExprPool& pool = ctx.pool();
  const Expr span = pool.Add(pool.Mul(pool.Int(dilation), pool.Int(kernel - 1)), Expr(1));
  const Expr room = pool.Sub(pool.Add(length, pool.Mul(Expr(2), pool.Int(padding))), span);
  const Expr count = pool.Add(pool.FloorDiv(room, pool.Int(stride)), Expr(1));
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      pool.Ge(count, Expr(1)), "there is a window",
      absl::StrCat("sliding windows over ", length.ToString(), " elements: there are ", count.ToString())));
  return count;
}

struct Windows {
  std::vector<int64_t> kernel, dilation, padding, stride;
};

absl::StatusOr<Windows> ReadWindows(MetaContext& ctx, int first) {
  Windows w{ctx.Ints(first), ctx.Ints(first + 1), ctx.Ints(first + 2), ctx.Ints(first + 3)};
  for (const std::vector<int64_t>* list : {&w.kernel, &w.dilation, &w.padding, &w.stride}) {
    if (list->size() == 2) continue;
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("a window has 2 dimensions, but a list of it has ", list->size(), " values"));
  }
  for (int i = 0; i < 2; ++i) {
    if (w.kernel[i] > 0 && w.dilation[i] > 0 && w.stride[i] > 0 && w.padding[i] >= 0) continue;
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("window ", i, ": kernel ", w.kernel[i], ", dilation ", w.dilation[i], ", stride ",
                                 w.stride[i], " must be positive and padding ", w.padding[i], " not negative"));
  }
  return w;
}

}  // namespace

absl::Status Im2colMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  KILN_ASSIGN_OR_RETURN(Windows w, ReadWindows(ctx, 1));
  const int c = self.rank() - 3;
  if (c != 0 && c != 1)
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("im2col expects rank 3 or 4 but got ", self.rank()));
  for (int d = c; d < self.rank(); ++d) {
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ne(self.sizes[d], Expr(0)), "only the batch may be empty",
                                         absl::StrCat("input dimension ", d, " has size ", self.sizes[d].ToString())));
  }
  Expr count(1);
  for (int i = 0; i < 2; ++i) {
    KILN_ASSIGN_OR_RETURN(Expr n, WindowCount(ctx, self.sizes[c + 1 + i], w.kernel[i], w.dilation[i], w.padding[i],
                                              w.stride[i]));
    count = ctx.pool().Mul(count, n);
  }
  Dims sizes(self.sizes.begin(), self.sizes.begin() + c);
  sizes.push_back(ctx.pool().Mul(self.sizes[c], ctx.pool().Mul(ctx.pool().Int(w.kernel[0]), ctx.pool().Int(w.kernel[1]))));
  sizes.push_back(count);
  ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes)));
  return absl::OkStatus();
}

absl::Status Col2imMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const Dims output = ctx.SymInts(1);
  KILN_ASSIGN_OR_RETURN(Windows w, ReadWindows(ctx, 2));
  const int c = self.rank() - 2;
  if (c != 0 && c != 1)
    return ctx.Fail(ErrorReason::kShapeMismatch, absl::StrCat("col2im expects rank 2 or 3 but got ", self.rank()));
  const Expr area = ctx.pool().Mul(ctx.pool().Int(w.kernel[0]), ctx.pool().Int(w.kernel[1]));
  KILN_RETURN_IF_ERROR(ctx.env().Check(
      ctx.pool().Eq(ctx.pool().Mod(self.sizes[c], area), Expr(0)), "channels divisible by the kernel's area",
      absl::StrCat("dim ", c, " is ", self.sizes[c].ToString(), ", not divisible by ", area.ToString())));
  Expr count(1);
  for (int i = 0; i < 2; ++i) {
    KILN_ASSIGN_OR_RETURN(Expr n, WindowCount(ctx, output[i], w.kernel[i], w.dilation[i], w.padding[i], w.stride[i]));
    count = ctx.pool().Mul(count, n);
  }
  KILN_RETURN_IF_ERROR(ctx.CheckEqual(self.sizes[c + 1], count, absl::StrCat("dim ", c + 1), "the number of windows"));
  Dims sizes(self.sizes.begin(), self.sizes.begin() + c);
  sizes.push_back(ctx.pool().FloorDiv(self.sizes[c], area));
  sizes.push_back(output[0]);
  sizes.push_back(output[1]);
  // The result is cut out of a padded image and cloned as it lies.
  FakeTensor image = self;
  image.sizes = sizes;
  for (int i = 0; i < 2; ++i) {
    image.sizes[c + 1 + i] = ctx.pool().Add(output[i], ctx.pool().Int(2 * w.padding[i]));
  }
  image.strides = ContiguousStrides(ctx.env(), image.sizes);
  image.sizes = sizes;
  KILN_ASSIGN_OR_RETURN(Dims strides, PreservedStrides(ctx, image));
  ctx.Return(ctx.NewTensor(self.dtype, self.device, std::move(sizes), std::move(strides)));
  return absl::OkStatus();
}

}  // namespace kiln
