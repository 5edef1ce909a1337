// How an interned expression lies in memory, and Expr's accessors, which look
// there and are called millions of times: inline for that reason. Only expr.h
// includes this.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_EXPR_LAYOUT_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_EXPR_LAYOUT_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"

namespace kiln {

// An immutable node; its arguments follow it in memory.
struct alignas(8) ExprNode {
  uint64_t hash = 0;
  // A Bloom filter of the symbols inside.
  uint64_t symbol_mask = 0;
  union {
    int64_t i = 0;     // kInt, kBool
    double f;          // kFloat
    const char* name;  // kSymbol, and the reason of a kPoison
  };
  uint32_t num_args = 0;
  uint32_t name_size = 0;
  uint32_t tree_size = 1;
  // Total degree as a monomial; orders the terms of a sum.
  uint32_t degree = 0;
  uint16_t depth = 1;
  ExprKind kind = ExprKind::kInt;
  ExprType type = ExprType::kInt;
  bool has_symbols = false;
  bool has_unbacked = false;
  // A kFloorDiv or kMod is inside: rules about them may apply.
  bool has_division = false;

  absl::Span<const Expr> args() const {
    return {reinterpret_cast<const Expr*>(this + 1), num_args};
  }
  absl::string_view name_view() const { return {name, name_size}; }

  static const ExprNode* Of(Expr e) { return e.node(); }
  static Expr Wrap(const ExprNode* node) { return Expr::Wrap(node); }
};

inline const ExprNode* Expr::node() const {
  return is_inline() ? nullptr : reinterpret_cast<const ExprNode*>(bits_);
}
inline ExprKind Expr::kind() const { return is_inline() ? ExprKind::kInt : node()->kind; }
inline ExprType Expr::type() const { return is_inline() ? ExprType::kInt : node()->type; }
inline bool Expr::is_poison() const { return !is_inline() && node()->kind == ExprKind::kPoison; }

inline std::optional<int64_t> Expr::AsInt() const {
  if (is_inline()) return static_cast<int64_t>(bits_) >> 1;
  if (node()->kind == ExprKind::kInt) return node()->i;
  return std::nullopt;
}
inline std::optional<double> Expr::AsFloat() const {
  if (is_inline() || node()->kind != ExprKind::kFloat) return std::nullopt;
  return node()->f;
}
inline std::optional<bool> Expr::AsBool() const {
  if (is_inline() || node()->kind != ExprKind::kBool) return std::nullopt;
  return node()->i != 0;
}
inline bool Expr::IsInt(int64_t value) const { return AsInt() == value; }

inline bool Expr::has_unbacked() const { return !is_inline() && node()->has_unbacked; }
inline bool Expr::has_symbols() const { return !is_inline() && node()->has_symbols; }
inline absl::Span<const Expr> Expr::args() const { return is_inline() ? absl::Span<const Expr>() : node()->args(); }

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_EXPR_LAYOUT_H_
