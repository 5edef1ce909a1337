// The total order of expressions: by structure and name, never by address.
//
// Constants come first. Terms of a sum are ordered as a graded lexicographic
// monomial order does: higher degree first, then factor by factor, then by
// coefficient; that order is compatible with multiplication, which polynomial
// division needs. Symbols are ordered by name, with trailing digits compared as
// a number, so that s2 stands before s10.
#include <cctype>

#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/expr_node.h"

namespace kiln {
namespace {

template <typename T>
int Order(T a, T b) {
  return a < b ? -1 : (b < a ? 1 : 0);
}

int Sign(int c) { return c < 0 ? -1 : (c > 0 ? 1 : 0); }

size_t DigitsAt(absl::string_view name) {
  size_t i = name.size();
  while (i > 0 && std::isdigit(static_cast<unsigned char>(name[i - 1]))) --i;
  return i;
}

int CompareNames(absl::string_view a, absl::string_view b) {
  size_t da = DigitsAt(a), db = DigitsAt(b);
  if (int c = a.substr(0, da).compare(b.substr(0, db))) return Sign(c);
  absl::string_view na = a.substr(da), nb = b.substr(db);
  while (na.size() > 1 && na[0] == '0') na.remove_prefix(1);
  while (nb.size() > 1 && nb[0] == '0') nb.remove_prefix(1);
  if (na.size() != nb.size()) return Order(na.size(), nb.size());
  if (int c = na.compare(nb)) return Sign(c);
  return Sign(a.compare(b));
}

int CompareAtoms(Expr a, Expr b) {
  if (a == b) return 0;
  if (a.kind() != b.kind()) return Order(a.kind(), b.kind());
  switch (a.kind()) {
    case ExprKind::kInt:
      return Order(*a.AsInt(), *b.AsInt());
    case ExprKind::kBool:
      return Order(*a.AsBool(), *b.AsBool());
    case ExprKind::kFloat:
      // By bits: a NaN has its place too.
      return Order(ExprNode::Of(a)->i, ExprNode::Of(b)->i);
    case ExprKind::kSymbol:
      return CompareNames(a.symbol_name(), b.symbol_name());
    case ExprKind::kPoison:
      return Sign(a.poison_reason().compare(b.poison_reason()));
    default:
      break;
  }
  absl::Span<const Expr> x = a.args(), y = b.args();
  for (size_t i = 0; i < x.size() && i < y.size(); ++i) {
    if (int c = Expr::Compare(x[i], y[i])) return c;
  }
  return Order(x.size(), y.size());
}

int CompareFactors(Expr a, Expr b) {
  if (a == b) return 0;
  PowerView x = ViewPower(a), y = ViewPower(b);
  if (int c = CompareAtoms(x.base, y.base)) return c;
  return Order(y.exponent, x.exponent);
}

bool IsConstant(Expr e) {
  return e.kind() == ExprKind::kInt || e.kind() == ExprKind::kFloat || e.kind() == ExprKind::kBool;
}

uint32_t Degree(absl::Span<const Expr> factors) {
  uint32_t degree = 0;
  for (Expr f : factors) degree += DegreeOf(f);
  return degree;
}

}  // namespace

int CompareMonomials(const TermView& a, const TermView& b) {
  if (int c = Order(Degree(b.factors), Degree(a.factors))) return c;
  for (size_t i = 0; i < a.factors.size() && i < b.factors.size(); ++i) {
    if (int c = CompareFactors(a.factors[i], b.factors[i])) return c;
  }
  return Order(a.factors.size(), b.factors.size());
}

int Expr::Compare(Expr a, Expr b) {
  if (a == b) return 0;
  bool ca = IsConstant(a), cb = IsConstant(b);
  if (ca != cb) return ca ? -1 : 1;
  if (ca) return CompareAtoms(a, b);
  TermView ta = ViewTerm(a), tb = ViewTerm(b);
  if (int c = CompareMonomials(ta, tb)) return c;
  return Order(ta.coefficient, tb.coefficient);
}

}  // namespace kiln
