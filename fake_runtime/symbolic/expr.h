// Symbolic scalars: what sizes, strides, offsets and guards are made of.
//
// An `Expr` is an 8-byte value. Small integers live inside it; everything else
// is an immutable node interned in an `ExprPool`, so that equal canonical
// expressions from one pool are the same bits and `==` is one compare.
//
//   ExprPool pool;
//   Expr s0 = pool.Symbol("s0");
//   Expr e = pool.Add(pool.Mul(s0, Expr(2)), Expr(3));     // 2*s0 + 3
//   e.ToString() == "2*s0 + 3"
//
// Builders canonicalise: sums of products with integer coefficients, sorted by
// a name-based order (never by address, so that printing and hashing are the
// same in every process), constants folded, x - x = 0, FloorDiv and Mod
// simplified where that holds for *all* integers. Rules that need a fact (a
// range, a divisibility) live in ShapeEnv, not here. Every rewrite rule is
// proven in tests/proofs.
//
// Integer expressions are exact: a constant that leaves int64 makes the result
// `Expr::Poison()`, which every builder propagates; callers that take client
// input check `is_poison()` and answer SIZE_OVERFLOW. Expressions over
// Limit::kExprNodes or Limit::kExprDepth, and all past Limit::kRewriteSteps, are
// poison with a reason as well (poison_error.h).
//
// The text form (docs/text_form.md) is Python's and sympy's: `s0*s1 + 3`,
// `(s0 + 1)//2`, `s0 % 8`, `Max(1, s0)`, `Min(a, b)`, `s0**2`, `CeilDiv(a, b)`,
// `s0 / 2` (true division, a float), `ToFloat(s0)`, `2.5`, `s0 == 3`, `s0 < s1`,
// `And(a, b)`, `Or(a, b)`, `Not(a)`, `IntPow(2, s0)`, `BitAnd(s0, s1)`,
// `RoundToInt(f)`, `RoundDecimal(f, 2)`, `sin(f)`; also accepted are sympy's
// spellings `Eq Ne Lt Le Gt Ge FloorDiv PythonMod Mod IntTrueDiv FloatTrueDiv
// ModularIndexing PowByNatural CleanDiv LShift RShift TruncToFloat
// BitwiseFn_bitwise_and/or/xor OpaqueUnaryFn_*`.
//
// Thread-compatible: a pool and its expressions are used by one thread at a
// time; expressions must not outlive their pool.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_EXPR_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_EXPR_H_

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "fake_runtime/symbolic/float_function.h"

namespace kiln {

enum class ExprKind : uint8_t {
  kInt,       // int64 constant
  kFloat,     // double constant
  kBool,      // true or false
  kSymbol,    // integer symbol, or float where its name is zf* or zuf*
  kAdd,       // args: terms, at most one constant, first
  kMul,       // args: factors, at most one constant, first
  kFloorDiv,  // args: a, b; rounds to minus infinity
  kMod,       // args: a, b; the divisor's sign
  kCeilDiv,   // args: a, b; what CeilDiv builds is a kFloorDiv
  kPow,       // args: base, natural exponent (constant)
  kMin,       // args: sorted, two or more
  kMax,       // args: sorted, two or more
  kToFloat,   // args: integer a
  kTrueDiv,   // args: a, b; integer operands are divided as Python does
  kFloatAdd, kFloatMul, kFloatPow, kFloatSqrt,  // on floats
  kFloorToInt, kCeilToInt, kTruncToInt,         // float -> integer
  kEq, kNe, kLt, kLe,  // args: a, b. > and >= are swapped < and <=
  kAnd, kOr, kNot,     // args: booleans
  kWhere,              // args: condition, a, b
  kIntPow,             // args: base, exponent that is no constant; undefined below 0
  kBitAnd,             // args: a, b; two's complement without end, as in Python
  kRoundToInt,         // float -> integer, ties to even
  kRoundDecimal,       // args: float, a constant number of digits; a float
  kFloatCall,          // args: a FloatFunction's number, a float; a float
  kPoison,             // overflow or over a limit
};

// What an expression evaluates to.
enum class ExprType : uint8_t { kInt, kFloat, kBool };

struct ExprNode;     // expr_layout.h's business
struct ExprPoolRep;  // likewise
class ExprPool;

class Expr {
 public:
  // The integer 0.
  Expr() : Expr(int64_t{0}) {}
  // Any int64 in [-2^62, 2^62) is inline; larger constants need ExprPool::Int.
  // INT64_MIN and INT64_MAX are fine as well; anything else is poison.
  explicit Expr(int64_t value) {
    bits_ = value >= -(int64_t{1} << 62) && value < (int64_t{1} << 62)
                ? (static_cast<uintptr_t>(value) << 1) | 1
                : LargeBits(value);
  }
  static Expr Poison();
  static Expr Bool(bool value);

  ExprKind kind() const;
  ExprType type() const;
  bool is_poison() const;
  // Why a poison is one: "overflow", "over expr_nodes", "division by zero", ...
  absl::string_view poison_reason() const;

  // The value of an integer constant.
  std::optional<int64_t> AsInt() const;
  std::optional<double> AsFloat() const;
  std::optional<bool> AsBool() const;
  bool IsInt(int64_t value) const;

  // kSymbol only.
  absl::string_view symbol_name() const;
  // True if some symbol in it is unbacked.
  bool has_unbacked() const;
  bool has_symbols() const;
  // True if `symbol` occurs in it.
  bool Mentions(Expr symbol) const;
  absl::Span<const Expr> args() const;

  // Equal for equal canonical expressions in every process.
  uint64_t hash() const;
  std::string ToString() const;

  friend bool operator==(Expr a, Expr b) { return a.bits_ == b.bits_; }
  // A total order, by structure and name, the same in every process.
  static int Compare(Expr a, Expr b);
  template <typename H>
  friend H AbslHashValue(H h, Expr e) {
    return H::combine(std::move(h), e.bits_);
  }

 private:
  friend class ExprPool;
  friend struct ExprNode;
  static Expr Wrap(const ExprNode* node) {
    Expr e;
    e.bits_ = reinterpret_cast<uintptr_t>(node);
    return e;
  }
  // nullptr for an inline integer.
  const ExprNode* node() const;
  bool is_inline() const { return bits_ & 1; }
  static uintptr_t LargeBits(int64_t value);
  uintptr_t bits_;
};

// Owns interned expressions and builds canonical ones. Not thread-safe.
class ExprPool {
 public:
  ExprPool();
  ~ExprPool();
  ExprPool(const ExprPool&) = delete;
  ExprPool& operator=(const ExprPool&) = delete;

  Expr Int(int64_t value);
  Expr Float(double value);
  // An integer symbol, or a float one where the name is `zf` or `zuf` and
  // digits, as PyTorch names them. Equal names give the same symbol. Names match
  // [a-zA-Z_][a-zA-Z0-9_]*; those that start with 'u' or are `zuf` and digits
  // are unbacked.
  Expr Symbol(absl::string_view name);

  Expr Add(Expr a, Expr b);
  Expr Sub(Expr a, Expr b);
  Expr Mul(Expr a, Expr b);
  Expr Neg(Expr a);
  Expr Add(absl::Span<const Expr> terms);
  Expr Mul(absl::Span<const Expr> factors);
  Expr FloorDiv(Expr a, Expr b);
  Expr Mod(Expr a, Expr b);
  Expr CeilDiv(Expr a, Expr b);
  // Integers to a natural power, else floats. Integers to the power of an
  // integer that is no constant are integers, undefined where it is negative.
  Expr Pow(Expr base, Expr exponent);
  // a * 2**n, and a // 2**n.
  Expr ShiftLeft(Expr a, Expr n);
  Expr ShiftRight(Expr a, Expr n);
  // Of booleans: And, Or, and inequality.
  Expr BitAnd(Expr a, Expr b);
  Expr BitOr(Expr a, Expr b);
  Expr BitXor(Expr a, Expr b);
  Expr Min(Expr a, Expr b);
  Expr Max(Expr a, Expr b);
  Expr Abs(Expr a);
  Expr ToFloat(Expr a);
  Expr TrueDiv(Expr a, Expr b);
  Expr FloatSqrt(Expr a);
  Expr FloorToInt(Expr a);
  Expr CeilToInt(Expr a);
  Expr TruncToInt(Expr a);
  // Python's round(): to the nearest integer, ties to even.
  Expr RoundToInt(Expr a);
  // Python's round() to a constant number of decimal digits, of a float.
  Expr RoundDecimal(Expr a, Expr digits);
  Expr Call(FloatFunction function, Expr a);
  // Whether the float `a` has no fraction.
  Expr IsInteger(Expr a);
  Expr Eq(Expr a, Expr b);
  Expr Ne(Expr a, Expr b);
  Expr Lt(Expr a, Expr b);
  Expr Le(Expr a, Expr b);
  Expr Gt(Expr a, Expr b) { return Lt(b, a); }
  Expr Ge(Expr a, Expr b) { return Le(b, a); }
  Expr And(Expr a, Expr b);
  Expr Or(Expr a, Expr b);
  Expr Not(Expr a);
  Expr Where(Expr condition, Expr a, Expr b);
  // Builds a node of `kind` from `args`, canonicalised.
  Expr Make(ExprKind kind, absl::Span<const Expr> args);

  // `e` with every symbol s for which `replacement(s)` has a value replaced by
  // it; the result is canonical.
  Expr Substitute(
      Expr e, const std::function<std::optional<Expr>(Expr symbol)>& replacement);

  // Copies an expression of another pool into this one, renaming on the way.
  Expr Import(Expr e, const std::function<Expr(Expr symbol)>& rename);

  // Work is counted in steps: a node built or visited, a fact tried. Over
  // Limit::kRewriteSteps of them every builder gives poison, and proofs end
  // with "unknown", so that whatever goes on ends soon; who asked for it finds
  // the pool exhausted and says so. A stage begins by filling up again.
  void Spend(int64_t steps);
  int64_t steps() const;
  bool exhausted() const;
  // Work starts anew, with `extra` steps more than the limit.
  void Refill(int64_t extra = 0);

  // Parses the text form. PARSE_ERROR with a column, LIMIT_EXCEEDED, or
  // SIZE_OVERFLOW. Symbols are created as they appear.
  absl::StatusOr<Expr> Parse(absl::string_view text);

 private:
  friend struct ExprPoolRep;
  Expr Logic(ExprKind kind, absl::Span<const Expr> operands);
  std::unique_ptr<ExprPoolRep> rep_;
};

// A scalar value at run time.
struct ScalarValue {
  ExprType type = ExprType::kInt;
  int64_t i = 0;  // kInt, kBool
  double f = 0;   // kFloat
};

// Evaluates with Python's meaning. nullopt on overflow, division by zero, or a
// symbol without a value. The first form has no values for float symbols.
std::optional<ScalarValue> Evaluate(
    Expr e, const std::function<std::optional<int64_t>(Expr symbol)>& value_of);
std::optional<ScalarValue> EvaluateScalar(
    Expr e, const std::function<std::optional<ScalarValue>(Expr symbol)>& value_of);
std::optional<int64_t> EvaluateInt(
    Expr e, const std::function<std::optional<int64_t>(Expr symbol)>& value_of);

// Calls `visit` once for each distinct symbol, in the order of first
// appearance in the printed form.
void VisitSymbols(Expr e, const std::function<void(Expr symbol)>& visit);

// `e` == coefficient * variable + rest, with neither part mentioning
// `variable`. nullopt if `e` is not linear in it. The base of index analysis
// (strides of a loop variable) and of symbol solving.
struct LinearForm {
  Expr coefficient;
  Expr rest;
};
std::optional<LinearForm> SplitLinear(ExprPool& pool, Expr e, Expr variable);

}  // namespace kiln

#include "fake_runtime/symbolic/expr_layout.h"

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_EXPR_H_
