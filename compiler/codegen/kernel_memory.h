// The buffers of one kernel while its code is emitted: single elements, vectors of
// consecutive ones, and those with lanes off. Values are as memory has them.
//
// Accesses say which buffers never share memory, and with `check_bounds` test
// their index first.
//
// Not thread-safe.
#ifndef KILN_COMPILER_CODEGEN_KERNEL_MEMORY_H_
#define KILN_COMPILER_CODEGEN_KERNEL_MEMORY_H_

#include <vector>

#include "compiler/codegen/expr_emitter.h"
#include "compiler/codegen/kernel_table.h"
#include "llvm/IR/Metadata.h"

namespace kiln {

class KernelMemory {
 public:
  // All outlive this. `pointers` are the buffers' first elements; `error` as in
  // RequireInRange.
  KernelMemory(const UniqueKernel& kernel, bool check_bounds, llvm::IRBuilder<>* builder, ExprEmitter* exprs)
      : kernel_(kernel), check_bounds_(check_bounds), b_(builder), exprs_(exprs) {}
  void SetPointers(std::vector<llvm::Value*> pointers, llvm::Value* error);

  DType DTypeOf(BufferId buffer) const { return kernel_.buffers[buffer.value].dtype; }

  // `count` elements from `index` on; a scalar where it is 1.
  llvm::Value* Load(BufferId buffer, llvm::Value* index, int count);
  void Store(BufferId buffer, llvm::Value* index, llvm::Value* v);
  // In the lanes of `mask` that are on; others load 0. Gather takes no mask for all.
  llvm::Value* MaskedLoad(BufferId buffer, llvm::Value* index, llvm::Value* mask);
  // The element at each of a vector's indices.
  llvm::Value* Gather(BufferId buffer, llvm::Value* indices, llvm::Value* mask);
  void MaskedStore(BufferId buffer, llvm::Value* index, llvm::Value* v, llvm::Value* mask);

 private:
  llvm::Value* Address(BufferId buffer, llvm::Value* index);
  void CheckBounds(BufferId buffer, llvm::Value* index);
  void MakeAliasScopes();
  void Mark(llvm::Instruction* access, BufferId buffer);
  llvm::Type* MaskedType(DType dtype, int count);

  // Constant after construction.
  const UniqueKernel& kernel_;
  const bool check_bounds_;

  llvm::IRBuilder<>* b_;
  ExprEmitter* exprs_;
  std::vector<llvm::Value*> pointers_;
  llvm::Value* error_ = nullptr;
  // By alias group.
  std::vector<llvm::MDNode*> scopes_;
  std::vector<llvm::MDNode*> others_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_CODEGEN_KERNEL_MEMORY_H_
