// SVE's instructions that LLVM has only for scalable vectors, for the vectors of
// known length that everything here is made of. A register is exactly as long as
// the vector (see isa_table.h), so that both are the same bits.
#ifndef KILN_COMPILER_CODEGEN_SVE_REGISTER_H_
#define KILN_COMPILER_CODEGEN_SVE_REGISTER_H_

#include "llvm/IR/IRBuilder.h"

namespace kiln {

// `v` is a vector that fills a register; the same as a scalable vector, and back.
llvm::Value* ToSveRegister(llvm::IRBuilder<>& b, llvm::Value* v);
llvm::Value* FromSveRegister(llvm::IRBuilder<>& b, llvm::Value* v, llvm::Type* type);

// A predicate with all lanes of a scalable vector on.
llvm::Constant* AllSveLanes(llvm::IRBuilder<>& b, llvm::Type* scalable);

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_SVE_REGISTER_H_
