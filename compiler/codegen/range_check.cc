#include "compiler/codegen/range_check.h"

#include "compiler/codegen/lane_types.h"
#include "llvm/IR/MDBuilder.h"

namespace kiln {

void RequireInRange(llvm::IRBuilder<>& b, llvm::Value* ok, llvm::Value* index, llvm::Value* bound, llvm::Value* error) {
  llvm::Function* function = b.GetInsertBlock()->getParent();
  auto* bad = llvm::BasicBlock::Create(b.getContext(), "out_of_range", function);
  auto* good = llvm::BasicBlock::Create(b.getContext(), "in_range", function);
  const int count = LanesOf(ok);
  auto lane_of = [&](llvm::Value* v, int lane) {
    return LanesOf(v) == 1 ? v : b.CreateExtractElement(v, static_cast<uint64_t>(lane));
  };
  b.CreateCondBr(count == 1 ? ok : b.CreateAndReduce(ok), good, bad,
                 llvm::MDBuilder(b.getContext()).createBranchWeights(1000, 1));
  b.SetInsertPoint(bad);
  // The first lane that is wrong.
  llvm::Value* wrong = lane_of(index, 0);
  for (int lane = count - 1; lane > 0; --lane) wrong = b.CreateSelect(lane_of(ok, lane), wrong, lane_of(index, lane));
  if (count > 1) wrong = b.CreateSelect(lane_of(ok, 0), wrong, lane_of(index, 0));
  llvm::Value* report[] = {b.getInt64(1), wrong, lane_of(bound, 0)};
  for (uint64_t i = 0; i < 3; ++i) b.CreateStore(report[i], b.CreateConstInBoundsGEP1_64(b.getInt64Ty(), error, i));
  b.CreateRetVoid();
  b.SetInsertPoint(good);
}

}  // namespace kiln
