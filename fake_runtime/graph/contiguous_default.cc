#include "fake_runtime/graph/contiguous_default.h"

namespace kiln {

Dims DefaultStrides(ExprPool& pool, absl::Span<const Expr> sizes,
                    absl::Span<const SymbolDeclaration> symbols) {
  auto range_of = [&](Expr symbol) {
    for (const SymbolDeclaration& s : symbols) {
      if (s.symbol.symbol_name() == symbol.symbol_name()) return s.range;
    }
    return ValueRange{};
  };
  Dims strides(sizes.size());
  Expr next(1);
  for (size_t d = sizes.size(); d-- > 0;) {
    strides[d] = next;
    bool positive = BoundOf(sizes[d], range_of).lower >= 1;
    next = pool.Mul(next, positive ? sizes[d] : pool.Max(Expr(1), sizes[d]));
  }
  return strides;
}

}  // namespace kiln
