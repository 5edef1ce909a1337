// Evaluation with Python's meaning. A false conjunct decides an And whatever
// the others do, and only the chosen branch of a Where counts.
#include <cmath>
#include <limits>

#include "base/checked_int.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/scalar_math.h"

namespace kiln {
namespace {

using Result = std::optional<ScalarValue>;

Result Int(std::optional<int64_t> v) {
  if (!v) return std::nullopt;
  return ScalarValue{ExprType::kInt, *v, 0};
}
Result Bool(bool v) { return ScalarValue{ExprType::kBool, v ? 1 : 0, 0}; }
Result Float(std::optional<double> v) {
  if (!v) return std::nullopt;
  return ScalarValue{ExprType::kFloat, 0, *v};
}
double AsDouble(const ScalarValue& v) { return v.type == ExprType::kFloat ? v.f : static_cast<double>(v.i); }
bool IsFloat(const ScalarValue& v) { return v.type == ExprType::kFloat; }

bool Compare(ExprKind kind, const ScalarValue& a, const ScalarValue& b) {
  if (IsFloat(a) || IsFloat(b)) {
    double x = AsDouble(a), y = AsDouble(b);
    if (kind == ExprKind::kEq) return x == y;
    if (kind == ExprKind::kNe) return x != y;
    return kind == ExprKind::kLt ? x < y : x <= y;
  }
  if (kind == ExprKind::kEq) return a.i == b.i;
  if (kind == ExprKind::kNe) return a.i != b.i;
  return kind == ExprKind::kLt ? a.i < b.i : a.i <= b.i;
}

// `ValueOf`: Expr (a symbol) -> Result.
template <typename ValueOf>
class Evaluator {
 public:
  explicit Evaluator(const ValueOf& value_of) : value_of_(value_of) {}

  Result Eval(Expr e) const {
    switch (e.kind()) {
      case ExprKind::kInt: return Int(*e.AsInt());
      case ExprKind::kFloat: return Float(*e.AsFloat());
      case ExprKind::kBool: return Bool(*e.AsBool());
      case ExprKind::kSymbol: return value_of_(e);
      case ExprKind::kPoison: return std::nullopt;
      case ExprKind::kAdd: case ExprKind::kMul: case ExprKind::kMin: case ExprKind::kMax:
        return EvalMany(e);
      case ExprKind::kAnd: return EvalLogic(e.args(), false);
      case ExprKind::kOr: return EvalLogic(e.args(), true);
      case ExprKind::kWhere: return EvalWhere(e.args());
      case ExprKind::kNot: case ExprKind::kToFloat: case ExprKind::kFloatSqrt:
      case ExprKind::kFloorToInt: case ExprKind::kCeilToInt: case ExprKind::kTruncToInt: case ExprKind::kRoundToInt:
        return EvalUnary(e);
      case ExprKind::kFloatCall: return EvalCall(e);
      case ExprKind::kFloorDiv: case ExprKind::kMod: case ExprKind::kCeilDiv: case ExprKind::kPow:
      case ExprKind::kTrueDiv: case ExprKind::kFloatAdd: case ExprKind::kFloatMul: case ExprKind::kFloatPow:
      case ExprKind::kIntPow: case ExprKind::kBitAnd: case ExprKind::kRoundDecimal:
      case ExprKind::kEq: case ExprKind::kNe: case ExprKind::kLt: case ExprKind::kLe:
        return EvalBinary(e);
    }
    return std::nullopt;
  }

 private:
  Result EvalMany(Expr e) const {
    std::optional<int64_t> acc;
    for (Expr arg : e.args()) {
      Result v = Eval(arg);
      if (!v) return std::nullopt;
      if (!acc) {
        acc = v->i;
        continue;
      }
      switch (e.kind()) {
        case ExprKind::kAdd: acc = CheckedAdd(*acc, v->i); break;
        case ExprKind::kMul: acc = CheckedMul(*acc, v->i); break;
        case ExprKind::kMin: acc = *acc < v->i ? *acc : v->i; break;
        default: acc = *acc > v->i ? *acc : v->i; break;
      }
      if (!acc) return std::nullopt;
    }
    return Int(acc);
  }

  Result EvalLogic(absl::Span<const Expr> args, bool deciding) const {
    bool known = true;
    for (Expr arg : args) {
      Result v = Eval(arg);
      if (v && (v->i != 0) == deciding) return Bool(deciding);
      known &= v.has_value();
    }
    if (!known) return std::nullopt;
    return Bool(!deciding);
  }

  Result EvalWhere(absl::Span<const Expr> args) const {
    Result condition = Eval(args[0]);
    if (!condition) return std::nullopt;
    return Eval(condition->i != 0 ? args[1] : args[2]);
  }

  Result EvalUnary(Expr e) const {
    Result a = Eval(e.args()[0]);
    if (!a) return std::nullopt;
    switch (e.kind()) {
      case ExprKind::kNot: return Bool(a->i == 0);
      case ExprKind::kToFloat: return Float(AsDouble(*a));
      case ExprKind::kFloatSqrt:
        if (AsDouble(*a) < 0) return std::nullopt;
        return Float(std::sqrt(AsDouble(*a)));
      case ExprKind::kFloorToInt: return Int(ToInt64(std::floor(AsDouble(*a))));
      case ExprKind::kCeilToInt: return Int(ToInt64(std::ceil(AsDouble(*a))));
      case ExprKind::kRoundToInt: return Int(ToInt64(RoundHalfEven(AsDouble(*a))));
      default: return Int(ToInt64(std::trunc(AsDouble(*a))));
    }
  }

  Result EvalCall(Expr e) const {
    Result a = Eval(e.args()[1]);
    if (!a) return std::nullopt;
    return Float(CallFloatFunction(static_cast<FloatFunction>(*e.args()[0].AsInt()), AsDouble(*a)));
  }

  Result EvalBinary(Expr e) const {
    Result a = Eval(e.args()[0]);
    Result b = Eval(e.args()[1]);
    if (!a || !b) return std::nullopt;
    switch (e.kind()) {
      case ExprKind::kFloorDiv: return Int(CheckedFloorDiv(a->i, b->i));
      case ExprKind::kMod: return Int(CheckedMod(a->i, b->i));
      case ExprKind::kCeilDiv: return EvalCeilDiv(a->i, b->i);
      case ExprKind::kPow: case ExprKind::kIntPow: return Int(PowInts(a->i, b->i));
      case ExprKind::kBitAnd: return Int(a->i & b->i);
      case ExprKind::kRoundDecimal: return Float(RoundToDigits(AsDouble(*a), b->i));
      case ExprKind::kTrueDiv: return EvalTrueDiv(*a, *b);
      case ExprKind::kFloatAdd: return Float(AsDouble(*a) + AsDouble(*b));
      case ExprKind::kFloatMul: return Float(AsDouble(*a) * AsDouble(*b));
      case ExprKind::kFloatPow: return Float(std::pow(AsDouble(*a), AsDouble(*b)));
      default: return Bool(Compare(e.kind(), *a, *b));
    }
  }

  static Result EvalCeilDiv(int64_t a, int64_t b) {
    std::optional<int64_t> quotient = CheckedFloorDiv(a, b);
    if (!quotient) return std::nullopt;
    return Int(*CheckedMod(a, b) == 0 ? *quotient : *quotient + 1);
  }

  static Result EvalTrueDiv(const ScalarValue& a, const ScalarValue& b) {
    if (!IsFloat(a) && !IsFloat(b)) return Float(TrueDivInts(a.i, b.i));
    if (AsDouble(b) == 0) return std::nullopt;
    return Float(AsDouble(a) / AsDouble(b));
  }

  const ValueOf& value_of_;
};

}  // namespace

std::optional<ScalarValue> EvaluateScalar(Expr e,
                                         const std::function<std::optional<ScalarValue>(Expr symbol)>& value_of) {
  return Evaluator(value_of).Eval(e);
}

std::optional<ScalarValue> Evaluate(Expr e, const std::function<std::optional<int64_t>(Expr symbol)>& value_of) {
  auto integer = [&](Expr symbol) { return symbol.type() == ExprType::kInt ? Int(value_of(symbol)) : std::nullopt; };
  return Evaluator(integer).Eval(e);
}

std::optional<int64_t> EvaluateInt(Expr e, const std::function<std::optional<int64_t>(Expr symbol)>& value_of) {
  Result v = Evaluate(e, value_of);
  if (!v || v->type == ExprType::kFloat) return std::nullopt;
  return v->i;
}

}  // namespace kiln
