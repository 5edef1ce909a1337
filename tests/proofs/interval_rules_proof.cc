// Proofs that the interval arithmetic of value_range.cc holds every value.
#include <gtest/gtest.h>

#include "tests/proofs/prover.h"

namespace kiln {
namespace {

class IntervalRules : public ::testing::Test {
 protected:
  IntervalRules() {
    p_.Assume(al_ <= a_ && a_ <= au_);
    p_.Assume(bl_ <= b_ && b_ <= bu_);
  }
  void TearDown() override { EXPECT_TRUE(p_.AssumptionsAreConsistent()); }
  void Prove(const z3::expr& claim) { EXPECT_TRUE(p_.Proves(claim)) << claim << "\n" << p_.counterexample(); }
  z3::expr Least(z3::expr a, z3::expr b, z3::expr c, z3::expr d) { return p_.Min(p_.Min(a, b), p_.Min(c, d)); }
  z3::expr Greatest(z3::expr a, z3::expr b, z3::expr c, z3::expr d) { return p_.Max(p_.Max(a, b), p_.Max(c, d)); }

  Prover p_;
  z3::expr a_ = p_.Int("a"), al_ = p_.Int("al"), au_ = p_.Int("au");
  z3::expr b_ = p_.Int("b"), bl_ = p_.Int("bl"), bu_ = p_.Int("bu");
};

TEST_F(IntervalRules, SumsAndNegations) {
  Prove(al_ + bl_ <= a_ + b_ && a_ + b_ <= au_ + bu_);
  Prove(-au_ <= -a_ && -a_ <= -al_);
}

// A product is linear in each factor, so one factor after the other may move
// to an end of its range without making the product less extreme.
TEST_F(IntervalRules, ProductsLieBetweenTheirCorners) {
  z3::expr at_lower = al_ * b_, at_upper = au_ * b_;
  Prove(p_.Min(at_lower, at_upper) <= a_ * b_ && a_ * b_ <= p_.Max(at_lower, at_upper));
  Prove(p_.Min(al_ * bl_, al_ * bu_) <= at_lower && at_lower <= p_.Max(al_ * bl_, al_ * bu_));
  Prove(p_.Min(au_ * bl_, au_ * bu_) <= at_upper && at_upper <= p_.Max(au_ * bl_, au_ * bu_));
  Prove(Least(al_ * bl_, al_ * bu_, au_ * bl_, au_ * bu_) <= a_ * b_);
  Prove(a_ * b_ <= Greatest(al_ * bl_, al_ * bu_, au_ * bl_, au_ * bu_));
}

TEST_F(IntervalRules, EvenPowersAreNotNegative) { Prove(a_ * a_ >= 0); }

// A quotient by a positive divisor grows with the dividend, and moves towards
// -1 or 0 as the divisor grows; its corners hold it.
TEST_F(IntervalRules, QuotientsGrowWithTheDividend) {
  p_.Assume(b_ >= 1);
  z3::expr at_a = p_.FloorDiv(a_, b_), at_upper = p_.FloorDiv(au_, b_);
  Prove(b_ * (at_a - at_upper) < b_);
  Prove(at_a <= at_upper);
}

TEST_F(IntervalRules, QuotientsShrinkAsTheDivisorGrows) {
  p_.Assume(bl_ >= 1);
  z3::expr at_b = p_.FloorDiv(a_, b_), at_lower = p_.FloorDiv(a_, bl_), at_upper = p_.FloorDiv(a_, bu_);
  Prove(z3::implies(a_ >= 0, at_b >= 0 && at_lower >= 0 && at_upper >= 0));
  Prove(z3::implies(a_ < 0, at_b <= -1 && at_lower <= -1 && at_upper <= -1));
  // A quotient of one sign times the larger divisor is the more extreme.
  Prove(z3::implies(a_ >= 0, bl_ * at_b <= b_ * at_b && b_ * at_upper <= bu_ * at_upper));
  Prove(z3::implies(a_ < 0, bl_ * at_lower >= b_ * at_lower && b_ * at_b >= bu_ * at_b));
  Prove(z3::implies(a_ >= 0, at_upper <= at_b && at_b <= at_lower));
  Prove(z3::implies(a_ < 0, at_lower <= at_b && at_b <= at_upper));
}

TEST_F(IntervalRules, QuotientsByAnUnboundedDivisorEndAtMinusOneOrZero) {
  p_.Assume(b_ >= 1);
  z3::expr quotient = p_.FloorDiv(a_, b_);
  Prove(z3::implies(a_ >= 0, quotient >= 0));
  Prove(z3::implies(a_ < 0, quotient <= -1));
}

TEST_F(IntervalRules, RemaindersByAPositiveDivisor) {
  p_.Assume(bl_ >= 1);
  z3::expr quotient = p_.FloorDiv(a_, b_);
  z3::expr r = a_ - b_ * quotient;
  Prove(r >= 0 && r <= bu_ - 1);
  Prove(z3::implies(al_ >= 0, quotient >= 0));
  Prove(z3::implies(al_ >= 0, b_ * quotient >= 0));
  Prove(z3::implies(al_ >= 0, r <= au_));
  Prove(z3::implies(al_ >= 0 && au_ < bl_, r == a_));
}

TEST_F(IntervalRules, MaxAndMin) {
  Prove(p_.Max(al_, bl_) <= p_.Max(a_, b_) && p_.Max(a_, b_) <= p_.Max(au_, bu_));
  Prove(p_.Min(al_, bl_) <= p_.Min(a_, b_) && p_.Min(a_, b_) <= p_.Min(au_, bu_));
}

TEST_F(IntervalRules, ComparisonsOfRanges) {
  Prove(z3::implies(au_ < bl_, a_ < b_));
  Prove(z3::implies(bu_ <= al_, !(a_ < b_)));
  Prove(z3::implies(au_ <= bl_, a_ <= b_));
  Prove(z3::implies(bu_ < al_, !(a_ <= b_)));
  Prove(z3::implies(au_ < bl_ || bu_ < al_, a_ != b_));
}

}  // namespace
}  // namespace kiln
