// The cells of adaptive pooling. Of `places` places, cell `o` of `cells` covers
// [floor(o*places/cells), ceil((o+1)*places/cells)); neighbours may share some.
#ifndef KILN_COMPILER_LOOPS_ADAPTIVE_CELLS_H_
#define KILN_COMPILER_LOOPS_ADAPTIVE_CELLS_H_

#include "compiler/loops/lowering_context.h"

namespace kiln {

struct AdaptiveCell {
  Expr begin;
  Expr extent;
};

inline AdaptiveCell PlacesOfCell(ShapeEnv& env, Expr cell, Expr places, Expr cells) {
  ExprPool& pool = env.pool();
  Expr begin = env.Simplify(pool.FloorDiv(pool.Mul(cell, places), cells));
  Expr end = pool.CeilDiv(pool.Mul(pool.Add(cell, Expr(1)), places), cells);
  return {begin, env.Simplify(pool.Sub(end, begin))};
}

// Begins a loop over the places of cell `i` along each dimension from `first` on, of
// tensors whose sizes are `places` and `cells`; EndCells ends them. Where they are.
//
// The cells that cover a place follow the same law with the roles exchanged.
inline Dims BeginCells(KernelBuilder& b, ShapeEnv& env, const Dims& i, size_t first, const Dims& places,
                       const Dims& cells) {
  Dims at = i;
  for (size_t d = first; d < i.size(); ++d) {
    AdaptiveCell cell = PlacesOfCell(env, i[d], places[d], cells[d]);
    at[d] = env.pool().Add(cell.begin, b.BeginLoop(cell.extent));
  }
  return at;
}

inline void EndCells(KernelBuilder& b, const Dims& i, size_t first) {
  for (size_t d = first; d < i.size(); ++d) b.EndLoop();
}

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_ADAPTIVE_CELLS_H_
