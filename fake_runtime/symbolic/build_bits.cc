// Shifts, bitwise operations and powers with an exponent that is no constant.
//
// The rules, for all integers in two's complement without end:
//
//   a << n = a * 2**n          a >> n = a // 2**n          n >= 0
//   a | b = a + b - (a & b)    a ^ b = a + b - 2*(a & b)
//   a & (2**k - 1) = a % 2**k  a & 0 = 0    a & -1 = a    a & a = a
#include <utility>

#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/expr_node.h"

namespace kiln {
namespace {

Expr Unsupported() { return MakePoison(PoisonReason::kUnsupported); }

bool IsBool(Expr e) { return e.type() == ExprType::kBool; }

Expr AsNumber(ExprPool& pool, Expr e) { return IsBool(e) ? pool.Where(e, Expr(1), Expr(0)) : e; }

// 2**k - 1 for some k >= 0.
bool IsLowMask(int64_t c) { return c >= 0 && (c & (c + 1)) == 0 && c != INT64_MAX; }

}  // namespace

Expr ExprPool::ShiftLeft(Expr a, Expr n) { return Mul(a, Pow(Expr(2), n)); }
Expr ExprPool::ShiftRight(Expr a, Expr n) { return FloorDiv(a, Pow(Expr(2), n)); }

Expr ExprPoolRep::BitAndInts(Expr a, Expr b) {
  std::optional<int64_t> c = a.AsInt(), d = b.AsInt();
  if (c && d) return InternInt(*c & *d);
  if (d) {
    std::swap(a, b);
    std::swap(c, d);
  }
  if (c && IsLowMask(*c)) return *c == 0 ? Expr(0) : ModInts(b, InternInt(*c + 1));
  if (c == -1 || a == b) return b;
  if (Expr::Compare(b, a) < 0) std::swap(a, b);
  Expr args[] = {a, b};
  return Intern(ExprKind::kBitAnd, ExprType::kInt, args);
}

Expr ExprPoolRep::IntPowInts(Expr base, Expr exponent) {
  if (base.IsInt(1)) return base;
  Expr args[] = {base, exponent};
  return Intern(ExprKind::kIntPow, ExprType::kInt, args);
}

Expr ExprPool::BitAnd(Expr a, Expr b) {
  if (a.is_poison()) return a;
  if (b.is_poison()) return b;
  if (IsBool(a) && IsBool(b)) return And(a, b);
  a = AsNumber(*this, a);
  b = AsNumber(*this, b);
  if (a.type() != ExprType::kInt || b.type() != ExprType::kInt) return Unsupported();
  return rep_->BitAndInts(a, b);
}

Expr ExprPool::BitOr(Expr a, Expr b) {
  if (IsBool(a) && IsBool(b)) return Or(a, b);
  return Sub(Add(a, b), BitAnd(a, b));
}

Expr ExprPool::BitXor(Expr a, Expr b) {
  if (IsBool(a) && IsBool(b)) return Ne(a, b);
  return Sub(Add(a, b), Mul(Expr(2), BitAnd(a, b)));
}

}  // namespace kiln
