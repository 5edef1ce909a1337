// How two partial results of a reduction become one.
#ifndef KILN_COMPILER_LOOPS_COMBINING_OP_H_
#define KILN_COMPILER_LOOPS_COMBINING_OP_H_

#include <optional>

#include "compiler/loops/loop_ir.h"

namespace kiln {

// nullopt for argmax, argmin and welford, whose state is more than one value.
std::optional<ScalarOp> CombiningOp(ReduceKind kind);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_COMBINING_OP_H_
