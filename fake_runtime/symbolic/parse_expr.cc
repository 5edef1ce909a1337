// The parser of expressions: Python's grammar and precedence, sympy's names.
//
//   condition  = sum [ ("==" | "!=" | "<" | "<=" | ">" | ">=") sum ]
//   sum        = product { ("+" | "-") product }
//   product    = unary { ("*" | "//" | "%" | "/") unary }
//   unary      = ("-" | "+") unary | power
//   power      = atom [ "**" unary ]
//   atom       = number | name | name "(" condition { "," condition } ")" | "(" condition ")"
#include <cctype>
#include <charconv>
#include <cmath>
#include <limits>
#include <vector>

#include "absl/base/attributes.h"
#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "base/error.h"
#include "base/limits.h"
#include "base/status_macros.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/expr_node.h"
#include "fake_runtime/symbolic/poison_error.h"

namespace kiln {
namespace {

using Args = absl::Span<const Expr>;

struct FunctionRow {
  absl::string_view name;
  int min_args, max_args;  // -1: any number
  Expr (*build)(ExprPool& pool, Args args);
};

template <ExprKind kind>
Expr Build(ExprPool& pool, Args args) { return pool.Make(kind, args); }

// Sorted by name. Functions of one float are FloatFunction's.
constexpr FunctionRow kFunctions[] = {
    {"Abs", 1, 1, [](ExprPool& p, Args a) { return p.Abs(a[0]); }},
    {"And", 1, -1, Build<ExprKind::kAnd>},
    {"BitAnd", 2, 2, Build<ExprKind::kBitAnd>},
    {"BitwiseFn_bitwise_and", 2, 2, Build<ExprKind::kBitAnd>},
    {"BitwiseFn_bitwise_or", 2, 2, [](ExprPool& p, Args a) { return p.BitOr(a[0], a[1]); }},
    {"BitwiseFn_bitwise_xor", 2, 2, [](ExprPool& p, Args a) { return p.BitXor(a[0], a[1]); }},
    {"CeilDiv", 2, 2, Build<ExprKind::kCeilDiv>},
    {"CeilToInt", 1, 1, Build<ExprKind::kCeilToInt>},
    {"CleanDiv", 2, 2, Build<ExprKind::kFloorDiv>},
    {"Eq", 2, 2, Build<ExprKind::kEq>},
    {"FloatPow", 2, 2, Build<ExprKind::kFloatPow>},
    {"FloatTrueDiv", 2, 2, [](ExprPool& p, Args a) { return p.TrueDiv(p.ToFloat(a[0]), p.ToFloat(a[1])); }},
    {"FloorDiv", 2, 2, Build<ExprKind::kFloorDiv>},
    {"FloorToInt", 1, 1, Build<ExprKind::kFloorToInt>},
    {"Ge", 2, 2, [](ExprPool& p, Args a) { return p.Ge(a[0], a[1]); }},
    {"Gt", 2, 2, [](ExprPool& p, Args a) { return p.Gt(a[0], a[1]); }},
    {"Identity", 1, 1, [](ExprPool&, Args a) { return a[0]; }},
    {"IntPow", 2, 2, Build<ExprKind::kIntPow>},
    {"IntTrueDiv", 2, 2, Build<ExprKind::kTrueDiv>},
    {"LShift", 2, 2, [](ExprPool& p, Args a) { return p.ShiftLeft(a[0], a[1]); }},
    {"Le", 2, 2, Build<ExprKind::kLe>},
    {"Lt", 2, 2, Build<ExprKind::kLt>},
    {"Max", 1, -1, Build<ExprKind::kMax>},
    {"Min", 1, -1, Build<ExprKind::kMin>},
    {"Mod", 2, 2, Build<ExprKind::kMod>},
    {"ModularIndexing", 3, 3, [](ExprPool& p, Args a) { return p.Mod(p.FloorDiv(a[0], a[1]), a[2]); }},
    {"Ne", 2, 2, Build<ExprKind::kNe>},
    {"Not", 1, 1, Build<ExprKind::kNot>},
    {"Or", 1, -1, Build<ExprKind::kOr>},
    {"PowByNatural", 2, 2, Build<ExprKind::kPow>},
    {"PythonMod", 2, 2, Build<ExprKind::kMod>},
    {"RShift", 2, 2, [](ExprPool& p, Args a) { return p.ShiftRight(a[0], a[1]); }},
    {"RoundDecimal", 2, 2, Build<ExprKind::kRoundDecimal>},
    {"RoundToInt", 1, 1, Build<ExprKind::kRoundToInt>},
    {"ToFloat", 1, 1, Build<ExprKind::kToFloat>},
    {"TrueDiv", 2, 2, Build<ExprKind::kTrueDiv>},
    {"TruncToFloat", 1, 1, [](ExprPool& p, Args a) { return p.ToFloat(p.TruncToInt(a[0])); }},
    {"TruncToInt", 1, 1, Build<ExprKind::kTruncToInt>},
    {"Where", 3, 3, Build<ExprKind::kWhere>},
    {"sqrt", 1, 1, Build<ExprKind::kFloatSqrt>},
};

struct OperatorRow {
  absl::string_view text;
  Expr (*build)(ExprPool& pool, Expr a, Expr b);
};

// Longer spellings stand before their prefixes.
constexpr OperatorRow kComparisons[] = {
    {"==", [](ExprPool& p, Expr a, Expr b) { return p.Eq(a, b); }},
    {"!=", [](ExprPool& p, Expr a, Expr b) { return p.Ne(a, b); }},
    {"<=", [](ExprPool& p, Expr a, Expr b) { return p.Le(a, b); }},
    {">=", [](ExprPool& p, Expr a, Expr b) { return p.Ge(a, b); }},
    {"<", [](ExprPool& p, Expr a, Expr b) { return p.Lt(a, b); }},
    {">", [](ExprPool& p, Expr a, Expr b) { return p.Gt(a, b); }},
};
constexpr OperatorRow kProducts[] = {
    {"//", [](ExprPool& p, Expr a, Expr b) { return p.FloorDiv(a, b); }},
    {"*", [](ExprPool& p, Expr a, Expr b) { return p.Mul(a, b); }},
    {"%", [](ExprPool& p, Expr a, Expr b) { return p.Mod(a, b); }},
    {"/", [](ExprPool& p, Expr a, Expr b) { return p.TrueDiv(a, b); }},
};

bool IsNameStart(char c) { return std::isalpha(static_cast<unsigned char>(c)) || c == '_'; }
bool IsDigit(char c) { return std::isdigit(static_cast<unsigned char>(c)); }
bool IsNameChar(char c) { return IsNameStart(c) || IsDigit(c); }

// Each level of nesting takes a few frames of the stack, which must be small: what
// builds messages is not inlined, and operands wait on the heap.
class ExprParser {
 public:
  ExprParser(ExprPool& pool, absl::string_view text)
      : pool_(pool), text_(text),
        max_depth_(static_cast<int>(GetLimit(Limit::kExprDepth))),
        nodes_left_(GetLimit(Limit::kExprNodes)) {}

  absl::StatusOr<Expr> Parse() {
    KILN_ASSIGN_OR_RETURN(Expr e, ParseCondition());
    SkipSpace();
    if (pos_ != text_.size()) return Error("unexpected text");
    return e;
  }

 private:
  using Result = absl::StatusOr<Expr>;

  ABSL_ATTRIBUTE_NOINLINE absl::Status Error(absl::string_view message) const {
    return MakeError(ErrorReason::kParseError,
                     absl::StrCat("column ", pos_ + 1, ": ", message, " in expression '",
                                  text_.substr(0, 200), "'"));
  }

  // `e`, or the error that its poison stands for.
  Result Built(Expr e) { return e.is_poison() ? Result(Poisoned(e)) : Result(e); }

  ABSL_ATTRIBUTE_NOINLINE absl::Status Poisoned(Expr e) const {
    absl::string_view why = e.poison_reason();
    std::string message = absl::StrCat("column ", pos_ + 1, ": ", why, " in expression '",
                                       text_.substr(0, 200), "'");
    if (why == "overflow") return MakeError(ErrorReason::kSizeOverflow, message);
    if (absl::StartsWith(why, "over ")) return PoisonError(e, message);
    return MakeError(ErrorReason::kParseError, message);
  }

  absl::Status Count() {
    return --nodes_left_ >= 0 ? absl::OkStatus() : Over(GetLimit(Limit::kExprNodes), "nodes");
  }

  ABSL_ATTRIBUTE_NOINLINE absl::Status Over(int64_t limit, absl::string_view what) const {
    return MakeError(ErrorReason::kLimitExceeded, absl::StrCat("an expression of over ", limit, " ", what));
  }

  void SkipSpace() {
    while (pos_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[pos_]))) ++pos_;
  }
  char Peek() const { return pos_ < text_.size() ? text_[pos_] : '\0'; }
  bool Accept(absl::string_view token) {
    SkipSpace();
    if (text_.substr(pos_, token.size()) != token) return false;
    pos_ += token.size();
    return true;
  }

  const OperatorRow* AcceptOperator(absl::Span<const OperatorRow> rows) {
    SkipSpace();
    if (text_.substr(pos_, 2) == "**") return nullptr;
    for (const OperatorRow& row : rows) {
      if (Accept(row.text)) return &row;
    }
    return nullptr;
  }

  Result ParseCondition() {
    if (++depth_ > max_depth_) return Over(max_depth_, "levels");
    KILN_ASSIGN_OR_RETURN(Expr left, ParseSum());
    if (const OperatorRow* row = AcceptOperator(kComparisons)) {
      KILN_ASSIGN_OR_RETURN(Expr right, ParseSum());
      KILN_ASSIGN_OR_RETURN(left, Built(row->build(pool_, left, right)));
    }
    --depth_;
    return left;
  }

  absl::Status RefuseCondition(Expr operand) const {
    if (operand.type() != ExprType::kBool) return absl::OkStatus();
    return Error("a condition cannot be an operand of arithmetic; use Where");
  }

  // All terms are added at once; one by one, n of them would take n^2 steps.
  Result ParseSum() {
    const size_t first = waiting_.size();
    bool negative = false;
    for (;;) {
      KILN_ASSIGN_OR_RETURN(Expr term, ParseProduct());
      SkipSpace();
      const bool more = Peek() == '+' || Peek() == '-';
      if (!more && waiting_.size() == first) return term;
      KILN_RETURN_IF_ERROR(RefuseCondition(term));
      waiting_.push_back(negative ? pool_.Neg(term) : term);
      if (!more) return Built(pool_.Add(TakeWaiting(first)));
      negative = text_[pos_++] == '-';
    }
  }

  Result ParseProduct() {
    KILN_ASSIGN_OR_RETURN(Expr left, ParseUnary());
    while (const OperatorRow* row = AcceptOperator(kProducts)) {
      KILN_ASSIGN_OR_RETURN(Expr right, ParseUnary());
      KILN_RETURN_IF_ERROR(RefuseCondition(left));
      KILN_RETURN_IF_ERROR(RefuseCondition(right));
      KILN_ASSIGN_OR_RETURN(left, Built(row->build(pool_, left, right)));
    }
    return left;
  }

  Result ParseUnary() {
    SkipSpace();
    if (Peek() != '-' && Peek() != '+') return ParsePower();
    bool negative = false;
    for (; Peek() == '-' || Peek() == '+'; SkipSpace()) {
      if (text_[pos_++] == '-') negative = !negative;
    }
    // -2^63 has no positive counterpart, so a sign belongs to its number.
    SkipSpace();
    if (negative && IsDigit(Peek())) {
      size_t start = pos_;
      KILN_ASSIGN_OR_RETURN(Expr number, ParseNumber(true));
      SkipSpace();
      if (text_.substr(pos_, 2) != "**") return number;
      pos_ = start;
    }
    KILN_ASSIGN_OR_RETURN(Expr e, ParsePower());
    return negative ? Built(pool_.Neg(e)) : Result(e);
  }

  Result ParsePower() {
    KILN_ASSIGN_OR_RETURN(Expr base, ParseAtom());
    if (!Accept("**")) return base;
    if (++depth_ > max_depth_) return Over(max_depth_, "levels");
    KILN_ASSIGN_OR_RETURN(Expr exponent, ParseUnary());
    --depth_;
    return Built(pool_.Pow(base, exponent));
  }

  Result ParseAtom() {
    KILN_RETURN_IF_ERROR(Count());
    SkipSpace();
    if (IsDigit(Peek()) || Peek() == '.') return ParseNumber(false);
    if (IsNameStart(Peek())) return ParseName();
    if (!Accept("(")) return Error(pos_ < text_.size() ? "expected an operand" : "expression ends too early");
    KILN_ASSIGN_OR_RETURN(Expr e, ParseCondition());
    if (!Accept(")")) return Error("expected ')'");
    return e;
  }

  Result ParseNumber(bool negative) {
    size_t start = pos_;
    bool is_float = false;
    while (IsDigit(Peek())) ++pos_;
    if (Peek() == '.') {
      is_float = true;
      ++pos_;
      while (IsDigit(Peek())) ++pos_;
    }
    if (Peek() == 'e' || Peek() == 'E') {
      is_float = true;
      ++pos_;
      if (Peek() == '-' || Peek() == '+') ++pos_;
      if (!IsDigit(Peek())) return Error("expected an exponent");
      while (IsDigit(Peek())) ++pos_;
    }
    if (IsNameChar(Peek())) return Error("a number runs into a name");
    std::string digits = absl::StrCat(negative ? "-" : "", text_.substr(start, pos_ - start));
    const char* begin = digits.data();
    const char* end = begin + digits.size();
    if (!is_float) {
      int64_t value = 0;
      std::from_chars_result r = std::from_chars(begin, end, value);
      if (r.ec != std::errc()) return Built(MakePoison(PoisonReason::kOverflow));
      return pool_.Int(value);
    }
    double value = 0;
    std::from_chars_result r = std::from_chars(begin, end, value);
    if (r.ptr != end || r.ec == std::errc::invalid_argument) return Error("not a number");
    return pool_.Float(value);
  }

  Result ParseName() {
    size_t start = pos_;
    while (IsNameChar(Peek())) ++pos_;
    absl::string_view name = text_.substr(start, pos_ - start);
    if (static_cast<int64_t>(name.size()) > GetLimit(Limit::kStringBytes)) {
      return CheckLimit(Limit::kStringBytes, name.size(), "symbol name");
    }
    if (Accept("(")) return ParseCall(name);
    if (name == "True" || name == "true") return Expr::Bool(true);
    if (name == "False" || name == "false") return Expr::Bool(false);
    if (name == "inf") return pool_.Float(std::numeric_limits<double>::infinity());
    if (name == "nan") return pool_.Float(std::numeric_limits<double>::quiet_NaN());
    return pool_.Symbol(name);
  }

  Result ParseCall(absl::string_view name) {
    absl::ConsumePrefix(&name, "OpaqueUnaryFn_");
    const FunctionRow* row = FindFunction(name);
    if (row == nullptr && !FindFloatFunction(name)) return UnknownFunction(name);
    const size_t first = waiting_.size();
    if (!Accept(")")) {
      do {
        KILN_ASSIGN_OR_RETURN(Expr arg, ParseCondition());
        waiting_.push_back(arg);
      } while (Accept(","));
      if (!Accept(")")) return Error("expected ')'");
    }
    return BuildCall(row, name, TakeWaiting(first));
  }

  static const FunctionRow* FindFunction(absl::string_view name) {
    for (const FunctionRow& row : kFunctions) {
      if (row.name == name) return &row;
    }
    return nullptr;
  }

  ABSL_ATTRIBUTE_NOINLINE absl::Status UnknownFunction(absl::string_view name) const {
    return Error(absl::StrCat("unknown function '", name, "'"));
  }

  // `row` is null for a function of one float.
  ABSL_ATTRIBUTE_NOINLINE Result BuildCall(const FunctionRow* row, absl::string_view name, const ExprVector& args) {
    const int count = static_cast<int>(args.size());
    const std::optional<FloatFunction> function = row == nullptr ? FindFloatFunction(name) : std::nullopt;
    if (function && count == 1) return Built(pool_.Call(*function, args[0]));
    if (function || count < row->min_args || (row->max_args >= 0 && count > row->max_args)) {
      return Error(absl::StrCat("'", name, "' does not take ", count, " arguments"));
    }
    return Built(row->build(pool_, args));
  }

  ExprVector TakeWaiting(size_t first) {
    ExprVector taken(waiting_.begin() + first, waiting_.end());
    waiting_.resize(first);
    return taken;
  }

  ExprPool& pool_;
  absl::string_view text_;
  std::vector<Expr> waiting_;  // terms and arguments of all the levels that are open
  size_t pos_ = 0;
  int depth_ = 0;
  int max_depth_;
  int64_t nodes_left_;
};

}  // namespace

absl::StatusOr<Expr> ExprPool::Parse(absl::string_view text) { return ExprParser(*this, text).Parse(); }

}  // namespace kiln
