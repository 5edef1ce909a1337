#include "compiler/codegen/kernel_memory.h"

#include <algorithm>
#include <utility>

#include "compiler/codegen/lane_types.h"
#include "compiler/codegen/range_check.h"
#include "llvm/IR/MDBuilder.h"

namespace kiln {
namespace {

llvm::Align AlignOf(DType dtype) { return llvm::Align(static_cast<uint64_t>(DTypeSizeBytes(dtype))); }

}  // namespace

void KernelMemory::SetPointers(std::vector<llvm::Value*> pointers, llvm::Value* error) {
  pointers_ = std::move(pointers);
  error_ = error;
  MakeAliasScopes();
}

// Tells LLVM which parameters never share memory.
void KernelMemory::MakeAliasScopes() {
  llvm::MDBuilder md(b_->getContext());
  int num_groups = 0;
  for (const BufferParameter& buffer : kernel_.buffers) num_groups = std::max(num_groups, buffer.alias_group + 1);
  llvm::MDNode* domain = md.createAnonymousAliasScopeDomain();
  std::vector<llvm::Metadata*> scopes;
  for (int i = 0; i < num_groups; ++i) scopes.push_back(md.createAnonymousAliasScope(domain));
  for (int i = 0; i < num_groups; ++i) {
    std::vector<llvm::Metadata*> others = scopes;
    others.erase(others.begin() + i);
    scopes_.push_back(llvm::MDNode::get(b_->getContext(), {scopes[i]}));
    others_.push_back(llvm::MDNode::get(b_->getContext(), others));
  }
}

void KernelMemory::Mark(llvm::Instruction* access, BufferId buffer) {
  const int group = kernel_.buffers[buffer.value].alias_group;
  access->setMetadata(llvm::LLVMContext::MD_alias_scope, scopes_[group]);
  access->setMetadata(llvm::LLVMContext::MD_noalias, others_[group]);
}

llvm::Value* KernelMemory::Address(BufferId buffer, llvm::Value* index) {
  return b_->CreateInBoundsGEP(MemoryType(b_->getContext(), DTypeOf(buffer), 1), pointers_[buffer.value], index);
}

void KernelMemory::CheckBounds(BufferId buffer, llvm::Value* index) {
  const Expr size = kernel_.buffers[buffer.value].num_elements;
  if (!check_bounds_ || size.IsInt(0)) return;
  llvm::Value* bound = exprs_->Emit(size);
  RequireInRange(*b_, b_->CreateICmpULT(index, bound), index, bound, error_);
}

llvm::Value* KernelMemory::Load(BufferId buffer, llvm::Value* index, int count) {
  CheckBounds(buffer, index);
  llvm::Type* type = MemoryType(b_->getContext(), DTypeOf(buffer), count);
  llvm::LoadInst* load = b_->CreateAlignedLoad(type, Address(buffer, index), AlignOf(DTypeOf(buffer)));
  Mark(load, buffer);
  return load;
}

void KernelMemory::Store(BufferId buffer, llvm::Value* index, llvm::Value* v) {
  CheckBounds(buffer, index);
  Mark(b_->CreateAlignedStore(v, Address(buffer, index), AlignOf(DTypeOf(buffer))), buffer);
}

// Halves go as integers: masked accesses of half vectors need more than AVX-512.
llvm::Type* KernelMemory::MaskedType(DType dtype, int count) {
  return dtype == DType::kFloat16 ? llvm::FixedVectorType::get(b_->getInt16Ty(), static_cast<unsigned>(count))
                                  : MemoryType(b_->getContext(), dtype, count);
}

llvm::Value* KernelMemory::MaskedLoad(BufferId buffer, llvm::Value* index, llvm::Value* mask) {
  const DType dtype = DTypeOf(buffer);
  llvm::Type* type = MaskedType(dtype, LanesOf(mask));
  llvm::CallInst* load = b_->CreateMaskedLoad(type, Address(buffer, index), AlignOf(dtype), mask,
                                              llvm::Constant::getNullValue(type));
  Mark(load, buffer);
  return b_->CreateBitCast(load, MemoryType(b_->getContext(), dtype, LanesOf(mask)));
}

llvm::Value* KernelMemory::Gather(BufferId buffer, llvm::Value* indices, llvm::Value* mask) {
  const DType dtype = DTypeOf(buffer);
  llvm::Type* type = MemoryType(b_->getContext(), dtype, LanesOf(indices));
  llvm::CallInst* load = b_->CreateMaskedGather(type, Address(buffer, indices), AlignOf(dtype), mask,
                                                llvm::Constant::getNullValue(type));
  Mark(load, buffer);
  return load;
}

void KernelMemory::MaskedStore(BufferId buffer, llvm::Value* index, llvm::Value* v, llvm::Value* mask) {
  const DType dtype = DTypeOf(buffer);
  v = b_->CreateBitCast(v, MaskedType(dtype, LanesOf(mask)));
  Mark(b_->CreateMaskedStore(v, Address(buffer, index), AlignOf(dtype), mask), buffer);
}

}  // namespace kiln
