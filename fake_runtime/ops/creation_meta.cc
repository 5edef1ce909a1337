#include "fake_runtime/ops/creation_meta.h"

#include <cmath>
#include <utility>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/ops/cast_constant.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/memory_format.h"
#include "fake_runtime/ops/size_tests.h"

namespace kiln {
namespace {

int Find(MetaContext& ctx, absl::string_view name) { return ctx.schema().FindArg(name); }

// What an `out=` overload writes says what the others have options for.
const FakeTensor* OutArgument(MetaContext& ctx) {
  const int i = Find(ctx, "out");
  return i < 0 ? nullptr : &ctx.Tensor(i);
}

absl::Status CheckSizes(MetaContext& ctx, absl::Span<const Expr> sizes) {
  for (Expr size : sizes) {
    if (size.AsInt().value_or(-1) >= 0) continue;
    KILN_RETURN_IF_ERROR(
        ctx.env().Check(ctx.pool().Ge(size, Expr(0)), "a size is not negative",
                        absl::StrCat("trying to create a tensor with negative dimension ", size.ToString(), ": ",
                                     DimsText(sizes))));
  }
  return absl::OkStatus();
}

absl::Status ReturnNew(MetaContext& ctx, DType dtype, Dims sizes) {
  KILN_RETURN_IF_ERROR(CheckSizes(ctx, sizes));
  KILN_ASSIGN_OR_RETURN(Dims strides,
                        StridesOfFormat(ctx, FormatOption(ctx).value_or(MemoryFormat::kContiguous), sizes));
  ctx.Return(ctx.NewTensor(dtype, DeviceOption(ctx, Device{}), std::move(sizes), std::move(strides)));
  return absl::OkStatus();
}

// The value of a literal number, as a tensor of `dtype` holds it.
std::optional<ScalarValue> ConstantOf(const FakeScalar& number, DType dtype) {
  const std::optional<ScalarValue> value = LiteralValue(number.value);
  const std::optional<ScalarValue> cast = value.has_value() ? CastConstant(*value, dtype) : std::nullopt;
  if (!cast.has_value()) return std::nullopt;
  // PyTorch refuses an integer that does not fit.
  return value->type == ExprType::kInt && cast->type == ExprType::kInt && cast->i != value->i ? std::nullopt : cast;
}

// A one-element CPU tensor made from a literal is known by value.
void NoteConstant(FakeTensor& t, const FakeScalar& number) {
  if (!t.device.is_cpu()) return;
  for (Expr size : t.sizes) {
    if (!size.IsInt(1)) return;
  }
  t.constant = ConstantOf(number, t.dtype);
}

std::optional<double> AsNumber(const FakeScalar& s) {
  if (std::optional<int64_t> i = s.value.AsInt()) return static_cast<double>(*i);
  if (std::optional<bool> b = s.value.AsBool()) return *b ? 1.0 : 0.0;
  return s.value.AsFloat();
}

// A bound of an arange of int64 is cut to an integer before anything else.
FakeScalar CutToInteger(ExprPool& pool, const FakeScalar& s) {
  if (s.type != ExprType::kFloat) return s;
  return {ExprType::kInt, pool.TruncToInt(s.value)};
}

// torch.arange's length over numbers of any kind.
absl::StatusOr<Expr> ArangeLength(MetaContext& ctx, const FakeScalar& start, const FakeScalar& end,
                                  const FakeScalar& step) {
  ExprPool& pool = ctx.pool();
  const bool integers =
      start.type != ExprType::kFloat && end.type != ExprType::kFloat && step.type != ExprType::kFloat;
  if (integers) {
    auto as_int = [](const FakeScalar& s) {
      return s.value.AsBool().has_value() ? Expr(int64_t{*s.value.AsBool()}) : s.value;
    };
    const Expr from = as_int(start), to = as_int(end), by = as_int(step);
    KILN_ASSIGN_OR_RETURN(bool zero, ctx.Test(pool.Eq(by, Expr(0)), "step of arange"));
    if (zero) return ctx.Fail(ErrorReason::kBadArgumentValue, "arange: step must be nonzero");
    KILN_ASSIGN_OR_RETURN(bool up, ctx.Test(pool.Gt(by, Expr(0)), "direction of arange"));
    const std::string message = absl::StrCat("arange: bounds ", from.ToString(), " and ", to.ToString(),
                                             " are inconsistent with step ", by.ToString());
    KILN_RETURN_IF_ERROR(ctx.env().Check(up ? pool.Ge(to, from) : pool.Le(to, from), "bounds of arange", message));
    const Expr span = pool.Sub(to, from);
    if (by.IsInt(1)) return ctx.env().Simplify(span);
    const Expr round = pool.Add(span, pool.Sub(by, Expr(up ? 1 : -1)));
    return ctx.env().Simplify(pool.FloorDiv(round, by));
  }
  std::optional<double> from = AsNumber(start), to = AsNumber(end), by = AsNumber(step);
  if (!from || !to || !by) {
    auto as_float = [&](Expr e) { return e.type() == ExprType::kFloat ? e : pool.ToFloat(e); };
    const Expr span = pool.Make(ExprKind::kFloatAdd, {as_float(end.value), pool.Make(ExprKind::kFloatMul, {pool.Float(-1.0), as_float(start.value)})});
    return pool.CeilToInt(pool.TrueDiv(span, as_float(step.value)));
  }
  if (*by == 0 || !std::isfinite(*from) || !std::isfinite(*to) || (*to - *from) * *by < 0) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("arange: bad bounds ", *from, ", ", *to, " for step ", *by));
  }
  const double length = std::ceil((*to - *from) / *by);
  if (length > 9e18) return ctx.Fail(ErrorReason::kSizeOverflow, absl::StrCat("arange of ", length, " elements"));
  return pool.Int(static_cast<int64_t>(length));
}

}  // namespace

std::optional<DType> DTypeOption(MetaContext& ctx) {
  if (const FakeTensor* out = OutArgument(ctx)) return out->dtype;
  const int i = Find(ctx, "dtype");
  return i < 0 ? std::nullopt : ctx.OptionalDType(i);
}

Device DeviceOption(MetaContext& ctx, const Device& fallback) {
  if (const FakeTensor* out = OutArgument(ctx)) return out->device;
  const int i = Find(ctx, "device");
  if (i < 0) return fallback;
  return ctx.OptionalDevice(i).value_or(fallback);
}

std::optional<MemoryFormat> FormatOption(MetaContext& ctx) {
  const int i = Find(ctx, "memory_format");
  return i < 0 ? std::nullopt : ctx.OptionalMemoryFormat(i);
}

absl::Status EmptyMeta(MetaContext& ctx) {
  return ReturnNew(ctx, DTypeOption(ctx).value_or(DType::kFloat32), ctx.SymInts(Find(ctx, "size")));
}

absl::Status EmptyStridedMeta(MetaContext& ctx) {
  Dims sizes = ctx.SymInts(0), strides = ctx.SymInts(1);
  if (sizes.size() != strides.size()) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("empty_strided: ", sizes.size(), " sizes but ", strides.size(), " strides"));
  }
  KILN_RETURN_IF_ERROR(CheckSizes(ctx, sizes));
  for (Expr stride : strides) {
    const std::optional<int64_t> value = stride.AsInt();
    if (value.has_value() && *value < 0)
      return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("empty_strided: stride ", *value, " is negative"));
  }
  ctx.Return(ctx.NewTensor(DTypeOption(ctx).value_or(DType::kFloat32), DeviceOption(ctx, Device{}), std::move(sizes),
                           std::move(strides)));
  return absl::OkStatus();
}

absl::Status EmptyPermutedMeta(MetaContext& ctx) {
  const Dims sizes = ctx.SymInts(0);
  const std::vector<int64_t> layout = ctx.Ints(1);
  if (layout.size() != sizes.size()) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("empty_permuted: ", sizes.size(), " sizes but a layout of ", layout.size()));
  }
  KILN_ASSIGN_OR_RETURN(auto order, ctx.WrapDims(layout, static_cast<int>(sizes.size())));
  Dims physical;
  for (int d : order) physical.push_back(sizes[d]);
  const Dims dense = ContiguousStrides(ctx.env(), physical);
  Dims strides(sizes.size());
  for (size_t i = 0; i < order.size(); ++i) strides[order[i]] = dense[i];
  ctx.Return(
      ctx.NewTensor(DTypeOption(ctx).value_or(DType::kFloat32), DeviceOption(ctx, Device{}), sizes, std::move(strides)));
  return absl::OkStatus();
}

absl::Status FullMeta(MetaContext& ctx) {
  const FakeScalar fill = ctx.Scalar(1);
  const DType dtype = DTypeOption(ctx).value_or(NumberDType(fill.type));
  Dims sizes = ctx.SymInts(0);
  KILN_RETURN_IF_ERROR(CheckSizes(ctx, sizes));
  FakeTensor out = ctx.NewTensor(dtype, DeviceOption(ctx, Device{}), std::move(sizes));
  NoteConstant(out, fill);
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status ScalarTensorMeta(MetaContext& ctx) {
  FakeTensor out = ctx.NewTensor(DTypeOption(ctx).value_or(DType::kFloat32), DeviceOption(ctx, Device{}), {});
  NoteConstant(out, ctx.Scalar(0));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status ArangeMeta(MetaContext& ctx) {
  const int start_arg = Find(ctx, "start"), step_arg = Find(ctx, "step");
  FakeScalar start = start_arg < 0 ? FakeScalar{} : ctx.Scalar(start_arg);
  FakeScalar step = step_arg < 0 ? FakeScalar{ExprType::kInt, Expr(1)} : ctx.Scalar(step_arg);
  FakeScalar end = ctx.Scalar(Find(ctx, "end"));
  bool integers = true;
  for (const FakeScalar* s : {&start, &end, &step}) integers = integers && s->type != ExprType::kFloat;
  const DType dtype = DTypeOption(ctx).value_or(integers ? DType::kInt64 : DType::kFloat32);
  // at::arange counts in integers for int64 alone; for narrower ones in doubles.
  if (dtype == DType::kInt64) {
    for (FakeScalar* s : {&start, &end, &step}) *s = CutToInteger(ctx.pool(), *s);
  }
  KILN_ASSIGN_OR_RETURN(Expr length, ArangeLength(ctx, start, end, step));
  return ReturnNew(ctx, dtype, {length});
}

absl::Status LinspaceMeta(MetaContext& ctx) {
  const Expr steps = ctx.pool().Int(ctx.Int(Find(ctx, "steps")));
  return ReturnNew(ctx, DTypeOption(ctx).value_or(DType::kFloat32), {steps});
}

absl::Status EyeMeta(MetaContext& ctx) {
  const int m = Find(ctx, "m");
  const Expr n = ctx.SymInt(0);
  return ReturnNew(ctx, DTypeOption(ctx).value_or(DType::kFloat32), {n, m < 0 ? n : ctx.SymInt(m)});
}

absl::Status RandintMeta(MetaContext& ctx) {
  return ReturnNew(ctx, DTypeOption(ctx).value_or(DType::kInt64), ctx.SymInts(Find(ctx, "size")));
}

absl::Status RandpermMeta(MetaContext& ctx) {
  return ReturnNew(ctx, DTypeOption(ctx).value_or(DType::kInt64), {ctx.SymInt(0)});
}

absl::Status LikeMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const std::optional<MemoryFormat> format = FormatOption(ctx);
  const bool preserve = !format.has_value() || *format == MemoryFormat::kPreserve;
  KILN_ASSIGN_OR_RETURN(Dims strides,
                        preserve ? EmptyLikeStrides(ctx, self) : StridesOfFormat(ctx, *format, self.sizes));
  FakeTensor out = ctx.NewTensor(DTypeOption(ctx).value_or(self.dtype), DeviceOption(ctx, self.device), self.sizes,
                                 std::move(strides));
  const int fill = Find(ctx, "fill_value");
  if (fill >= 0 && !ctx.IsTensor(fill)) NoteConstant(out, ctx.Scalar(fill));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status NewMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  Dims sizes = ctx.SymInts(1);
  KILN_RETURN_IF_ERROR(CheckSizes(ctx, sizes));
  ctx.Return(
      ctx.NewTensor(DTypeOption(ctx).value_or(self.dtype), DeviceOption(ctx, self.device), std::move(sizes)));
  return absl::OkStatus();
}

absl::Status NewStridedMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  Dims sizes = ctx.SymInts(1), strides = ctx.SymInts(2);
  if (sizes.size() != strides.size()) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("new_empty_strided: ", sizes.size(), " sizes but ", strides.size(), " strides"));
  }
  KILN_RETURN_IF_ERROR(CheckSizes(ctx, sizes));
  ctx.Return(ctx.NewTensor(DTypeOption(ctx).value_or(self.dtype), DeviceOption(ctx, self.device), std::move(sizes),
                           std::move(strides)));
  return absl::OkStatus();
}

// The number of elements on and below diagonal `offset` of a rows x columns
// matrix (at::native::get_tril_size).
namespace {

int64_t TrilSize(int64_t rows, int64_t columns, int64_t offset) {
  if (rows == 0 || columns == 0) return 0;
  const int64_t first = offset > 0 ? std::min(columns, 1 + offset) : (rows + offset > 0 ? 1 : 0);
  const int64_t last = std::max<int64_t>(0, std::min(columns, rows + offset));
  const int64_t all = std::max<int64_t>(0, std::min(rows, rows + offset));
  int64_t size = (first + last) * (last - first + 1) / 2;
  const int64_t full_rows = all - (last - first + 1);
  if (full_rows > 0) size += full_rows * columns;
  return size;
}

}  // namespace

absl::Status TriIndicesMeta(MetaContext& ctx) {
  const int64_t rows = ctx.Int(0), columns = ctx.Int(1), offset = ctx.Int(2);
  if (rows < 0 || columns < 0 || rows > (int64_t{1} << 31) || columns > (int64_t{1} << 31)) {
    return ctx.Fail(ErrorReason::kBadArgumentValue, absl::StrCat("bad matrix size ", rows, " x ", columns));
  }
  const bool lower = absl::StartsWith(ctx.schema().name, "aten.tril_indices.");
  const int64_t size =
      lower ? TrilSize(rows, columns, offset) : rows * columns - TrilSize(rows, columns, offset - 1);
  return ReturnNew(ctx, DTypeOption(ctx).value_or(DType::kInt64), {Expr(2), Expr(size)});
}

absl::Status NormalMeta(MetaContext& ctx) {
  const int size = Find(ctx, "size");
  if (size >= 0) {
    const DType dtype = DTypeOption(ctx).value_or(DType::kFloat32);
    if (!IsFloating(dtype) && !IsComplex(dtype)) {
      return ctx.Fail(ErrorReason::kDtypeMismatch, absl::StrCat("expected a floating-point or complex dtype, but got ",
                                                                GetDTypeRow(dtype).name));
    }
    return ReturnNew(ctx, dtype, ctx.SymInts(size));
  }
  Operands operands;
  for (int i : {0, 1}) {
    if (ctx.IsTensor(i)) operands.push_back(OperandOf(ctx, i));
  }
  KILN_ASSIGN_OR_RETURN(FakeTensor out, ElementwiseOf(ctx, operands, operands[0].tensor->dtype));
  ctx.Return(std::move(out));
  return absl::OkStatus();
}

absl::Status RngStateMeta(MetaContext& ctx) {
  ctx.Return(ctx.NewTensor(DType::kUInt8, Device{}, {Expr(kRngStateBytes)}));
  return absl::OkStatus();
}

absl::Status SetRngStateMeta(MetaContext& ctx) {
  const FakeTensor& state = ctx.Tensor(0);
  if (state.dtype != DType::kUInt8 || state.sizes.size() != 1 || !state.device.is_cpu()) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("the state of the CPU's generator is u8[", kRngStateBytes, "], not ", state.ToString()));
  }
  return ctx.CheckEqual(state.sizes[0], Expr(kRngStateBytes), "the state's size", "that of the CPU's generator");
}

}  // namespace kiln
