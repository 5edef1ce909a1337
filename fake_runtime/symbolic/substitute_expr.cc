// Rebuilding expressions: Substitute, Import, VisitSymbols, SplitLinear.
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/expr_node.h"

namespace kiln {
namespace {

// Expressions under this size are rebuilt without a memo: most are, and a
// table costs more than visiting a few nodes twice.
constexpr uint32_t kMemoNodes = 24;

uint32_t TreeSize(Expr e) {
  const ExprNode* n = ExprNode::Of(e);
  return n ? n->tree_size : 1;
}

class Substituter {
 public:
  using Replacement = std::function<std::optional<Expr>(Expr)>;
  Substituter(ExprPool& pool, const Replacement& replacement, bool memoize)
      : pool_(pool), replacement_(replacement), memoize_(memoize) {}

  Expr Visit(Expr e) {
    if (!e.has_symbols()) return e;
    if (e.kind() == ExprKind::kSymbol) return replacement_(e).value_or(e);
    if (memoize_) {
      auto it = memo_.find(e);
      if (it != memo_.end()) return it->second;
    }
    pool_.Spend(1);
    ExprVector args;
    bool changed = false;
    for (Expr a : e.args()) {
      args.push_back(Visit(a));
      changed |= args.back() != a;
    }
    Expr result = changed ? pool_.Make(e.kind(), args) : e;
    if (memoize_) memo_.emplace(e, result);
    return result;
  }

 private:
  ExprPool& pool_;
  const Replacement& replacement_;
  bool memoize_;
  absl::flat_hash_map<Expr, Expr> memo_;
};

class Importer {
 public:
  Importer(ExprPool& pool, const std::function<Expr(Expr)>& rename) : pool_(pool), rename_(rename) {}

  Expr Visit(Expr e) {
    switch (e.kind()) {
      case ExprKind::kInt: return pool_.Int(*e.AsInt());
      case ExprKind::kFloat: return pool_.Float(*e.AsFloat());
      case ExprKind::kBool: case ExprKind::kPoison: return e;
      default: break;
    }
    auto it = memo_.find(e);
    if (it != memo_.end()) return it->second;
    Expr result;
    if (e.kind() == ExprKind::kSymbol) {
      result = rename_(e);
    } else {
      ExprVector args;
      for (Expr a : e.args()) args.push_back(Visit(a));
      result = pool_.Make(e.kind(), args);
    }
    memo_.emplace(e, result);
    return result;
  }

 private:
  ExprPool& pool_;
  const std::function<Expr(Expr)>& rename_;
  absl::flat_hash_map<Expr, Expr> memo_;
};

class SymbolVisitor {
 public:
  explicit SymbolVisitor(const std::function<void(Expr)>& visit) : visit_(visit) {}

  void Visit(Expr e) {
    if (!e.has_symbols() || !seen_.insert(e).second) return;
    if (e.kind() == ExprKind::kSymbol) return visit_(e);
    for (Expr a : e.args()) Visit(a);
  }

 private:
  const std::function<void(Expr)>& visit_;
  absl::flat_hash_set<Expr> seen_;
};

// The coefficient of `variable` in a term that is linear in it.
std::optional<Expr> CoefficientIn(ExprPool& pool, Expr term, Expr variable) {
  if (term == variable) return Expr(1);
  if (term.kind() != ExprKind::kMul) return std::nullopt;
  ExprVector others;
  bool found = false;
  for (Expr f : term.args()) {
    if (f == variable) {
      found = true;
    } else if (f.Mentions(variable)) {
      return std::nullopt;
    } else {
      others.push_back(f);
    }
  }
  if (!found) return std::nullopt;
  return pool.Mul(others);
}

}  // namespace

Expr ExprPool::Substitute(Expr e, const std::function<std::optional<Expr>(Expr symbol)>& replacement) {
  return Substituter(*this, replacement, TreeSize(e) > kMemoNodes).Visit(e);
}

Expr ExprPool::Import(Expr e, const std::function<Expr(Expr symbol)>& rename) {
  return Importer(*this, rename).Visit(e);
}

void VisitSymbols(Expr e, const std::function<void(Expr symbol)>& visit) {
  if (e.kind() == ExprKind::kSymbol) return visit(e);
  if (e.has_symbols()) SymbolVisitor(visit).Visit(e);
}

std::optional<LinearForm> SplitLinear(ExprPool& pool, Expr e, Expr variable) {
  if (e.is_poison() || e.type() != ExprType::kInt) return std::nullopt;
  if (!e.Mentions(variable)) return LinearForm{Expr(0), e};
  ExprVector coefficients, rest;
  absl::Span<const Expr> terms = e.kind() == ExprKind::kAdd ? e.args() : absl::MakeConstSpan(&e, 1);
  for (Expr t : terms) {
    if (!t.Mentions(variable)) {
      rest.push_back(t);
      continue;
    }
    std::optional<Expr> coefficient = CoefficientIn(pool, t, variable);
    if (!coefficient) return std::nullopt;
    coefficients.push_back(*coefficient);
  }
  return LinearForm{pool.Add(coefficients), pool.Add(rest)};
}

}  // namespace kiln
