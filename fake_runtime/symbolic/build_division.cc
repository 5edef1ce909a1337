// Canonical FloorDiv and Mod of integers.
//
// The rules, for every integer but a divisor of 0, where both are undefined:
//
//   a // -d = -a // d             a % -d = -(-a % d)       sign of the divisor
//   (d*q + r) // d = q + r // d   (d*q + r) % d = r % d    divisible terms
//   (g*x) // (g*d) = x // d       (g*x) % (g*d) = g*(x%d)  common factors
//   (g*x + c) // (g*d) = (x + c//g) // d                    g, d > 0 constants
//   (g*x + c) % (g*d) = g*((x + c//g) % d) + c % g          likewise
//   (x//p + y) // q = (x + p*y) // (p*q)                    q > 0, p constants
//   (c*(x % e) + y) % d = (c*x + y) % d                     d divides c*e
//   0 <= r < d:  r // d = 0, r % d = r          where remainders alone show it
//
// A sum as a divisor is divided as a polynomial, when that leaves no remainder.
#include <algorithm>
#include <numeric>
#include <optional>

#include "base/checked_int.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/expr_node.h"
#include "fake_runtime/symbolic/value_range.h"

namespace kiln {
namespace {

constexpr int kMaxPolynomialSteps = 64;

int64_t Gcd(int64_t a, int64_t b) {
  // INT64_MIN has no absolute value; 1 divides everything.
  if (a == ValueRange::kMin || b == ValueRange::kMin) return 1;
  return std::gcd(a, b);
}

bool IsMonomial(Expr e) { return e.kind() != ExprKind::kAdd; }

bool LeadsNegative(const Expr& e) {
  SumView sum = ViewSum(e);
  if (sum.terms.empty()) return sum.constant < 0;
  return ViewTerm(sum.terms[0]).coefficient < 0;
}

// What every term of `sum`, its constant aside, is divisible by.
int64_t Content(const SumView& sum, int64_t start) {
  int64_t g = start;
  for (const Expr& t : sum.terms) g = Gcd(g, ViewTerm(t).coefficient);
  return g;
}

}  // namespace

class DivisionBuilder {
 public:
  explicit DivisionBuilder(ExprPoolRep& rep) : rep_(rep) {}

  Expr FloorDiv(Expr a, Expr b);
  Expr Mod(Expr a, Expr b);

 private:
  Expr FloorDivByConstant(Expr a, int64_t d);
  Expr FloorDivByMonomial(Expr a, Expr b);
  Expr FloorDivBySum(Expr a, Expr b);
  Expr ModByConstant(Expr a, int64_t d);
  Expr ModByMonomial(Expr a, Expr b);
  Expr Node(ExprKind kind, Expr a, Expr b) {
    if (a.is_poison()) return a;
    Expr args[] = {a, b};
    return rep_.Intern(kind, ExprType::kInt, args);
  }
  Expr Negate(Expr e) { return rep_.Scale(e, -1); }
  Expr Add(Expr a, Expr b) {
    if (a.is_poison()) return a;
    return b.is_poison() ? b : rep_.AddInts(a, b);
  }
  Expr Mul(Expr a, Expr b) {
    if (a.is_poison()) return a;
    return b.is_poison() ? b : rep_.MulInts(a, b);
  }

  // t / d where that is exact for all values.
  std::optional<Expr> Quotient(const Expr& t, const Expr& d);
  // The largest monomial with coefficient 1 that divides all terms of both.
  Expr CommonFactor(Expr a, Expr b);
  std::optional<Expr> DivideSum(Expr a, Expr divisor);
  std::optional<Expr> PolynomialQuotient(Expr a, Expr b);
  // `a` as quotient*b + rest, term by term; false when no term is divisible.
  bool SplitDivisible(Expr a, Expr b, Expr* quotient, Expr* rest);
  Expr Unnest(Expr a, int64_t q, int64_t* divisor);
  Expr DropInnerRemainders(Expr a, int64_t d);
  static bool IsRemainderOf(Expr a, int64_t d) {
    if (!HasDivision(a)) return false;
    ValueRange range = BoundOf(a, [](Expr) { return ValueRange(); });
    return range.lower >= 0 && range.upper < d;
  }

  ExprPoolRep& rep_;
};

std::optional<Expr> DivisionBuilder::Quotient(const Expr& t, const Expr& d) {
  TermView x = ViewTerm(t), y = ViewTerm(d);
  if (y.coefficient == 0 || CheckedMod(x.coefficient, y.coefficient) != 0) return std::nullopt;
  std::optional<int64_t> coefficient = CheckedFloorDiv(x.coefficient, y.coefficient);
  if (!coefficient) return std::nullopt;
  ExprVector left;
  size_t j = 0;
  for (Expr f : x.factors) {
    PowerView p = ViewPower(f);
    if (j < y.factors.size()) {
      PowerView q = ViewPower(y.factors[j]);
      if (p.base == q.base) {
        if (p.exponent < q.exponent) return std::nullopt;
        ++j;
        if (p.exponent == q.exponent) continue;
        left.push_back(rep_.PowerOf(p.base, p.exponent - q.exponent));
        continue;
      }
    }
    left.push_back(f);
  }
  if (j < y.factors.size()) return std::nullopt;
  return rep_.Term(*coefficient, left);
}

Expr DivisionBuilder::CommonFactor(Expr a, Expr b) {
  SumView x = ViewSum(a), y = ViewSum(b);
  if (x.constant != 0 || y.constant != 0 || x.terms.empty() || y.terms.empty()) return Expr(1);
  ExprVector common;
  for (Expr f : ViewTerm(y.terms[0]).factors) {
    PowerView p = ViewPower(f);
    int64_t exponent = p.exponent;
    auto meet = [&](const Expr& t) {
      int64_t here = 0;
      for (Expr g : ViewTerm(t).factors) {
        PowerView q = ViewPower(g);
        if (q.base == p.base) here = q.exponent;
      }
      exponent = std::min(exponent, here);
    };
    for (const Expr& t : x.terms) meet(t);
    for (const Expr& t : y.terms) meet(t);
    if (exponent > 0) common.push_back(rep_.PowerOf(p.base, exponent));
  }
  return rep_.Term(1, common);
}

std::optional<Expr> DivisionBuilder::DivideSum(Expr a, Expr divisor) {
  SumView sum = ViewSum(a);
  ExprVector quotients;
  for (const Expr& t : sum.terms) {
    std::optional<Expr> q = Quotient(t, divisor);
    if (!q) return std::nullopt;
    quotients.push_back(*q);
  }
  if (sum.constant != 0) {
    std::optional<Expr> q = Quotient(rep_.InternInt(sum.constant), divisor);
    if (!q) return std::nullopt;
    quotients.push_back(*q);
  }
  return rep_.SumOf(quotients);
}

// Long division by the leading term, as for polynomials in several variables.
std::optional<Expr> DivisionBuilder::PolynomialQuotient(Expr a, Expr b) {
  SumView divisor = ViewSum(b);
  Expr quotient(0);
  for (int step = 0; !a.IsInt(0); ++step) {
    if (step == kMaxPolynomialSteps || a.is_poison()) return std::nullopt;
    SumView rest = ViewSum(a);
    if (rest.terms.empty()) return std::nullopt;
    std::optional<Expr> q = Quotient(rest.terms[0], divisor.terms[0]);
    if (!q) return std::nullopt;
    quotient = Add(quotient, *q);
    a = Add(a, Negate(Mul(*q, b)));
  }
  if (quotient.is_poison()) return std::nullopt;
  return quotient;
}

bool DivisionBuilder::SplitDivisible(Expr a, Expr b, Expr* quotient, Expr* rest) {
  SumView sum = ViewSum(a);
  ExprVector quotients, others;
  for (const Expr& t : sum.terms) {
    if (std::optional<Expr> q = Quotient(t, b)) {
      quotients.push_back(*q);
    } else {
      others.push_back(t);
    }
  }
  Expr constant = rep_.InternInt(sum.constant);
  if (std::optional<int64_t> d = b.AsInt()) {
    // d > 0: the constant is reduced into [0, d).
    if (int64_t q = *CheckedFloorDiv(sum.constant, *d); q != 0) {
      quotients.push_back(rep_.InternInt(q));
      constant = rep_.InternInt(*CheckedMod(sum.constant, *d));
    }
  }
  if (quotients.empty()) return false;
  *quotient = rep_.SumOf(quotients);
  others.push_back(constant);
  *rest = rep_.SumOf(others);
  return true;
}

// (x//p + y) // q = (x + p*y) // (p*q) for the first such term; `a` itself when
// there is none. `divisor` becomes p*q.
Expr DivisionBuilder::Unnest(Expr a, int64_t q, int64_t* divisor) {
  if (!HasDivision(a)) return a;
  SumView sum = ViewSum(a);
  for (const Expr& t : sum.terms) {
    if (t.kind() != ExprKind::kFloorDiv) continue;
    std::optional<int64_t> p = t.args()[1].AsInt();
    if (!p || *p < 1) continue;
    std::optional<int64_t> product = CheckedMul(*p, q);
    if (!product) continue;
    Expr y = Add(a, Negate(t));
    Expr result = Add(t.args()[0], Mul(rep_.InternInt(*p), y));
    if (result.is_poison()) continue;
    *divisor = *product;
    return result;
  }
  return a;
}

Expr DivisionBuilder::FloorDivByConstant(Expr a, int64_t d) {
  if (d == 1) return a;
  if (std::optional<int64_t> c = a.AsInt()) return rep_.InternInt(*CheckedFloorDiv(*c, d));
  Expr quotient, rest;
  if (SplitDivisible(a, rep_.InternInt(d), &quotient, &rest)) {
    if (rest.is_poison()) return rest;
    return Add(quotient, FloorDivByConstant(rest, d));
  }
  SumView sum = ViewSum(a);
  if (int64_t g = Content(sum, d); g > 1) {
    ExprVector terms;
    for (const Expr& t : sum.terms) {
      TermView term = ViewTerm(t);
      terms.push_back(rep_.Term(term.coefficient / g, term.factors));
    }
    terms.push_back(rep_.InternInt(*CheckedFloorDiv(sum.constant, g)));
    return FloorDivByConstant(rep_.SumOf(terms), d / g);
  }
  int64_t divisor = d;
  Expr unnested = Unnest(a, d, &divisor);
  if (divisor != d) return FloorDivByConstant(unnested, divisor);
  if (IsRemainderOf(a, d)) return Expr(0);
  return Node(ExprKind::kFloorDiv, a, rep_.InternInt(d));
}

Expr DivisionBuilder::FloorDivByMonomial(Expr a, Expr b) {
  Expr quotient, rest;
  if (SplitDivisible(a, b, &quotient, &rest)) {
    if (rest.is_poison()) return rest;
    return Add(quotient, FloorDiv(rest, b));
  }
  TermView divisor = ViewTerm(b);
  SumView sum = ViewSum(a);
  int64_t g = Gcd(Content(sum, divisor.coefficient), sum.constant);
  Expr common = Mul(CommonFactor(a, b), rep_.InternInt(g));
  if (!common.IsInt(1)) {
    return FloorDiv(*DivideSum(a, common), *DivideSum(b, common));
  }
  if (a.kind() == ExprKind::kMod && a.args()[1] == b) return Expr(0);
  return Node(ExprKind::kFloorDiv, a, b);
}

Expr DivisionBuilder::FloorDivBySum(Expr a, Expr b) {
  if (std::optional<Expr> q = PolynomialQuotient(a, b)) return *q;
  SumView sum = ViewSum(a), divisor = ViewSum(b);
  int64_t g = Gcd(Content(divisor, divisor.constant), Content(sum, sum.constant));
  Expr common = Mul(CommonFactor(a, b), rep_.InternInt(g));
  if (!common.IsInt(1) && !common.is_poison()) {
    return FloorDiv(*DivideSum(a, common), *DivideSum(b, common));
  }
  if (a.kind() == ExprKind::kMod && a.args()[1] == b) return Expr(0);
  return Node(ExprKind::kFloorDiv, a, b);
}

Expr DivisionBuilder::FloorDiv(Expr a, Expr b) {
  if (a.is_poison()) return a;
  if (b.is_poison()) return b;
  if (b.IsInt(0)) return MakePoison(PoisonReason::kDivisionByZero);
  if (a.IsInt(0)) return a;
  if (a == b) return Expr(1);
  if (LeadsNegative(b)) return FloorDiv(Negate(a), Negate(b));
  if (std::optional<int64_t> d = b.AsInt()) return FloorDivByConstant(a, *d);
  if (IsMonomial(b)) return FloorDivByMonomial(a, b);
  return FloorDivBySum(a, b);
}

// c*(x % e) becomes c*x where d divides c*e.
Expr DivisionBuilder::DropInnerRemainders(Expr a, int64_t d) {
  if (!HasDivision(a)) return a;
  SumView sum = ViewSum(a);
  for (const Expr& t : sum.terms) {
    TermView term = ViewTerm(t);
    if (term.factors.size() != 1 || term.factors[0].kind() != ExprKind::kMod) continue;
    Expr mod = term.factors[0];
    std::optional<int64_t> e = mod.args()[1].AsInt();
    if (!e) continue;
    std::optional<int64_t> product = CheckedMul(term.coefficient, *e);
    if (!product || *product % d != 0) continue;
    Expr replaced = Add(Add(a, Negate(t)), rep_.Scale(mod.args()[0], term.coefficient));
    if (!replaced.is_poison()) return DropInnerRemainders(replaced, d);
  }
  return a;
}

Expr DivisionBuilder::ModByConstant(Expr a, int64_t d) {
  if (d == 1) return Expr(0);
  a = DropInnerRemainders(a, d);
  SumView sum = ViewSum(a);
  // Coefficients are reduced into (-d/2, d/2], the constant into [0, d).
  ExprVector terms;
  for (const Expr& t : sum.terms) {
    TermView term = ViewTerm(t);
    int64_t c = *CheckedMod(term.coefficient, d);
    if (c > d / 2) c -= d;
    if (c == term.coefficient) {
      terms.push_back(t);
    } else if (c != 0) {
      terms.push_back(rep_.Term(c, term.factors));
    }
  }
  int64_t constant = *CheckedMod(sum.constant, d);
  terms.push_back(rep_.InternInt(constant));
  Expr reduced = rep_.SumOf(terms);
  if (reduced.is_poison()) return reduced;
  if (std::optional<int64_t> c = reduced.AsInt()) return rep_.InternInt(*CheckedMod(*c, d));
  // Adding up may have folded a remainder away and left new terms to reduce.
  if (reduced != a) return ModByConstant(reduced, d);
  sum = ViewSum(reduced);
  if (int64_t g = Content(sum, d); g > 1) {
    ExprVector parts;
    for (const Expr& t : sum.terms) {
      TermView term = ViewTerm(t);
      parts.push_back(rep_.Term(term.coefficient / g, term.factors));
    }
    parts.push_back(rep_.InternInt(constant / g));
    Expr inner = ModByConstant(rep_.SumOf(parts), d / g);
    return inner.is_poison() ? inner : Add(rep_.Scale(inner, g), rep_.InternInt(constant % g));
  }
  if (IsRemainderOf(reduced, d)) return reduced;
  return Node(ExprKind::kMod, reduced, rep_.InternInt(d));
}

Expr DivisionBuilder::ModByMonomial(Expr a, Expr b) {
  Expr quotient, rest;
  if (SplitDivisible(a, b, &quotient, &rest)) return Mod(rest, b);
  TermView divisor = ViewTerm(b);
  SumView sum = ViewSum(a);
  int64_t g = Gcd(Content(sum, divisor.coefficient), sum.constant);
  Expr common = Mul(CommonFactor(a, b), rep_.InternInt(g));
  if (!common.IsInt(1)) {
    return Mul(common, Mod(*DivideSum(a, common), *DivideSum(b, common)));
  }
  if (a.kind() == ExprKind::kMod && a.args()[1] == b) return a;
  return Node(ExprKind::kMod, a, b);
}

Expr DivisionBuilder::Mod(Expr a, Expr b) {
  if (a.is_poison()) return a;
  if (b.is_poison()) return b;
  if (b.IsInt(0)) return MakePoison(PoisonReason::kDivisionByZero);
  if (a.IsInt(0) || a == b) return Expr(0);
  if (LeadsNegative(b)) {
    Expr positive = Mod(Negate(a), Negate(b));
    return positive.is_poison() ? positive : Negate(positive);
  }
  if (std::optional<int64_t> d = b.AsInt()) return ModByConstant(a, *d);
  if (IsMonomial(b)) return ModByMonomial(a, b);
  if (PolynomialQuotient(a, b)) return Expr(0);
  if (a.kind() == ExprKind::kMod && a.args()[1] == b) return a;
  return Node(ExprKind::kMod, a, b);
}

Expr ExprPoolRep::FloorDivInts(Expr a, Expr b) { return DivisionBuilder(*this).FloorDiv(a, b); }
Expr ExprPoolRep::ModInts(Expr a, Expr b) { return DivisionBuilder(*this).Mod(a, b); }

}  // namespace kiln
