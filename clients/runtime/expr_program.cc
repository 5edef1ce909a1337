#include "clients/runtime/expr_program.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/checked_int.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/symbolic/scalar_math.h"

namespace kiln {
namespace {

// n-ary nodes fold as they go, so each level of nesting keeps at most two values
// on the stack (three under a `Where`).
constexpr int kMaxDepth = 256;
constexpr int kStackValues = 3 * kMaxDepth + 3;

absl::Status BadExpression(Expr expr, absl::string_view what) {
  return MakeError(ErrorReason::kBadExpression, absl::StrCat("the expression ", expr.ToString(), ": ", what));
}

std::optional<int64_t> CheckedCeilDiv(int64_t a, int64_t b) {
  std::optional<int64_t> floor = CheckedFloorDiv(a, b);
  if (!floor.has_value()) return std::nullopt;
  return *CheckedMod(a, b) == 0 ? *floor : *floor + 1;
}

}  // namespace

class ExprProgram::Compiler {
 public:
  explicit Compiler(const SymbolIndex& symbols) : symbols_(symbols) {}

  absl::Status Emit(Expr e, int depth) {
    if (depth > kMaxDepth) return BadExpression(e, absl::StrCat("nested deeper than ", kMaxDepth));
    if (e.is_poison()) return BadExpression(e, "it overflows");
    switch (e.kind()) {
      case ExprKind::kInt: return Push(*e.AsInt());
      case ExprKind::kBool: return Push(*e.AsBool() ? 1 : 0);
      case ExprKind::kFloat: return PushFloat(*e.AsFloat());
      case ExprKind::kSymbol: return Symbol(e);
      case ExprKind::kAdd: return Fold(e, Code::kAdd, false, depth);
      case ExprKind::kMul: return Fold(e, Code::kMul, false, depth);
      case ExprKind::kFloorDiv: return Fold(e, Code::kFloorDiv, false, depth);
      case ExprKind::kMod: return Fold(e, Code::kMod, false, depth);
      case ExprKind::kCeilDiv: return Fold(e, Code::kCeilDiv, false, depth);
      case ExprKind::kPow:
      case ExprKind::kIntPow: return Fold(e, Code::kPow, false, depth);
      case ExprKind::kBitAnd: return Fold(e, Code::kBitAnd, false, depth);
      case ExprKind::kMin: return Typed(e, Code::kMin, Code::kFloatMin, depth);
      case ExprKind::kMax: return Typed(e, Code::kMax, Code::kFloatMax, depth);
      case ExprKind::kEq: return Typed(e, Code::kEq, Code::kFloatEq, depth);
      case ExprKind::kNe: return Typed(e, Code::kNe, Code::kFloatNe, depth);
      case ExprKind::kLt: return Typed(e, Code::kLt, Code::kFloatLt, depth);
      case ExprKind::kLe: return Typed(e, Code::kLe, Code::kFloatLe, depth);
      case ExprKind::kAnd: return Fold(e, Code::kAnd, false, depth);
      case ExprKind::kOr: return Fold(e, Code::kOr, false, depth);
      case ExprKind::kNot: return Fold(e, Code::kNot, false, depth);
      case ExprKind::kToFloat: return Fold(e, Code::kToFloat, false, depth);
      case ExprKind::kTrueDiv: return Typed(e, Code::kIntTrueDiv, Code::kTrueDiv, depth);
      case ExprKind::kFloatAdd: return Fold(e, Code::kFloatAdd, true, depth);
      case ExprKind::kFloatMul: return Fold(e, Code::kFloatMul, true, depth);
      case ExprKind::kFloatPow: return Fold(e, Code::kFloatPow, true, depth);
      case ExprKind::kFloatSqrt: return Fold(e, Code::kFloatSqrt, true, depth);
      case ExprKind::kFloorToInt: return Fold(e, Code::kFloorToInt, true, depth);
      case ExprKind::kCeilToInt: return Fold(e, Code::kCeilToInt, true, depth);
      case ExprKind::kTruncToInt: return Fold(e, Code::kTruncToInt, true, depth);
      case ExprKind::kRoundToInt: return Fold(e, Code::kRoundToInt, true, depth);
      case ExprKind::kRoundDecimal: return RoundDecimal(e, depth);
      case ExprKind::kFloatCall: return Call(e, depth);
      case ExprKind::kWhere: return Where(e, depth);
      case ExprKind::kPoison: break;
    }
    return BadExpression(e, "this host knows no such expression");
  }

  std::vector<Op> Take() { return std::move(ops_); }

 private:
  absl::Status Push(int64_t value) { return Add(Code::kPush, {.i = value}); }
  absl::Status PushFloat(double value) { return Add(Code::kPushFloat, {.f = value}); }
  absl::Status Add(Code code, Value value) {
    ops_.push_back({code, value});
    return absl::OkStatus();
  }

  absl::Status Symbol(Expr e) {
    if (e.type() == ExprType::kFloat) return BadExpression(e, "symbols that are floats have no place here");
    auto place = symbols_.find(e.symbol_name());
    if (place == symbols_.end()) return BadExpression(e, "no such symbol is known here");
    return Add(Code::kSymbol, {.i = place->second});
  }

  // A float operator takes integer operands as Python does: converted first.
  absl::Status Operand(Expr e, bool as_float, int depth) {
    KILN_RETURN_IF_ERROR(Emit(e, depth + 1));
    if (as_float && e.type() != ExprType::kFloat) return Add(Code::kToFloat, {.i = 0});
    return absl::OkStatus();
  }

  absl::Status Fold(Expr e, Code code, bool as_float, int depth) {
    const absl::Span<const Expr> args = e.args();
    KILN_RETURN_IF_ERROR(Operand(args[0], as_float, depth));
    if (args.size() == 1) return Add(code, {.i = 0});
    for (size_t i = 1; i < args.size(); ++i) {
      KILN_RETURN_IF_ERROR(Operand(args[i], as_float, depth));
      KILN_RETURN_IF_ERROR(Add(code, {.i = 0}));
    }
    return absl::OkStatus();
  }

  absl::Status Typed(Expr e, Code on_integers, Code on_floats, int depth) {
    const absl::Span<const Expr> args = e.args();
    const bool floats =
        std::any_of(args.begin(), args.end(), [](Expr a) { return a.type() == ExprType::kFloat; });
    return Fold(e, floats ? on_floats : on_integers, floats, depth);
  }

  absl::Status RoundDecimal(Expr e, int depth) {
    const std::optional<int64_t> digits = e.args()[1].AsInt();
    if (!digits.has_value()) return BadExpression(e, "the number of digits is no constant");
    KILN_RETURN_IF_ERROR(Operand(e.args()[0], true, depth));
    return Add(Code::kRoundDecimal, {.i = *digits});
  }

  absl::Status Call(Expr e, int depth) {
    const int64_t function = e.args()[0].AsInt().value_or(-1);
    if (function < 0 || function >= static_cast<int64_t>(FloatFunction::kCount)) {
      return BadExpression(e, absl::StrCat("there is no function ", function));
    }
    KILN_RETURN_IF_ERROR(Operand(e.args()[1], true, depth));
    return Add(Code::kFloatCall, {.i = function});
  }

  absl::Status Where(Expr e, int depth) {
    const bool floats = e.type() == ExprType::kFloat;
    KILN_RETURN_IF_ERROR(Operand(e.args()[0], false, depth));
    KILN_RETURN_IF_ERROR(Operand(e.args()[1], floats, depth));
    KILN_RETURN_IF_ERROR(Operand(e.args()[2], floats, depth));
    return Add(Code::kWhere, {.i = 0});
  }

  const SymbolIndex& symbols_;
  std::vector<Op> ops_;
};

absl::StatusOr<ExprProgram> ExprProgram::Compile(Expr expr, const SymbolIndex& symbols) {
  if (!expr.is_poison() && expr.type() == ExprType::kFloat) {
    return BadExpression(expr, "a float where an integer or a boolean is needed");
  }
  Compiler compiler(symbols);
  KILN_RETURN_IF_ERROR(compiler.Emit(expr, 0));
  ExprProgram program;
  program.ops_ = compiler.Take();
  return program;
}

bool ExprProgram::RunUnary(const Op& op, Value& value) {
  std::optional<int64_t> integer;
  std::optional<double> real;
  switch (op.code) {
    case Code::kNot: integer = value.i == 0; break;
    case Code::kFloorToInt: integer = ToInt64(std::floor(value.f)); break;
    case Code::kCeilToInt: integer = ToInt64(std::ceil(value.f)); break;
    case Code::kTruncToInt: integer = ToInt64(std::trunc(value.f)); break;
    case Code::kRoundToInt: integer = ToInt64(RoundHalfEven(value.f)); break;
    case Code::kToFloat: real = static_cast<double>(value.i); break;
    case Code::kFloatSqrt:
      if (value.f >= 0) real = std::sqrt(value.f);
      break;
    case Code::kRoundDecimal: real = RoundToDigits(value.f, op.value.i); break;
    case Code::kFloatCall: real = CallFloatFunction(static_cast<FloatFunction>(op.value.i), value.f); break;
    default: break;
  }
  if (integer.has_value()) value.i = *integer;
  if (real.has_value()) value.f = *real;
  return integer.has_value() || real.has_value();
}

bool ExprProgram::RunBinary(Code code, Value x, Value y, Value& value) {
  const int64_t a = x.i;
  const int64_t b = y.i;
  std::optional<int64_t> result;
  switch (code) {
    case Code::kAdd: result = CheckedAdd(a, b); break;
    case Code::kMul: result = CheckedMul(a, b); break;
    case Code::kFloorDiv: result = CheckedFloorDiv(a, b); break;
    case Code::kMod: result = CheckedMod(a, b); break;
    case Code::kCeilDiv: result = CheckedCeilDiv(a, b); break;
    case Code::kPow: result = PowInts(a, b); break;
    case Code::kBitAnd: result = a & b; break;
    case Code::kMin: result = std::min(a, b); break;
    case Code::kMax: result = std::max(a, b); break;
    case Code::kEq: result = a == b; break;
    case Code::kNe: result = a != b; break;
    case Code::kLt: result = a < b; break;
    case Code::kLe: result = a <= b; break;
    case Code::kAnd: result = a != 0 && b != 0; break;
    case Code::kOr: result = a != 0 || b != 0; break;
    default: return RunFloats(code, x, y, value);
  }
  if (!result.has_value()) return false;
  value.i = *result;
  return true;
}

bool ExprProgram::RunFloats(Code code, Value x, Value y, Value& value) {
  const double a = x.f;
  const double b = y.f;
  switch (code) {
    case Code::kIntTrueDiv: {
      const std::optional<double> quotient = TrueDivInts(x.i, y.i);
      value.f = quotient.value_or(0);
      return quotient.has_value();
    }
    case Code::kTrueDiv: value.f = a / b; return b != 0;
    case Code::kFloatAdd: value.f = a + b; return true;
    case Code::kFloatMul: value.f = a * b; return true;
    case Code::kFloatPow: value.f = std::pow(a, b); return true;
    case Code::kFloatEq: value.i = a == b; return true;
    case Code::kFloatNe: value.i = a != b; return true;
    case Code::kFloatLt: value.i = a < b; return true;
    case Code::kFloatLe: value.i = a <= b; return true;
    case Code::kFloatMin: value.f = std::min(a, b); return true;
    case Code::kFloatMax: value.f = std::max(a, b); return true;
    default: return false;
  }
}

std::optional<int64_t> ExprProgram::Run(const int64_t* symbols) const {
  Value stack[kStackValues];
  Value* top = stack;
  for (const Op& op : ops_) {
    switch (op.code) {
      case Code::kPush:
      case Code::kPushFloat: *top++ = op.value; break;
      case Code::kSymbol: (top++)->i = symbols[op.value.i]; break;
      case Code::kNot:
      case Code::kToFloat:
      case Code::kFloatSqrt:
      case Code::kFloorToInt:
      case Code::kCeilToInt:
      case Code::kTruncToInt:
      case Code::kRoundToInt:
      case Code::kRoundDecimal:
      case Code::kFloatCall:
        // There may be no second operand below.
        if (!RunUnary(op, top[-1])) return std::nullopt;
        break;
      case Code::kWhere:
        top[-3] = top[-3].i != 0 ? top[-2] : top[-1];
        top -= 2;
        break;
      default:
        if (!RunBinary(op.code, top[-2], top[-1], top[-2])) return std::nullopt;
        --top;
    }
  }
  return top[-1].i;
}

}  // namespace kiln
