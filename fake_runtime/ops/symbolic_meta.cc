#include "fake_runtime/ops/symbolic_meta.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "fake_runtime/symbolic/poison_error.h"

namespace kiln {
namespace {

using Binary = Expr (*)(ExprPool& pool, Expr a, Expr b);

// A boolean among numbers counts as 0 or 1, as in Python.
Expr AsNumber(ExprPool& pool, Expr e) {
  return e.type() == ExprType::kBool ? pool.Where(e, Expr(1), Expr(0)) : e;
}

Expr AsFloat(ExprPool& pool, Expr e) {
  const Expr number = AsNumber(pool, e);
  return number.type() == ExprType::kFloat ? number : pool.ToFloat(number);
}

Expr Argument0(MetaContext& ctx) { return ctx.Scalar(0).value; }
Expr Argument1(MetaContext& ctx) { return ctx.Scalar(1).value; }

absl::Status Finish(MetaContext& ctx, Expr value) {
  if (value.is_poison()) {
    return PoisonError(value, "its result");
  }
  ctx.Return(value);
  return absl::OkStatus();
}

// Integers with `on_integers`, else floats with the expression kind
// `on_floats`.
absl::Status Arithmetic(MetaContext& ctx, Binary on_integers, Binary on_floats) {
  ExprPool& pool = ctx.pool();
  const Expr a = AsNumber(pool, Argument0(ctx)), b = AsNumber(pool, Argument1(ctx));
  if (a.type() == ExprType::kInt && b.type() == ExprType::kInt) return Finish(ctx, on_integers(pool, a, b));
  return Finish(ctx, on_floats(pool, AsFloat(pool, a), AsFloat(pool, b)));
}

absl::Status Comparison(MetaContext& ctx, Binary compare) {
  ExprPool& pool = ctx.pool();
  const Expr a = Argument0(ctx), b = Argument1(ctx);
  const bool floats = a.type() == ExprType::kFloat || b.type() == ExprType::kFloat;
  if (floats) return Finish(ctx, compare(pool, AsFloat(pool, a), AsFloat(pool, b)));
  return Finish(ctx, compare(pool, AsNumber(pool, a), AsNumber(pool, b)));
}

Expr FloatAdd(ExprPool& pool, Expr a, Expr b) { return pool.Make(ExprKind::kFloatAdd, {a, b}); }
Expr FloatMul(ExprPool& pool, Expr a, Expr b) { return pool.Make(ExprKind::kFloatMul, {a, b}); }
Expr FloatSub(ExprPool& pool, Expr a, Expr b) { return FloatAdd(pool, a, FloatMul(pool, pool.Float(-1.0), b)); }

absl::Status NoFloats(MetaContext& ctx) {
  return ctx.Fail(ErrorReason::kUnsupportedGraph, absl::StrCat(ctx.schema().name, " of floats has no symbolic form"));
}

bool AnyFloat(MetaContext& ctx) {
  for (int i = 0; i < ctx.num_args(); ++i) {
    if (ctx.Scalar(i).type == ExprType::kFloat) return true;
  }
  return false;
}

absl::Status CheckDivisor(MetaContext& ctx, Expr divisor) {
  return ctx.env().Check(ctx.pool().Ne(divisor, Expr(0)), "divisor is not zero",
                         absl::StrCat("division of ", Argument0(ctx).ToString(), " by ", divisor.ToString()));
}

// Of booleans, or bit by bit.
absl::Status Bitwise(MetaContext& ctx, Binary connect) {
  if (AnyFloat(ctx)) return NoFloats(ctx);
  return Finish(ctx, connect(ctx.pool(), Argument0(ctx), Argument1(ctx)));
}

absl::Status Shift(MetaContext& ctx, Binary shift) {
  if (AnyFloat(ctx)) return NoFloats(ctx);
  ExprPool& pool = ctx.pool();
  const Expr count = AsNumber(pool, Argument1(ctx));
  KILN_RETURN_IF_ERROR(ctx.env().Check(pool.Ge(count, Expr(0)), "shift count is not negative",
                                       absl::StrCat("negative shift count ", count.ToString())));
  return Finish(ctx, shift(pool, AsNumber(pool, Argument0(ctx)), count));
}

// Python's floor division of floats: a float without a fraction.
absl::Status FloatFloorDiv(MetaContext& ctx) {
  ExprPool& pool = ctx.pool();
  const Expr quotient = pool.TrueDiv(AsFloat(pool, Argument0(ctx)), AsFloat(pool, Argument1(ctx)));
  return Finish(ctx, pool.ToFloat(pool.FloorToInt(quotient)));
}

absl::Status Extremum(MetaContext& ctx, Binary choose) {
  ExprPool& pool = ctx.pool();
  if (AnyFloat(ctx)) return Finish(ctx, choose(pool, AsFloat(pool, Argument0(ctx)), AsFloat(pool, Argument1(ctx))));
  const Expr e = choose(pool, AsNumber(pool, Argument0(ctx)), AsNumber(pool, Argument1(ctx)));
  return Finish(ctx, ctx.env().Simplify(e));
}

}  // namespace

absl::Status SymAddMeta(MetaContext& ctx) {
  return Arithmetic(
      ctx, [](ExprPool& p, Expr a, Expr b) { return p.Add(a, b); }, FloatAdd);
}
absl::Status SymSubMeta(MetaContext& ctx) {
  return Arithmetic(
      ctx, [](ExprPool& p, Expr a, Expr b) { return p.Sub(a, b); }, FloatSub);
}
absl::Status SymMulMeta(MetaContext& ctx) {
  return Arithmetic(
      ctx, [](ExprPool& p, Expr a, Expr b) { return p.Mul(a, b); }, FloatMul);
}

absl::Status SymNegMeta(MetaContext& ctx) {
  ExprPool& pool = ctx.pool();
  const Expr a = AsNumber(pool, Argument0(ctx));
  return Finish(ctx, a.type() == ExprType::kInt ? pool.Neg(a) : FloatMul(pool, pool.Float(-1.0), a));
}

absl::Status SymFloorDivMeta(MetaContext& ctx) {
  if (AnyFloat(ctx)) return FloatFloorDiv(ctx);
  const Expr divisor = AsNumber(ctx.pool(), Argument1(ctx));
  KILN_RETURN_IF_ERROR(CheckDivisor(ctx, divisor));
  return Finish(ctx, ctx.env().Simplify(ctx.pool().FloorDiv(AsNumber(ctx.pool(), Argument0(ctx)), divisor)));
}

absl::Status SymModMeta(MetaContext& ctx) {
  if (AnyFloat(ctx)) return NoFloats(ctx);
  const Expr divisor = AsNumber(ctx.pool(), Argument1(ctx));
  KILN_RETURN_IF_ERROR(CheckDivisor(ctx, divisor));
  return Finish(ctx, ctx.env().Simplify(ctx.pool().Mod(AsNumber(ctx.pool(), Argument0(ctx)), divisor)));
}

absl::Status SymPowMeta(MetaContext& ctx) {
  ExprPool& pool = ctx.pool();
  const Expr base = AsNumber(pool, Argument0(ctx)), exponent = AsNumber(pool, Argument1(ctx));
  // An integer to the power of an integer is one, where that is not negative:
  // PyTorch's pow_by_natural and float_pow, told apart by a guard.
  if (base.type() == ExprType::kInt && exponent.type() == ExprType::kInt) {
    KILN_ASSIGN_OR_RETURN(bool natural, ctx.Test(pool.Ge(exponent, Expr(0)), "the exponent is natural"));
    if (natural) return Finish(ctx, pool.Pow(base, exponent));
  }
  return Finish(ctx, pool.Make(ExprKind::kFloatPow, {AsFloat(pool, base), AsFloat(pool, exponent)}));
}

absl::Status SymTrueDivMeta(MetaContext& ctx) {
  ExprPool& pool = ctx.pool();
  const Expr a = AsNumber(pool, Argument0(ctx)), b = AsNumber(pool, Argument1(ctx));
  if (b.type() == ExprType::kInt) KILN_RETURN_IF_ERROR(CheckDivisor(ctx, b));
  if (a.type() == b.type()) return Finish(ctx, pool.TrueDiv(a, b));
  return Finish(ctx, pool.TrueDiv(AsFloat(pool, a), AsFloat(pool, b)));
}

absl::Status SymMinMeta(MetaContext& ctx) {
  const Binary min = [](ExprPool& p, Expr a, Expr b) { return p.Min(a, b); };
  return Extremum(ctx, min);
}

absl::Status SymMaxMeta(MetaContext& ctx) {
  const Binary max = [](ExprPool& p, Expr a, Expr b) { return p.Max(a, b); };
  return Extremum(ctx, max);
}

absl::Status SymEqMeta(MetaContext& ctx) {
  return Comparison(ctx, [](ExprPool& p, Expr a, Expr b) { return p.Eq(a, b); });
}
absl::Status SymNeMeta(MetaContext& ctx) {
  return Comparison(ctx, [](ExprPool& p, Expr a, Expr b) { return p.Ne(a, b); });
}
absl::Status SymLtMeta(MetaContext& ctx) {
  return Comparison(ctx, [](ExprPool& p, Expr a, Expr b) { return p.Lt(a, b); });
}
absl::Status SymLeMeta(MetaContext& ctx) {
  return Comparison(ctx, [](ExprPool& p, Expr a, Expr b) { return p.Le(a, b); });
}
absl::Status SymGtMeta(MetaContext& ctx) {
  return Comparison(ctx, [](ExprPool& p, Expr a, Expr b) { return p.Gt(a, b); });
}
absl::Status SymGeMeta(MetaContext& ctx) {
  return Comparison(ctx, [](ExprPool& p, Expr a, Expr b) { return p.Ge(a, b); });
}
absl::Status SymAndMeta(MetaContext& ctx) {
  return Bitwise(ctx, [](ExprPool& p, Expr a, Expr b) { return p.BitAnd(a, b); });
}
absl::Status SymOrMeta(MetaContext& ctx) {
  return Bitwise(ctx, [](ExprPool& p, Expr a, Expr b) { return p.BitOr(a, b); });
}
absl::Status SymXorMeta(MetaContext& ctx) {
  return Bitwise(ctx, [](ExprPool& p, Expr a, Expr b) { return p.BitXor(a, b); });
}
absl::Status SymLShiftMeta(MetaContext& ctx) {
  return Shift(ctx, [](ExprPool& p, Expr a, Expr n) { return p.ShiftLeft(a, n); });
}
absl::Status SymRShiftMeta(MetaContext& ctx) {
  return Shift(ctx, [](ExprPool& p, Expr a, Expr n) { return p.ShiftRight(a, n); });
}

absl::Status SymPosMeta(MetaContext& ctx) { return Finish(ctx, AsNumber(ctx.pool(), Argument0(ctx))); }

absl::Status SymAbsMeta(MetaContext& ctx) {
  return Finish(ctx, ctx.env().Simplify(ctx.pool().Abs(AsNumber(ctx.pool(), Argument0(ctx)))));
}

absl::Status SymNotMeta(MetaContext& ctx) {
  const Expr a = Argument0(ctx);
  if (a.type() == ExprType::kBool) return Finish(ctx, ctx.pool().Not(a));
  return Finish(ctx, ctx.pool().Eq(AsNumber(ctx.pool(), a), Expr(0)));
}

absl::Status SymIteMeta(MetaContext& ctx) {
  const Expr condition = Argument0(ctx), a = ctx.Scalar(1).value, b = ctx.Scalar(2).value;
  if (condition.type() != ExprType::kBool || a.type() != b.type()) {
    return ctx.Fail(ErrorReason::kBadArgumentType, "sym.ite takes a boolean and two scalars of one type");
  }
  return Finish(ctx, ctx.pool().Where(condition, a, b));
}

absl::Status SymFloatMeta(MetaContext& ctx) { return Finish(ctx, AsFloat(ctx.pool(), Argument0(ctx))); }

absl::Status SymIntMeta(MetaContext& ctx) {
  const Expr a = AsNumber(ctx.pool(), Argument0(ctx));
  return Finish(ctx, ctx.env().Simplify(ctx.pool().TruncToInt(a)));
}

absl::Status SymFloorMeta(MetaContext& ctx) {
  return Finish(ctx, ctx.env().Simplify(ctx.pool().FloorToInt(AsNumber(ctx.pool(), Argument0(ctx)))));
}

absl::Status SymCeilMeta(MetaContext& ctx) {
  return Finish(ctx, ctx.env().Simplify(ctx.pool().CeilToInt(AsNumber(ctx.pool(), Argument0(ctx)))));
}

absl::Status SymRoundMeta(MetaContext& ctx) {
  ExprPool& pool = ctx.pool();
  const Expr a = AsNumber(pool, Argument0(ctx));
  if (ctx.IsNone(1)) return Finish(ctx, ctx.env().Simplify(pool.RoundToInt(a)));
  if (a.type() == ExprType::kInt) {
    if (ctx.Int(1) >= 0) return Finish(ctx, a);
    return ctx.Fail(ErrorReason::kUnsupportedGraph, "round of an integer to tens has no symbolic form");
  }
  return Finish(ctx, pool.RoundDecimal(a, pool.Int(ctx.Int(1))));
}

absl::Status SymIsIntegerMeta(MetaContext& ctx) { return Finish(ctx, ctx.pool().IsInteger(Argument0(ctx))); }

absl::Status SymFunctionMeta(MetaContext& ctx) {
  const absl::string_view name = absl::string_view(ctx.schema().name).substr(absl::string_view("sym.").size());
  const std::optional<FloatFunction> function = FindFloatFunction(name.substr(0, name.find('.')));
  if (!function.has_value()) return ctx.Fail(ErrorReason::kUnsupportedGraph, absl::StrCat("no function ", name));
  return Finish(ctx, ctx.pool().Call(*function, AsFloat(ctx.pool(), Argument0(ctx))));
}

absl::Status SymSqrtMeta(MetaContext& ctx) {
  return Finish(ctx, ctx.pool().FloatSqrt(AsFloat(ctx.pool(), Argument0(ctx))));
}

absl::Status SymSizeMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kBadArgumentValue, "a 0-dim tensor has no sizes");
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  return Finish(ctx, self.sizes[dim]);
}

absl::Status SymStrideMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  if (self.rank() == 0) return ctx.Fail(ErrorReason::kBadArgumentValue, "a 0-dim tensor has no strides");
  KILN_ASSIGN_OR_RETURN(int dim, ctx.WrapDim(ctx.Int(1), self.rank()));
  return Finish(ctx, self.strides[dim]);
}

absl::Status SymNumelMeta(MetaContext& ctx) { return Finish(ctx, Numel(ctx.pool(), ctx.Tensor(0).sizes)); }

absl::Status SymStorageOffsetMeta(MetaContext& ctx) { return Finish(ctx, ctx.Tensor(0).storage_offset); }

absl::Status SymIsContiguousMeta(MetaContext& ctx) {
  const FakeTensor& self = ctx.Tensor(0);
  const MemoryFormat format = *ctx.OptionalMemoryFormat(1);
  absl::StatusOr<bool> holds = false;
  switch (format) {
    case MemoryFormat::kContiguous:
    case MemoryFormat::kPreserve:
    case MemoryFormat::kUnknown:
      holds = TestContiguous(ctx.env(), self);
      break;
    case MemoryFormat::kChannelsLast:
      if (self.rank() == 4) holds = TestChannelsLast(ctx.env(), self);
      break;
    case MemoryFormat::kChannelsLast3d:
      if (self.rank() == 5) holds = TestChannelsLast(ctx.env(), self);
      break;
  }
  if (!holds.ok()) return holds.status();
  return Finish(ctx, Expr::Bool(*holds));
}

absl::Status AssertScalarMeta(MetaContext& ctx) {
  const Expr condition = ctx.Scalar(0).value;
  const Expr truth =
      condition.type() == ExprType::kBool ? condition : ctx.pool().Ne(AsNumber(ctx.pool(), condition), Expr(0));
  return ctx.env().Check(truth, "assertion", ctx.String(1));
}

absl::Status AssertAsyncMeta(MetaContext&) { return absl::OkStatus(); }

absl::Status ConstrainRangeMeta(MetaContext& ctx) {
  const Expr size = ctx.Scalar(0).value;
  for (absl::string_view name : {"min", "max"}) {
    const int arg = ctx.schema().FindArg(name);
    if (arg < 0 || ctx.IsNone(arg)) continue;
    const Expr bound = ctx.pool().Int(ctx.Int(arg));
    const Expr holds = name == "min" ? ctx.pool().Ge(size, bound) : ctx.pool().Le(size, bound);
    KILN_RETURN_IF_ERROR(ctx.env().Check(holds, "range of a symbol",
                                         absl::StrCat(size.ToString(), " is outside its ", name, " ", bound.ToString())));
  }
  return absl::OkStatus();
}

// A size is not negative, and PyTorch takes none for a size that could only be
// 0, 1 or 2: what is compiled for two holds for all that are larger.
absl::Status ConstrainSizeRangeMeta(MetaContext& ctx) {
  const int min = ctx.schema().FindArg("min"), max = ctx.schema().FindArg("max");
  if (!ctx.IsNone(max) && ctx.Int(max) <= 2) {
    return ctx.Fail(ErrorReason::kBadArgumentValue,
                    absl::StrCat("the max of a size's range must be greater than 2, but is ", ctx.Int(max)));
  }
  if (ctx.IsNone(min)) {
    const Expr size = ctx.Scalar(0).value;
    KILN_RETURN_IF_ERROR(ctx.env().Check(ctx.pool().Ge(size, Expr(0)), "range of a size",
                                         absl::StrCat(size.ToString(), " is negative")));
  }
  return ConstrainRangeMeta(ctx);
}

}  // namespace kiln
