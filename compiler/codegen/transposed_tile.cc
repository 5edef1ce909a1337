#include "compiler/codegen/transposed_tile.h"

#include <vector>

namespace kiln {
namespace {

// The lower or upper halves of x and y, element by element in turn.
llvm::Value* Interleave(llvm::Value* x, llvm::Value* y, bool upper, int size, llvm::IRBuilder<>& b) {
  std::vector<int> order;
  const int start = upper ? size / 2 : 0;
  for (int i = 0; i < size / 2; ++i) {
    order.push_back(start + i);
    order.push_back(size + start + i);
  }
  return b.CreateShuffleVector(x, y, order);
}

// Each round interleaves line i with line i + size/2; after log2(size) rounds, row
// and column have changed places.
std::vector<llvm::Value*> Transpose(std::vector<llvm::Value*> lines, llvm::IRBuilder<>& b) {
  const int size = static_cast<int>(lines.size());
  for (int round = 1; round < size; round *= 2) {
    std::vector<llvm::Value*> next;
    for (int i = 0; i < size / 2; ++i) {
      next.push_back(Interleave(lines[i], lines[i + size / 2], false, size, b));
      next.push_back(Interleave(lines[i], lines[i + size / 2], true, size, b));
    }
    lines = std::move(next);
  }
  return lines;
}

}  // namespace

llvm::Value* EmitTransposed(KernelMemory& memory, BufferId buffer, llvm::Value* first, llvm::Value* stride, int size,
                            llvm::IRBuilder<>& b) {
  std::vector<llvm::Value*> lines;
  llvm::Value* place = first;
  for (int i = 0; i < size; ++i) {
    lines.push_back(memory.Load(buffer, place, size));
    place = b.CreateNSWAdd(place, stride);
  }
  lines = Transpose(std::move(lines), b);
  llvm::Type* type = lines[0]->getType();
  llvm::AllocaInst* tile = nullptr;
  {
    llvm::IRBuilderBase::InsertPointGuard guard(b);
    llvm::BasicBlock& entry = b.GetInsertBlock()->getParent()->getEntryBlock();
    b.SetInsertPoint(&entry, entry.begin());
    tile = b.CreateAlloca(llvm::ArrayType::get(type, static_cast<uint64_t>(size)));
    tile->setAlignment(llvm::Align(64));
  }
  for (int i = 0; i < size; ++i) b.CreateStore(lines[i], b.CreateConstInBoundsGEP1_64(type, tile, static_cast<uint64_t>(i)));
  return tile;
}

llvm::Value* LoadTileLine(llvm::Value* tile, llvm::Value* n, llvm::IRBuilder<>& b) {
  llvm::Type* type = llvm::cast<llvm::ArrayType>(llvm::cast<llvm::AllocaInst>(tile)->getAllocatedType())->getElementType();
  return b.CreateLoad(type, b.CreateInBoundsGEP(type, tile, n));
}

}  // namespace kiln
