#include "compiler/codegen/lane_memory.h"

#include <vector>

#include "compiler/codegen/lane_types.h"
#include "llvm/IR/MDBuilder.h"

namespace kiln {
namespace {

// Every n-th element comes out of n vectors by shuffles: for more than these, as
// many as loading elements one by one.
constexpr int64_t kMostShuffledStride = 4;

}  // namespace

llvm::Value* LaneMemory::Load(BufferId buffer, Expr index) {
  const LaneRun run = lane_exprs_->RunOf(index);
  const int count = lanes_->count;
  if (run.kind == LaneRun::Kind::kUniform) return memory_->Load(buffer, exprs_->Emit(index), 1);
  if (run.kind == LaneRun::Kind::kBounded) {
    const int64_t step = *run.stride.AsInt();
    const bool is_run = step == 1 || (step <= kMostShuffledStride && lanes_->mask == nullptr);
    if (is_run) return LoadBounded(buffer, index, step);
  }
  if (run.kind == LaneRun::Kind::kLinear) {
    if (run.stride.IsInt(1) && lanes_->mask != nullptr) {
      return memory_->MaskedLoad(buffer, exprs_->Emit(index), lanes_->mask);
    }
    if (run.stride.IsInt(1)) return memory_->Load(buffer, exprs_->Emit(index), count);
    if (run.stride.IsInt(-1) && lanes_->mask == nullptr) {
      return b_->CreateVectorReverse(memory_->Load(buffer, LowestIndex(index), count));
    }
    const int64_t stride = run.stride.AsInt().value_or(0);
    if (stride > 1 && stride <= kMostShuffledStride && lanes_->mask == nullptr) {
      return LoadStrided(buffer, exprs_->Emit(index), stride);
    }
  }
  return LoadEach(buffer, index, run);
}

llvm::Value* LaneMemory::LoadStrided(BufferId buffer, llvm::Value* first, int64_t stride) {
  const int count = lanes_->count;
  // The last vector ends with the last lane's element: nothing beyond it is read.
  const int64_t last_start = (count - 1) * stride + 1 - count;
  llvm::Value* elements = nullptr;
  std::vector<int> chosen;
  for (int64_t n = 0; n < stride; ++n) {
    const int64_t start = n + 1 < stride ? n * count : last_start;
    llvm::Value* place = b_->CreateNSWAdd(first, b_->getInt64(static_cast<uint64_t>(start)));
    llvm::Value* part = memory_->Load(buffer, place, count);
    if (elements == nullptr) {
      elements = part;
      for (int lane = 0; lane < count; ++lane) chosen.push_back(lane * stride < count ? lane * stride : -1);
      elements = b_->CreateShuffleVector(elements, chosen);
      continue;
    }
    // Lanes whose element lies in this part, and in none before.
    std::vector<int> mixed;
    for (int lane = 0; lane < count; ++lane) {
      const int64_t at = lane * stride;
      const bool is_here = at >= n * count && at >= start && at < start + count;
      mixed.push_back(is_here ? count + static_cast<int>(at - start) : lane);
    }
    elements = b_->CreateShuffleVector(elements, part, mixed);
  }
  return elements;
}

// Lanes move by at most `step`, so if the last is as far from the first as such
// steps go, each is one.
llvm::Value* LaneMemory::LoadBounded(BufferId buffer, Expr index, int64_t step) {
  llvm::Value* first = exprs_->Emit(index);
  llvm::Value* last = lane_exprs_->InLane(index, lanes_->count - 1);
  llvm::Value* steps = lanes_->last != nullptr ? lanes_->last : b_->getInt64(static_cast<uint64_t>(lanes_->count - 1));
  llvm::Value* far = b_->CreateNSWMul(steps, b_->getInt64(static_cast<uint64_t>(step)));
  llvm::Value* is_run = b_->CreateICmpEQ(b_->CreateNSWSub(last, first), far);
  llvm::Function* function = b_->GetInsertBlock()->getParent();
  auto* run = llvm::BasicBlock::Create(b_->getContext(), "run", function);
  auto* edge = llvm::BasicBlock::Create(b_->getContext(), "edge", function);
  auto* after = llvm::BasicBlock::Create(b_->getContext(), "loaded", function);
  b_->CreateCondBr(is_run, run, edge, llvm::MDBuilder(b_->getContext()).createBranchWeights(8, 1));
  b_->SetInsertPoint(run);
  llvm::Value* inside = step > 1 ? LoadStrided(buffer, first, step)
                        : lanes_->mask != nullptr ? memory_->MaskedLoad(buffer, first, lanes_->mask)
                                                  : memory_->Load(buffer, first, lanes_->count);
  run = b_->GetInsertBlock();
  b_->CreateBr(after);
  b_->SetInsertPoint(edge);
  llvm::Value* at_edge = LoadEach(buffer, index, {LaneRun::Kind::kAny, Expr()});
  edge = b_->GetInsertBlock();
  b_->CreateBr(after);
  b_->SetInsertPoint(after);
  llvm::PHINode* loaded = b_->CreatePHI(inside->getType(), 2);
  loaded->addIncoming(inside, run);
  loaded->addIncoming(at_edge, edge);
  return loaded;
}

llvm::Value* LaneMemory::LoadEach(BufferId buffer, Expr index, const LaneRun& run) {
  // Words have gathers, and their indices are a vector already; where a target has
  // no quick ones, LLVM takes them apart.
  if (run.kind != LaneRun::Kind::kLinear && DTypeSizeBytes(memory_->DTypeOf(buffer)) >= 4) {
    return memory_->Gather(buffer, lane_exprs_->InAllLanes(index), lanes_->mask);
  }
  llvm::Value* vector =
      llvm::PoisonValue::get(MemoryType(b_->getContext(), memory_->DTypeOf(buffer), lanes_->count));
  for (int lane = 0; lane < lanes_->count; ++lane) {
    llvm::Value* element = memory_->Load(buffer, IndexIn(index, run, lane), 1);
    vector = b_->CreateInsertElement(vector, element, static_cast<uint64_t>(lane));
  }
  return vector;
}

void LaneMemory::Store(BufferId buffer, Expr index, llvm::Value* v) {
  const LaneRun run = lane_exprs_->RunOf(index);
  if (run.kind == LaneRun::Kind::kUniform) {
    // The last lane's value is what stays.
    memory_->Store(buffer, exprs_->Emit(index), lane_exprs_->LaneOf(v, lanes_->count - 1));
    return;
  }
  v = Splat(*b_, v, lanes_->count);
  if (lanes_->mask != nullptr) {
    memory_->MaskedStore(buffer, exprs_->Emit(index), v, lanes_->mask);
    return;
  }
  if (run.kind == LaneRun::Kind::kLinear && run.stride.IsInt(1)) {
    memory_->Store(buffer, exprs_->Emit(index), v);
    return;
  }
  if (run.kind == LaneRun::Kind::kLinear && run.stride.IsInt(-1)) {
    memory_->Store(buffer, LowestIndex(index), b_->CreateVectorReverse(v));
    return;
  }
  for (int lane = 0; lane < lanes_->count; ++lane) {
    memory_->Store(buffer, IndexIn(index, run, lane), lane_exprs_->LaneOf(v, lane));
  }
}

llvm::Value* LaneMemory::IndexIn(Expr index, const LaneRun& run, int lane) {
  if (run.kind != LaneRun::Kind::kLinear) return lane_exprs_->InLane(index, lane);
  llvm::Value* steps = b_->CreateNSWMul(exprs_->Emit(run.stride), lane_exprs_->LaneNumber(lane));
  return b_->CreateNSWAdd(exprs_->Emit(index), steps);
}

llvm::Value* LaneMemory::LowestIndex(Expr index) {
  return b_->CreateNSWSub(exprs_->Emit(index), b_->getInt64(static_cast<uint64_t>(lanes_->count - 1)));
}

}  // namespace kiln
