// Transposes: loads that run along the loop around a vector loop, not along it.
//
//   serial i0 < 64 {
//     vector i1 < 768 {
//       %0 = load f32 b0[64*i1 + i0]
//       store b1[768*i0 + i1], %0
//     }
//   }
//
// Lane by lane such a load is as many loads as there are lanes. A square tile of as
// many rows as lanes is loaded row by row instead, each a run along i0, and
// transposed in registers. No LLVM here.
#ifndef KILN_COMPILER_CODEGEN_TILE_PLAN_H_
#define KILN_COMPILER_CODEGEN_TILE_PLAN_H_

#include <optional>
#include <vector>

#include "compiler/codegen/isa_table.h"
#include "compiler/codegen/kernel_table.h"
#include "compiler/loops/loop_ir.h"

namespace kiln {

struct TiledLoad {
  int inst = -1;
  Expr stride;  // along the vector loop
};

struct TilePlan {
  int lanes = 0;
  // The last statement of the serial loop's body.
  const Loop* vector = nullptr;
  std::vector<TiledLoad> loads;
};

// How the serial `loop` runs in tiles; nullopt if it gains nothing by that, or if
// a row of it may read what an earlier one has written.
std::optional<TilePlan> PlanTiles(const UniqueKernel& kernel, const Loop& loop, const Isa& isa, ExprPool* pool);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_TILE_PLAN_H_
