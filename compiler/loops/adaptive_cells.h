// The cells of adaptive pooling. Of `places` places, cell `o` of `cells` covers
// [floor(o*places/cells), ceil((o+1)*places/cells)); neighbours may share some.
#ifndef KILN_COMPILER_LOOPS_ADAPTIVE_CELLS_H_
#define KILN_COMPILER_LOOPS_ADAPTIVE_CELLS_H_

#include "fake_runtime/symbolic/shape_env.h"

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

// The cells that cover one place: the same law with the roles exchanged.
inline AdaptiveCell CellsOfPlace(ShapeEnv& env, Expr place, Expr places, Expr cells) {
  return PlacesOfCell(env, place, cells, places);
}

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_ADAPTIVE_CELLS_H_
