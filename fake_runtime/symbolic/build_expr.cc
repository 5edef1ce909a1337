// Canonical sums, products and powers of integers.
//
// A sum is [constant,] terms in the order of CompareMonomials; a term is a
// factor or a product [coefficient,] factors in order; a factor is an atom or
// an atom to a power; no factor is a sum, since products distribute over sums.
// A product that would take over kMaxProducts multiplications of terms is
// poison: its expansion is over the limit. Every rule holds for all integers;
// tests/proofs has one proof for each.
#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_set.h"
#include "base/checked_int.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/expr_node.h"

namespace kiln {
namespace {

constexpr size_t kMaxProducts = 1024;
// -2^63 has no negative, so it stands alone only: in a sum or as a coefficient
// it is an overflow, and terms can be negated and moved without a check.
constexpr int64_t kUnnegatable = std::numeric_limits<int64_t>::min();
constexpr int64_t kMaxExponent = 4096;

Expr Overflow() { return MakePoison(PoisonReason::kOverflow); }

}  // namespace

Expr ExprPoolRep::Term(int64_t coefficient, absl::Span<const Expr> factors) {
  if (coefficient == 0 || factors.empty()) return InternInt(coefficient);
  if (coefficient == kUnnegatable) return Overflow();
  if (coefficient == 1) {
    if (factors.size() == 1) return factors[0];
    return Intern(ExprKind::kMul, ExprType::kInt, factors);
  }
  ExprVector args;
  args.reserve(factors.size() + 1);
  args.push_back(InternInt(coefficient));
  args.insert(args.end(), factors.begin(), factors.end());
  return Intern(ExprKind::kMul, ExprType::kInt, args);
}

// c*m*(x % d) + c*d*m*(x//d) = c*m*x, for any d but 0.
std::optional<Expr> ExprPoolRep::FoldRemainder(absl::Span<const Expr> terms) {
  absl::flat_hash_set<Expr> quotients;
  for (const Expr& t : terms) {
    for (Expr f : ViewTerm(t).factors) {
      if (f.kind() == ExprKind::kFloorDiv) quotients.insert(f);
    }
  }
  if (quotients.empty()) return std::nullopt;
  Spend(static_cast<int64_t>(terms.size()));
  for (size_t i = 0; i < terms.size(); ++i) {
    if (!HasDivision(terms[i])) continue;
    TermView term = ViewTerm(terms[i]);
    for (size_t f = 0; f < term.factors.size(); ++f) {
      if (term.factors[f].kind() != ExprKind::kMod) continue;
      Expr x = term.factors[f].args()[0], d = term.factors[f].args()[1];
      Expr quotient = FloorDivInts(x, d);
      if (!quotients.contains(quotient)) continue;
      ExprVector others(term.factors.begin(), term.factors.end());
      others.erase(others.begin() + f);
      Expr rest = Term(term.coefficient, others);
      Expr partner = MulInts(MulInts(rest, d), quotient);
      for (size_t j = 0; j < terms.size(); ++j) {
        if (j == i || terms[j] != partner) continue;
        ExprVector left;
        for (size_t k = 0; k < terms.size(); ++k) {
          if (k != i && k != j) left.push_back(terms[k]);
        }
        left.push_back(MulInts(rest, x));
        return SumOf(left);
      }
    }
  }
  return std::nullopt;
}

Expr ExprPoolRep::FinishSum(int64_t constant, absl::Span<const Expr> terms) {
  bool has_division = false;
  for (Expr t : terms) {
    if (t.is_poison()) return t;
    has_division |= HasDivision(t);
  }
  if (has_division && terms.size() > 1) {
    if (std::optional<Expr> folded = FoldRemainder(terms)) {
      return folded->is_poison() ? *folded : AddInts(*folded, InternInt(constant));
    }
  }
  if (terms.empty()) return InternInt(constant);
  if (constant == kUnnegatable) return Overflow();
  if (constant == 0) {
    if (terms.size() == 1) return terms[0];
    return Intern(ExprKind::kAdd, ExprType::kInt, terms);
  }
  ExprVector args;
  args.reserve(terms.size() + 1);
  args.push_back(InternInt(constant));
  args.insert(args.end(), terms.begin(), terms.end());
  return Intern(ExprKind::kAdd, ExprType::kInt, args);
}

Expr ExprPoolRep::AddInts(Expr a, Expr b) {
  if (a.IsInt(0)) return b;
  if (b.IsInt(0)) return a;
  SumView x = ViewSum(a), y = ViewSum(b);
  std::optional<int64_t> constant = CheckedAdd(x.constant, y.constant);
  if (!constant) return Overflow();
  // Sums are built term by term: the place of one among many is found by halves.
  if (x.terms.size() == 1) std::swap(x, y);
  ExprVector terms;
  size_t i = 0, j = 0;
  if (y.terms.size() == 1) {
    const TermView single = ViewTerm(y.terms[0]);
    i = std::partition_point(x.terms.begin(), x.terms.end(),
                             [&](const Expr& t) { return CompareMonomials(ViewTerm(t), single) < 0; }) -
        x.terms.begin();
    terms.assign(x.terms.begin(), x.terms.begin() + i);
  }
  while (i < x.terms.size() && j < y.terms.size()) {
    TermView s = ViewTerm(x.terms[i]), t = ViewTerm(y.terms[j]);
    int order = CompareMonomials(s, t);
    if (order < 0) {
      terms.push_back(x.terms[i++]);
    } else if (order > 0) {
      terms.push_back(y.terms[j++]);
    } else {
      std::optional<int64_t> c = CheckedAdd(s.coefficient, t.coefficient);
      if (!c) return Overflow();
      if (*c != 0) terms.push_back(Term(*c, s.factors));
      ++i, ++j;
    }
  }
  terms.insert(terms.end(), x.terms.begin() + i, x.terms.end());
  terms.insert(terms.end(), y.terms.begin() + j, y.terms.end());
  return FinishSum(*constant, terms);
}

Expr ExprPoolRep::SumOf(absl::Span<const Expr> operands) {
  int64_t constant = 0;
  ExprVector terms;
  for (const Expr& e : operands) {
    if (e.is_poison()) return e;
    SumView sum = ViewSum(e);
    std::optional<int64_t> c = CheckedAdd(constant, sum.constant);
    if (!c) return Overflow();
    constant = *c;
    terms.insert(terms.end(), sum.terms.begin(), sum.terms.end());
  }
  // Sorting compares each term with some ten others.
  Spend(40 * static_cast<int64_t>(terms.size()));
  std::sort(terms.begin(), terms.end(), [](const Expr& a, const Expr& b) {
    return CompareMonomials(ViewTerm(a), ViewTerm(b)) < 0;
  });
  ExprVector merged;
  for (size_t i = 0; i < terms.size();) {
    TermView first = ViewTerm(terms[i]);
    int64_t coefficient = first.coefficient;
    size_t j = i + 1;
    for (; j < terms.size(); ++j) {
      TermView next = ViewTerm(terms[j]);
      if (CompareMonomials(first, next) != 0) break;
      std::optional<int64_t> c = CheckedAdd(coefficient, next.coefficient);
      if (!c) return Overflow();
      coefficient = *c;
    }
    if (j == i + 1) {
      merged.push_back(terms[i]);
    } else if (coefficient != 0) {
      merged.push_back(Term(coefficient, first.factors));
    }
    i = j;
  }
  return FinishSum(constant, merged);
}

Expr ExprPoolRep::Scale(Expr e, int64_t coefficient) {
  if (coefficient == 1) return e;
  if (coefficient == 0) return Expr(0);
  SumView sum = ViewSum(e);
  std::optional<int64_t> constant = CheckedMul(sum.constant, coefficient);
  if (!constant) return Overflow();
  ExprVector terms;
  for (const Expr& t : sum.terms) {
    TermView term = ViewTerm(t);
    std::optional<int64_t> c = CheckedMul(term.coefficient, coefficient);
    if (!c) return Overflow();
    terms.push_back(Term(*c, term.factors));
  }
  return FinishSum(*constant, terms);
}

Expr ExprPoolRep::PowerOf(Expr base, int64_t exponent) {
  if (exponent == 0) return Expr(1);
  if (exponent == 1) return base;
  if (exponent > kMaxExponent) return MakePoison(PoisonReason::kUnsupported);
  Expr args[] = {base, Expr(exponent)};
  return Intern(ExprKind::kPow, ExprType::kInt, args);
}

Expr ExprPoolRep::MulMonomials(const TermView& a, const TermView& b) {
  std::optional<int64_t> coefficient = CheckedMul(a.coefficient, b.coefficient);
  if (!coefficient) return Overflow();
  ExprVector factors;
  size_t i = 0, j = 0;
  while (i < a.factors.size() && j < b.factors.size()) {
    PowerView p = ViewPower(a.factors[i]), q = ViewPower(b.factors[j]);
    if (p.base == q.base) {
      factors.push_back(PowerOf(p.base, p.exponent + q.exponent));
      if (factors.back().is_poison()) return factors.back();
      ++i, ++j;
    } else if (Expr::Compare(p.base, q.base) < 0) {
      factors.push_back(a.factors[i++]);
    } else {
      factors.push_back(b.factors[j++]);
    }
  }
  factors.insert(factors.end(), a.factors.begin() + i, a.factors.end());
  factors.insert(factors.end(), b.factors.begin() + j, b.factors.end());
  return Term(*coefficient, factors);
}

Expr ExprPoolRep::MulSums(Expr a, Expr b) {
  SumView x = ViewSum(a), y = ViewSum(b);
  size_t terms_of_x = x.terms.size() + (x.constant != 0), terms_of_y = y.terms.size() + (y.constant != 0);
  if (terms_of_x * terms_of_y > kMaxProducts) return MakePoison(PoisonReason::kNodes);
  ExprVector products;
  Expr cx = InternInt(x.constant), cy = InternInt(y.constant);
  auto multiply_by_y = [&](const Expr& t) {
    for (const Expr& u : y.terms) products.push_back(MulMonomials(ViewTerm(t), ViewTerm(u)));
    if (y.constant != 0) products.push_back(MulMonomials(ViewTerm(t), ViewTerm(cy)));
  };
  for (const Expr& t : x.terms) multiply_by_y(t);
  if (x.constant != 0) multiply_by_y(cx);
  return SumOf(products);
}

Expr ExprPoolRep::MulInts(Expr a, Expr b) {
  if (std::optional<int64_t> c = a.AsInt()) return Scale(b, *c);
  if (std::optional<int64_t> c = b.AsInt()) return Scale(a, *c);
  if (a.kind() == ExprKind::kAdd || b.kind() == ExprKind::kAdd) return MulSums(a, b);
  return MulMonomials(ViewTerm(a), ViewTerm(b));
}

}  // namespace kiln
