// The order of dimensions in memory without holes.
#ifndef KILN_COMPILER_LOOPS_DENSE_PLACES_H_
#define KILN_COMPILER_LOOPS_DENSE_PLACES_H_

#include <optional>
#include <vector>

#include "compiler/loops/loop_ir.h"

namespace kiln {

// For each dimension how many lie within it, where the strides are those of some order
// of the dimensions, densely packed; else nullopt. Decided by form alone.
//   f32[s0, 3, s1] strides=[3*s1, 1, 3] -> {2, 0, 1}
std::optional<std::vector<int>> DensePlaces(ExprPool& pool, const TensorOperand& window);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_DENSE_PLACES_H_
