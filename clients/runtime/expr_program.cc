#include "clients/runtime/expr_program.h"

#include <algorithm>
#include <cmath>

#include "absl/strings/str_cat.h"
#include "base/checked_int.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

// n-ary nodes fold as they go, so each level of nesting keeps at most two values
// on the stack (three under a `Where`).
constexpr int kMaxDepth = 256;
constexpr int kStackValues = 3 * kMaxDepth + 3;

absl::Status BadExpression(Expr expr, absl::string_view what) {
  return MakeError(ErrorReason::kBadExpression, absl::StrCat("the expression ", expr.ToString(), ": ", what));
}

std::optional<int64_t> CheckedPow(int64_t base, int64_t exponent) {
  if (exponent < 0) return std::nullopt;
  int64_t result = 1;
  // Past 63 factors only 0, 1 and -1 stay in range; their powers repeat.
  if (exponent > 64) exponent = 64 + exponent % 2;
  for (int64_t i = 0; i < exponent; ++i) {
    std::optional<int64_t> product = CheckedMul(result, base);
    if (!product.has_value()) return std::nullopt;
    result = *product;
  }
  return result;
}

std::optional<int64_t> CheckedCeilDiv(int64_t a, int64_t b) {
  std::optional<int64_t> floor = CheckedFloorDiv(a, b);
  if (!floor.has_value()) return std::nullopt;
  return *CheckedMod(a, b) == 0 ? *floor : *floor + 1;
}

std::optional<int64_t> ToInt(double value) {
  // 2^63 is exact as a double; the comparison is false for NaN.
  if (!(value >= -9223372036854775808.0 && value < 9223372036854775808.0)) return std::nullopt;
  return static_cast<int64_t>(value);
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
      case ExprKind::kPow: return Fold(e, Code::kPow, false, depth);
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
      case ExprKind::kTrueDiv: return Fold(e, Code::kTrueDiv, true, depth);
      case ExprKind::kFloatAdd: return Fold(e, Code::kFloatAdd, true, depth);
      case ExprKind::kFloatMul: return Fold(e, Code::kFloatMul, true, depth);
      case ExprKind::kFloatPow: return Fold(e, Code::kFloatPow, true, depth);
      case ExprKind::kFloatSqrt: return Fold(e, Code::kFloatSqrt, true, depth);
      case ExprKind::kFloorToInt: return Fold(e, Code::kFloorToInt, true, depth);
      case ExprKind::kCeilToInt: return Fold(e, Code::kCeilToInt, true, depth);
      case ExprKind::kTruncToInt: return Fold(e, Code::kTruncToInt, true, depth);
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

// Both take the operation's operands from the stack, whose last value is
// top[-1], and push its result. False on overflow or division by zero.
bool ExprProgram::RunInt(const Op& op, Value*& top) {
  const int64_t b = top[-1].i;
  if (op.code == Code::kNot) {
    top[-1].i = b == 0;
    return true;
  }
  if (op.code == Code::kWhere) {
    top[-3] = top[-3].i != 0 ? top[-2] : top[-1];
    top -= 2;
    return true;
  }
  const int64_t a = top[-2].i;
  std::optional<int64_t> result;
  switch (op.code) {
    case Code::kAdd: result = CheckedAdd(a, b); break;
    case Code::kMul: result = CheckedMul(a, b); break;
    case Code::kFloorDiv: result = CheckedFloorDiv(a, b); break;
    case Code::kMod: result = CheckedMod(a, b); break;
    case Code::kCeilDiv: result = CheckedCeilDiv(a, b); break;
    case Code::kPow: result = CheckedPow(a, b); break;
    case Code::kMin: result = std::min(a, b); break;
    case Code::kMax: result = std::max(a, b); break;
    case Code::kEq: result = a == b; break;
    case Code::kNe: result = a != b; break;
    case Code::kLt: result = a < b; break;
    case Code::kLe: result = a <= b; break;
    case Code::kAnd: result = a != 0 && b != 0; break;
    case Code::kOr: result = a != 0 || b != 0; break;
    default: return RunFloat(op, top);
  }
  if (!result.has_value()) return false;
  (--top)[-1].i = *result;
  return true;
}

bool ExprProgram::RunFloat(const Op& op, Value*& top) {
  const double b = top[-1].f;
  std::optional<int64_t> integer;
  switch (op.code) {
    case Code::kToFloat: top[-1].f = static_cast<double>(top[-1].i); return true;
    case Code::kFloatSqrt: top[-1].f = std::sqrt(b); return b >= 0;
    case Code::kFloorToInt: integer = ToInt(std::floor(b)); break;
    case Code::kCeilToInt: integer = ToInt(std::ceil(b)); break;
    case Code::kTruncToInt: integer = ToInt(std::trunc(b)); break;
    default: {
      const double a = top[-2].f;
      Value& out = (--top)[-1];
      switch (op.code) {
        case Code::kTrueDiv: out.f = a / b; return b != 0;
        case Code::kFloatAdd: out.f = a + b; return true;
        case Code::kFloatMul: out.f = a * b; return true;
        case Code::kFloatPow: out.f = std::pow(a, b); return true;
        case Code::kFloatEq: out.i = a == b; return true;
        case Code::kFloatNe: out.i = a != b; return true;
        case Code::kFloatLt: out.i = a < b; return true;
        case Code::kFloatLe: out.i = a <= b; return true;
        case Code::kFloatMin: out.f = std::min(a, b); return true;
        case Code::kFloatMax: out.f = std::max(a, b); return true;
        default: return false;
      }
    }
  }
  if (!integer.has_value()) return false;
  top[-1].i = *integer;
  return true;
}

std::optional<int64_t> ExprProgram::Run(const int64_t* symbols) const {
  Value stack[kStackValues];
  Value* top = stack;
  for (const Op& op : ops_) {
    switch (op.code) {
      case Code::kPush:
      case Code::kPushFloat: *top++ = op.value; break;
      case Code::kSymbol: (top++)->i = symbols[op.value.i]; break;
      default:
        if (!RunInt(op, top)) return std::nullopt;
    }
  }
  return top[-1].i;
}

}  // namespace kiln
