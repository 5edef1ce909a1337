// One proof for each rewrite rule of fake_runtime/symbolic, for all integers.
//
// Rules with constants in them (a divisor d, a factor g) are proven with those
// as variables where Z3 can, so for every constant; where the product of two
// unknowns is too hard, by a chain of lemmas, or for each constant up to
// kLargestConstant.
#include <gtest/gtest.h>

#include "tests/proofs/prover.h"

namespace kiln {
namespace {

constexpr int kLargestConstant = 12;

class RewriteRules : public ::testing::Test {
 protected:
  void TearDown() override { EXPECT_TRUE(p_.AssumptionsAreConsistent()) << "the assumptions contradict each other"; }
  void Prove(const z3::expr& claim) { EXPECT_TRUE(p_.Proves(claim)) << claim << "\n" << p_.counterexample(); }

  // g*m is not r, where r is a remainder of g other than 0.
  void ProveMultiplesMiss(const z3::expr& g, const z3::expr& m, const z3::expr& r) {
    Prove(z3::implies(g > 0 && m >= 1, g * m >= g));
    Prove(z3::implies(g > 0 && m <= 0, g * m <= 0));
    Prove(z3::implies(g < 0 && m >= 1, g * m <= g));
    Prove(z3::implies(g < 0 && m <= 0, g * m >= 0));
    Prove(z3::implies(r != 0, g * m != r));
  }

  Prover p_;
  z3::expr a_ = p_.Int("a"), b_ = p_.Int("b"), c_ = p_.Int("c"), d_ = p_.Int("d"), g_ = p_.Int("g"), x_ = p_.Int("x"),
           y_ = p_.Int("y"), q_ = p_.Int("q");
};

// --- build_expr.cc

TEST_F(RewriteRules, ProductsDistributeOverSums) {
  Prove((a_ + b_) * (x_ + y_) == a_ * x_ + a_ * y_ + b_ * x_ + b_ * y_);
}

TEST_F(RewriteRules, LikeTermsAddUp) { Prove(c_ * x_ + d_ * x_ == (c_ + d_) * x_); }

TEST_F(RewriteRules, PowersOfOneBaseMultiply) { Prove((x_ * x_) * (x_ * x_ * x_) == x_ * x_ * x_ * x_ * x_); }

TEST_F(RewriteRules, ARemainderAndItsQuotientFold) {
  z3::expr quotient = p_.FloorDiv(x_, d_), m = p_.Int("m");
  z3::expr remainder = x_ - d_ * quotient;
  Prove(c_ * m * remainder + c_ * d_ * m * quotient == c_ * m * x_);
}

// --- build_division.cc

TEST_F(RewriteRules, TheSignOfADivisorMovesToTheDividend) {
  z3::expr positive = p_.FloorDiv(-a_, d_), negative = p_.FloorDiv(a_, -d_);
  Prove(positive == negative);
  Prove(a_ - (-d_) * negative == -(-a_ - d_ * positive));
}

TEST_F(RewriteRules, DivisibleTermsSplitOff) {
  z3::expr r = p_.Int("r");
  z3::expr whole = p_.FloorDiv(d_ * q_ + r, d_), rest = p_.FloorDiv(r, d_);
  // Both are the one integer k with 0 <= (r - d*k)/d < 1.
  Prove(whole - q_ == rest);
  Prove((d_ * q_ + r) - d_ * whole == r - d_ * rest);
}

TEST_F(RewriteRules, AConstantSplitsIntoQuotientAndRemainder) {
  z3::expr of_c = p_.FloorDiv(c_, d_);
  z3::expr whole = p_.FloorDiv(x_ + c_, d_), rest = p_.FloorDiv(x_ + (c_ - d_ * of_c), d_);
  Prove(whole == rest + of_c);
}

TEST_F(RewriteRules, CommonFactorsCancelInQuotients) {
  p_.Assume(g_ != 0);
  z3::expr whole = p_.FloorDiv(g_ * x_, g_ * d_), reduced = p_.FloorDiv(x_, d_);
  // Dividing the law of the one by g gives the law of the other.
  z3::expr r = x_ - d_ * whole;
  Prove(z3::implies(g_ > 0 && d_ > 0, r >= 0 && r < d_));
  Prove(z3::implies(g_ > 0 && d_ < 0, r <= 0 && r > d_));
  Prove(z3::implies(g_ < 0 && d_ > 0, r >= 0 && r < d_));
  Prove(z3::implies(g_ < 0 && d_ < 0, r <= 0 && r > d_));
  Prove(whole == reduced);
  Prove(g_ * x_ - g_ * d_ * whole == g_ * (x_ - d_ * reduced));
}

// (g*x + c) // (g*d) = (x + c//g) // d and its remainder, for each g.
TEST(RewriteRulesByConstant, ConstantsLoseWhatAFactorCannotReach) {
  for (int g = 1; g <= kLargestConstant; ++g) {
    Prover p;
    z3::expr x = p.Int("x"), c = p.Int("c"), d = p.Int("d");
    p.Assume(d > 0);
    z3::expr c_over_g = p.FloorDiv(c, p.Value(g));
    z3::expr whole = p.FloorDiv(g * x + c, g * d), reduced = p.FloorDiv(x + c_over_g, d);
    EXPECT_TRUE(p.Proves(whole == reduced)) << g;
    z3::expr remainder = (g * x + c) - g * d * whole;
    EXPECT_TRUE(p.Proves(remainder == g * (x + c_over_g - d * reduced) + (c - g * c_over_g))) << g;
  }
}

// (x//p + y) // q = (x + p*y) // (p*q), for each p and q.
TEST(RewriteRulesByConstant, NestedQuotientsJoin) {
  for (int p_value = 1; p_value <= kLargestConstant; ++p_value) {
    for (int q_value = 1; q_value <= kLargestConstant; ++q_value) {
      Prover p;
      z3::expr x = p.Int("x"), y = p.Int("y");
      z3::expr inner = p.FloorDiv(x, p.Value(p_value));
      EXPECT_TRUE(p.Proves(p.FloorDiv(inner + y, p.Value(q_value)) ==
                           p.FloorDiv(x + p_value * y, p.Value(p_value * q_value))))
          << p_value << " " << q_value;
    }
  }
}

// (c*(x % e) + y) % d = (c*x + y) % d where d divides c*e = k*d.
TEST_F(RewriteRules, InnerRemaindersDropOut) {
  z3::expr e = p_.Int("e"), k = p_.Int("k");
  z3::expr inner = p_.FloorDiv(x_, e);
  p_.Assume(c_ * e == k * d_);
  Prove(c_ * (x_ - e * inner) == c_ * x_ - (k * inner) * d_);
  // What is left is a divisible term, which splits off.
}

TEST_F(RewriteRules, CoefficientsReduceModuloTheDivisor) {
  z3::expr k = p_.Int("k");
  z3::expr before = (c_ + k * d_) * x_ + y_, after = c_ * x_ + y_;
  Prove(before == after + d_ * (k * x_));
}

TEST_F(RewriteRules, SmallDividendsAreTheirRemainder) {
  p_.Assume(0 <= x_ && x_ < d_);
  z3::expr quotient = p_.FloorDiv(x_, d_);
  Prove(quotient == 0);
}

TEST_F(RewriteRules, RemaindersLieBetweenZeroAndTheDivisor) {
  z3::expr r = p_.Mod(x_, d_);
  Prove(z3::implies(d_ > 0, r >= 0 && r < d_));
  Prove(z3::implies(d_ < 0, r <= 0 && r > d_));
  Prove(p_.FloorDiv(r, d_) == 0);
}

TEST_F(RewriteRules, APolynomialMultipleDividesExactly) {
  Prove(p_.FloorDiv(q_ * (x_ + y_), x_ + y_) == q_);
  Prove(p_.FloorDiv(x_, x_) == 1);
}

// --- build_scalar.cc

TEST_F(RewriteRules, CeilDivIsAFloorDiv) {
  z3::expr by_negation = -p_.FloorDiv(-a_, d_);
  // The least k with k*d >= a, for d > 0.
  Prove(z3::implies(d_ > 0, by_negation * d_ >= a_ && (by_negation - 1) * d_ < a_));
  Prove(z3::implies(d_ < 0, by_negation * d_ <= a_ && (by_negation - 1) * d_ > a_));
  p_.Assume(d_ > 0);
  Prove(p_.FloorDiv(a_ + d_ - 1, d_) == by_negation);
}

TEST_F(RewriteRules, OperandsOfMaxAndMinThatDifferByAConstantAreOne) {
  p_.Assume(c_ > d_);
  Prove(p_.Max(x_ + c_, x_ + d_) == x_ + c_);
  Prove(p_.Min(x_ + c_, x_ + d_) == x_ + d_);
}

TEST_F(RewriteRules, MaxAndMinAreAssociativeCommutativeIdempotent) {
  Prove(p_.Max(a_, p_.Max(b_, c_)) == p_.Max(p_.Max(c_, a_), b_));
  Prove(p_.Min(a_, p_.Min(b_, c_)) == p_.Min(p_.Min(c_, a_), b_));
  Prove(p_.Max(a_, a_) == a_);
  Prove(z3::ite(a_ >= 0, a_, -a_) == p_.Max(a_, -a_));
}

// --- build_condition.cc

TEST_F(RewriteRules, StrictComparisonsAreWeakOnesOfTheNextInteger) {
  Prove((a_ < b_) == (a_ + 1 <= b_));
  Prove((a_ < b_) == (a_ - b_ + 1 <= 0));
  Prove((!(a_ < b_)) == (b_ <= a_));
}

TEST_F(RewriteRules, ComparisonsDivideByTheContent) {
  p_.Assume(g_ > 0);
  z3::expr bound = p_.FloorDiv(-c_, g_);
  Prove((g_ * x_ + c_ <= 0) == (x_ <= bound));
}

// g*x + c is g*m - r with m = x - k, where -c = g*k + r. It is 0 for r = 0 just
// when m is, and never for 0 < |r| < |g|: g*m is 0 or at least |g| away from it.
TEST_F(RewriteRules, EqualitiesDivideByTheContent) {
  z3::expr k = p_.FloorDiv(-c_, g_), m = p_.Int("m"), r = p_.Int("r");
  p_.Assume(r == -c_ - g_ * k && m == x_ - k);
  Prove(g_ * x_ + c_ == g_ * m - r);
  Prove((g_ * m == 0) == (m == 0));
  Prove(z3::implies(r == 0, (g_ * x_ + c_ == 0) == (x_ == k)));
  ProveMultiplesMiss(g_, m, r);
  Prove(z3::implies(r != 0, g_ * x_ + c_ != 0));
}

TEST_F(RewriteRules, TermsMoveToTheOtherSide) {
  Prove((x_ - y_ + c_ <= 0) == (x_ <= y_ - c_));
  Prove((-y_ + c_ <= 0) == (c_ <= y_));
  Prove((x_ - y_ + c_ == 0) == (x_ == y_ - c_));
  Prove((x_ - y_ + c_ == 0) == (y_ - x_ - c_ == 0));
}

TEST_F(RewriteRules, NegationGoesInwards) {
  z3::expr u = p_.Bool("u"), v = p_.Bool("v"), w = p_.Bool("w");
  Prove((!(u && v)) == (!u || !v));
  Prove((!(u || v)) == (!u && !v));
  Prove((u && !u) == p_.context().bool_val(false));
  Prove((u || !u) == p_.context().bool_val(true));
  Prove(z3::ite(w, u, v) == ((w && u) || (!w && v)));
  Prove((u == v) == ((u && v) || (!u && !v)));
}

// --- simplify_known.cc and decide.cc: rules that need a fact

TEST_F(RewriteRules, KnownMultiplesDivideExactly) {
  z3::expr quotient = p_.FloorDiv(x_, d_);
  p_.Assume(x_ - d_ * quotient == 0);
  Prove(d_ * quotient == x_);
  z3::expr k = p_.Int("k");
  // c*(x//d)*f with c*f = k*d is k*x.
  Prove((k * d_) * quotient == k * x_);
}

TEST_F(RewriteRules, QuotientsOfQuotientsJoinForPositiveDivisors) {
  p_.Assume(a_ > 0 && b_ > 0);
  z3::expr inner = p_.FloorDiv(x_, a_), outer = p_.FloorDiv(inner, b_);
  z3::expr r = x_ - (a_ * b_) * outer;
  z3::expr inner_rest = inner - b_ * outer, x_rest = x_ - a_ * inner;
  // x = a*inner + x_rest and inner = b*outer + inner_rest, so r = a*inner_rest + x_rest.
  Prove(r == a_ * inner_rest + x_rest);
  Prove(a_ * inner_rest >= 0 && a_ * inner_rest <= a_ * (b_ - 1));
  Prove(r >= 0 && r < a_ * b_);
  z3::expr ab = p_.Int("ab");
  p_.Assume(ab == a_ * b_);
  z3::expr joined = p_.FloorDiv(x_, ab);
  Prove(ab > 0 && x_ - ab * outer >= 0 && x_ - ab * outer < ab);
  Prove(joined == outer);
}

TEST_F(RewriteRules, PositiveFactorsDropOutOfComparisons) {
  p_.Assume(g_ >= 1);
  Prove((g_ * x_ <= 0) == (x_ <= 0));
  Prove((g_ * x_ < 0) == (x_ < 0));
  Prove((g_ * x_ == 0) == (x_ == 0));
}

TEST_F(RewriteRules, ProofsByCases) {
  z3::expr r = p_.Int("r");
  Prove(z3::implies(c_ > 0, (c_ * p_.Max(a_, b_) + r <= 0) == (c_ * a_ + r <= 0 && c_ * b_ + r <= 0)));
  Prove(z3::implies(c_ < 0, (c_ * p_.Max(a_, b_) + r <= 0) == (c_ * a_ + r <= 0 || c_ * b_ + r <= 0)));
  Prove(z3::implies(c_ > 0, (c_ * p_.Min(a_, b_) + r <= 0) == (c_ * a_ + r <= 0 || c_ * b_ + r <= 0)));
  Prove(z3::implies(c_ < 0, (c_ * p_.Min(a_, b_) + r <= 0) == (c_ * a_ + r <= 0 && c_ * b_ + r <= 0)));
}

TEST_F(RewriteRules, ProofsThroughAQuotient) {
  z3::expr r = p_.Int("r"), k = p_.FloorDiv(x_, q_);
  p_.Assume(q_ >= 1);
  Prove(q_ * k <= x_ && q_ * k >= x_ - q_ + 1);
  Prove(z3::implies(q_ * (r + c_ * k) <= 0, r + c_ * k <= 0));
  // What stands for q*k is never smaller, by the sign of c.
  Prove(z3::implies(c_ > 0, c_ * (q_ * k) <= c_ * x_));
  Prove(z3::implies(c_ < 0, c_ * (q_ * k) <= c_ * (x_ - q_ + 1)));
}

TEST_F(RewriteRules, ProofsByFacts) {
  z3::expr fact = p_.Int("fact"), times = p_.Int("times");
  p_.Assume(fact <= 0 && times >= 0);
  Prove(z3::implies(d_ - times * fact <= 0, d_ <= 0));
}

TEST_F(RewriteRules, ExcludedEndsMoveARange) {
  Prove((x_ >= a_ && x_ != a_) == (x_ >= a_ + 1));
  Prove((x_ <= a_ && x_ != a_) == (x_ <= a_ - 1));
}

TEST_F(RewriteRules, NoMultipleOfADivisorIsAnotherRemainder) {
  p_.Assume(g_ > 1);
  z3::expr k = p_.FloorDiv(c_, g_), m = p_.Int("m"), r = p_.Int("r");
  p_.Assume(r == c_ - g_ * k && r != 0);
  z3::expr multiple = p_.Int("multiple");
  p_.Assume(m == -(multiple + k));
  Prove(g_ * multiple + c_ == r - g_ * m);
  ProveMultiplesMiss(g_, m, r);
  Prove(g_ * multiple + c_ != 0);
}

}  // namespace
}  // namespace kiln
