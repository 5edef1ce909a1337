// What the code does, not what its rules say: random expressions and what the
// builders made of them are equal for all integers, by Z3.
#include <iostream>

#include <gtest/gtest.h>

#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/testing/naive_expr.h"
#include "tests/proofs/prover.h"

namespace kiln {
namespace {

constexpr int kSymbols = 2;
constexpr int kExpressions = 240;
// Division by a product of unknowns is undecidable in general. Such claims may
// stay open; the oracle test covers them by values.
// Five in six are proven while other things run; a busier machine has less time.
constexpr int kLeastProven = kExpressions / 2;

// Both kinds of tree as Z3 terms; conditions as integers 0 and 1.
class Translator {
 public:
  Translator(Prover& prover, std::vector<z3::expr> symbols) : p_(prover), symbols_(std::move(symbols)) {}

  z3::expr Translate(const NaiveExpr& e) {
    if (e.kind == ExprKind::kInt) return p_.Value(e.value);
    if (e.kind == ExprKind::kSymbol) return symbols_[e.symbol];
    std::vector<z3::expr> args;
    for (const auto& a : e.args) args.push_back(Translate(*a));
    return Apply(e.kind, args);
  }

  z3::expr Translate(Expr e) {
    if (std::optional<int64_t> c = e.AsInt()) return p_.Value(*c);
    if (std::optional<bool> b = e.AsBool()) return p_.Value(*b ? 1 : 0);
    if (e.kind() == ExprKind::kSymbol) return symbols_[e.symbol_name()[1] - '0'];
    std::vector<z3::expr> args;
    for (Expr a : e.args()) args.push_back(Translate(a));
    return Apply(e.kind(), args);
  }

 private:
  z3::expr Truth(const z3::expr& condition) { return z3::ite(condition, p_.Value(1), p_.Value(0)); }

  z3::expr Apply(ExprKind kind, const std::vector<z3::expr>& v) {
    z3::expr result = v[0];
    switch (kind) {
      case ExprKind::kFloorDiv: return p_.FloorDiv(v[0], v[1]);
      case ExprKind::kMod: return p_.Mod(v[0], v[1]);
      case ExprKind::kCeilDiv: return -p_.FloorDiv(-v[0], v[1]);
      case ExprKind::kEq: return Truth(v[0] == v[1]);
      case ExprKind::kNe: return Truth(v[0] != v[1]);
      case ExprKind::kLt: return Truth(v[0] < v[1]);
      case ExprKind::kLe: return Truth(v[0] <= v[1]);
      case ExprKind::kNot: return 1 - v[0];
      case ExprKind::kWhere: return z3::ite(v[0] != 0, v[1], v[2]);
      case ExprKind::kPow: return Power(v[0], v[1]);
      default: break;
    }
    for (size_t i = 1; i < v.size(); ++i) {
      switch (kind) {
        case ExprKind::kAdd: result = result + v[i]; break;
        case ExprKind::kMul: result = result * v[i]; break;
        case ExprKind::kAnd: case ExprKind::kMin: result = p_.Min(result, v[i]); break;
        default: result = p_.Max(result, v[i]); break;
      }
    }
    return result;
  }

  z3::expr Power(const z3::expr& base, const z3::expr& exponent) {
    z3::expr result = p_.Value(1);
    for (int64_t i = exponent.get_numeral_int64(); i > 0; --i) result = result * base;
    return result;
  }

  Prover& p_;
  std::vector<z3::expr> symbols_;
};

TEST(CanonicalFormsProof, RandomExpressionsEqualTheirCanonicalForms) {
  NaiveExprMaker maker(17, kSymbols);
  int proven = 0, tried = 0;
  while (tried < kExpressions) {
    auto naive = tried % 4 == 0 ? maker.Condition(2) : maker.Integer(3);
    ExprPool pool;
    Expr e = naive->Build(pool, {pool.Symbol("s0"), pool.Symbol("s1")});
    if (e.is_poison()) continue;
    ++tried;
    Prover prover(/*timeout_ms=*/500);
    Translator translator(prover, {prover.Int("s0"), prover.Int("s1")});
    z3::expr written = translator.Translate(*naive), canonical = translator.Translate(e);
    Verdict verdict = prover.Judge(written == canonical);
    ASSERT_NE(verdict, Verdict::kRefuted) << e.ToString() << " is not " << written << "\n" << prover.counterexample();
    proven += verdict == Verdict::kProven;
  }
  EXPECT_GE(proven, kLeastProven);
  std::cout << proven << " of " << tried << " proven, the others open\n";
}

}  // namespace
}  // namespace kiln
