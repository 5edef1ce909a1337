// The text form of expressions; docs/text_form.md. What it prints, Parse reads
// back to the same expression.
#include <charconv>
#include <cmath>
#include <string>

#include "absl/strings/str_cat.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/expr_node.h"

namespace kiln {
namespace {

// How tightly an operand is bound; one that is bound less than its place asks
// for stands in parentheses.
enum Precedence { kComparison, kSum, kProduct, kFactor, kAtom };

// Python's repr: the shortest digits that read back, with a point or exponent.
std::string FloatText(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  char buffer[32];
  std::to_chars_result end = std::to_chars(buffer, buffer + sizeof(buffer), value);
  std::string text(buffer, end.ptr);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

absl::string_view FunctionName(ExprKind kind) {
  switch (kind) {
    case ExprKind::kMin: return "Min";
    case ExprKind::kMax: return "Max";
    case ExprKind::kCeilDiv: return "CeilDiv";
    case ExprKind::kToFloat: return "ToFloat";
    case ExprKind::kFloatSqrt: return "sqrt";
    case ExprKind::kFloorToInt: return "FloorToInt";
    case ExprKind::kCeilToInt: return "CeilToInt";
    case ExprKind::kTruncToInt: return "TruncToInt";
    case ExprKind::kRoundToInt: return "RoundToInt";
    case ExprKind::kRoundDecimal: return "RoundDecimal";
    case ExprKind::kIntPow: return "IntPow";
    case ExprKind::kBitAnd: return "BitAnd";
    case ExprKind::kAnd: return "And";
    case ExprKind::kOr: return "Or";
    case ExprKind::kNot: return "Not";
    case ExprKind::kWhere: return "Where";
    default: return "";
  }
}

struct Infix {
  absl::string_view text;
  Precedence own, left, right;
};

Infix InfixOf(ExprKind kind) {
  switch (kind) {
    case ExprKind::kFloorDiv: return {"//", kProduct, kFactor, kAtom};
    case ExprKind::kMod: return {" % ", kProduct, kFactor, kAtom};
    case ExprKind::kTrueDiv: return {" / ", kProduct, kFactor, kAtom};
    case ExprKind::kPow: case ExprKind::kFloatPow: return {"**", kFactor, kAtom, kAtom};
    case ExprKind::kFloatAdd: return {" + ", kSum, kSum, kProduct};
    case ExprKind::kFloatMul: return {"*", kProduct, kFactor, kFactor};
    case ExprKind::kEq: return {" == ", kComparison, kSum, kSum};
    case ExprKind::kNe: return {" != ", kComparison, kSum, kSum};
    case ExprKind::kLt: return {" < ", kComparison, kSum, kSum};
    default: return {" <= ", kComparison, kSum, kSum};
  }
}

class Printer {
 public:
  std::string Take() { return std::move(out_); }

  void Print(Expr e, Precedence place) {
    switch (e.kind()) {
      case ExprKind::kInt:
        return PrintNumber(absl::StrCat(*e.AsInt()), place);
      case ExprKind::kFloat:
        return PrintNumber(FloatText(*e.AsFloat()), place);
      case ExprKind::kBool:
        return absl::StrAppend(&out_, *e.AsBool() ? "True" : "False");
      case ExprKind::kSymbol:
        return absl::StrAppend(&out_, e.symbol_name());
      case ExprKind::kPoison:
        return absl::StrAppend(&out_, "<", e.poison_reason(), ">");
      case ExprKind::kAdd:
        return Parenthesized(kSum, place, [&] { PrintSum(e); });
      case ExprKind::kMul:
        return Parenthesized(kProduct, place, [&] { PrintProduct(e, false); });
      case ExprKind::kMin: case ExprKind::kMax: case ExprKind::kCeilDiv: case ExprKind::kToFloat:
      case ExprKind::kFloatSqrt: case ExprKind::kFloorToInt: case ExprKind::kCeilToInt:
      case ExprKind::kTruncToInt: case ExprKind::kRoundToInt: case ExprKind::kRoundDecimal:
      case ExprKind::kIntPow: case ExprKind::kBitAnd: case ExprKind::kAnd: case ExprKind::kOr: case ExprKind::kNot:
      case ExprKind::kWhere:
        return PrintCall(FunctionName(e.kind()), e.args());
      case ExprKind::kFloatCall:
        return PrintCall(FloatFunctionName(static_cast<FloatFunction>(*e.args()[0].AsInt())), e.args().subspan(1));
      case ExprKind::kFloorDiv: case ExprKind::kMod: case ExprKind::kPow: case ExprKind::kTrueDiv:
      case ExprKind::kFloatAdd: case ExprKind::kFloatMul: case ExprKind::kFloatPow:
      case ExprKind::kEq: case ExprKind::kNe: case ExprKind::kLt: case ExprKind::kLe: {
        Infix infix = InfixOf(e.kind());
        return Parenthesized(infix.own, place, [&] {
          Print(e.args()[0], infix.left);
          absl::StrAppend(&out_, infix.text);
          Print(e.args()[1], infix.right);
        });
      }
    }
  }

 private:
  template <typename Body>
  void Parenthesized(Precedence own, Precedence place, Body&& body) {
    bool parens = own < place;
    if (parens) out_ += '(';
    body();
    if (parens) out_ += ')';
  }

  // A sign binds less than a power does.
  void PrintNumber(const std::string& text, Precedence place) {
    Parenthesized(text[0] == '-' ? kFactor : kAtom, place, [&] { out_ += text; });
  }

  void PrintCall(absl::string_view name, absl::Span<const Expr> args) {
    absl::StrAppend(&out_, name, "(");
    for (size_t i = 0; i < args.size(); ++i) {
      if (i > 0) absl::StrAppend(&out_, ", ");
      Print(args[i], kComparison);
    }
    out_ += ')';
  }

  void PrintSum(Expr e) {
    SumView sum = ViewSum(e);
    for (size_t i = 0; i < sum.terms.size(); ++i) {
      bool negative = ViewTerm(sum.terms[i]).coefficient < 0;
      if (i > 0) absl::StrAppend(&out_, negative ? " - " : " + ");
      if (sum.terms[i].kind() == ExprKind::kMul) {
        PrintProduct(sum.terms[i], i > 0);
      } else {
        Print(sum.terms[i], kProduct);
      }
    }
    if (sum.constant < 0) {
      // Written as a difference; 2^63 has no positive int64.
      absl::StrAppend(&out_, " - ", uint64_t{0} - static_cast<uint64_t>(sum.constant));
    } else if (sum.constant > 0) {
      absl::StrAppend(&out_, " + ", sum.constant);
    }
  }

  // `unsigned_only`: the sign stands before it already.
  void PrintProduct(Expr e, bool unsigned_only) {
    TermView term = ViewTerm(e);
    if (term.coefficient < 0 && !unsigned_only) out_ += '-';
    uint64_t magnitude = static_cast<uint64_t>(term.coefficient);
    if (term.coefficient < 0) magnitude = uint64_t{0} - magnitude;
    if (magnitude != 1) absl::StrAppend(&out_, magnitude, "*");
    for (size_t i = 0; i < term.factors.size(); ++i) {
      if (i > 0) out_ += '*';
      Print(term.factors[i], kFactor);
    }
  }

  std::string out_;
};

}  // namespace

std::string Expr::ToString() const {
  Printer printer;
  printer.Print(*this, kComparison);
  return printer.Take();
}

}  // namespace kiln
