// The lanes that a kernel's code is being emitted for: one element, or a vector of
// consecutive values of a vector loop's variable.
#ifndef KILN_COMPILER_CODEGEN_LANES_H_
#define KILN_COMPILER_CODEGEN_LANES_H_

#include <utility>
#include <vector>

#include "fake_runtime/symbolic/expr.h"
#include "llvm/IR/Value.h"

namespace kiln {

struct Lanes {
  int count = 1;
  // Which copy of the body, where a round has several.
  int copy = 0;
  // Of the vector loop; its scalar binding is the first lane's value.
  Expr variable;
  llvm::Value* base = nullptr;
  // Where lanes are off: which are on, a vector of i1, and the last that is, an
  // i64. Else null: all are.
  llvm::Value* mask = nullptr;
  llvm::Value* last = nullptr;
  // Indirect symbols that differ along the lanes.
  std::vector<std::pair<Expr, llvm::Value*>> symbols;
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_LANES_H_
