#include "compiler/codegen/tile_plan.h"

#include <algorithm>

#include "compiler/codegen/emit_scalar_op.h"
#include "compiler/codegen/vector_plan.h"

namespace kiln {
namespace {

bool IsStore(const Inst& inst) { return inst.kind == InstKind::kStore || inst.kind == InstKind::kStoreAdd; }

// What stands before the vector loop is done again for each tile: it should be cheap.
bool IsCheapBeforeTiles(const Inst& inst) {
  switch (inst.kind) {
    case InstKind::kConstant:
    case InstKind::kExpr:
    case InstKind::kLoad:
      return true;
    case InstKind::kScalar:
      return !IsHeavyOp(inst.op);
    case InstKind::kStore:
    case InstKind::kStoreAdd:
    case InstKind::kIndirect:
    case InstKind::kAccumulate:
    case InstKind::kUpdate:
    case InstKind::kResult:
    case InstKind::kRandom:
    case InstKind::kState:
      return false;
  }
  return false;
}

class TilePlanner {
 public:
  TilePlanner(const UniqueKernel& kernel, const Loop& loop, ExprPool* pool)
      : kernel_(kernel), loop_(loop), pool_(pool) {}

  std::optional<TilePlan> Plan(const Isa& isa) {
    const Loop* vector = FindVectorLoop();
    if (vector == nullptr || vector->extent.Mentions(loop_.variable)) return std::nullopt;
    const std::vector<VectorPhase> phases = PlanVectorLoop(kernel_, *vector, isa, pool_).phases;
    if (phases.empty() || phases[0].copies > 1 || phases[0].is_masked || phases[0].lanes < 4) return std::nullopt;
    TilePlan plan{phases[0].lanes, vector, {}};
    if (loop_.extent.AsInt().value_or(plan.lanes) < plan.lanes) return std::nullopt;
    for (const Stmt& stmt : vector->body) {
      const int id = std::get<int>(stmt);
      // A symbol of an indirect instruction would be bound too late.
      if (kernel_.kernel.insts[id].kind == InstKind::kIndirect) return std::nullopt;
      std::optional<Expr> stride = StrideOfTile(kernel_.kernel.insts[id], *vector);
      if (stride.has_value()) plan.loads.push_back({id, *stride});
    }
    if (plan.loads.empty()) return std::nullopt;
    return plan;
  }

 private:
  const Loop* FindVectorLoop() const {
    for (size_t s = 0; s < loop_.body.size(); ++s) {
      if (const auto* inner = std::get_if<std::unique_ptr<Loop>>(&loop_.body[s])) {
        const bool is_last = s + 1 == loop_.body.size();
        return is_last && (*inner)->kind == LoopKind::kVector ? inner->get() : nullptr;
      }
      if (!IsCheapBeforeTiles(kernel_.kernel.insts[std::get<int>(loop_.body[s])])) return nullptr;
    }
    return nullptr;
  }

  // The stride along the vector loop of a load that runs along the serial one.
  std::optional<Expr> StrideOfTile(const Inst& inst, const Loop& vector) const {
    if (inst.kind != InstKind::kLoad || DTypeSizeBytes(kernel_.buffers[inst.buffer.value].dtype) < 2) return std::nullopt;
    std::optional<LinearForm> along = SplitLinear(*pool_, inst.expr, vector.variable);
    if (!along.has_value() || along->coefficient.IsInt(0) || along->coefficient.IsInt(1)) return std::nullopt;
    if (along->coefficient.Mentions(loop_.variable)) return std::nullopt;
    std::optional<LinearForm> across = SplitLinear(*pool_, inst.expr, loop_.variable);
    if (!across.has_value() || !across->coefficient.IsInt(1) || IsWritten(inst.buffer, vector)) return std::nullopt;
    return along->coefficient;
  }

  bool IsWritten(BufferId buffer, const Loop& vector) const {
    const int group = kernel_.buffers[buffer.value].alias_group;
    return std::any_of(vector.body.begin(), vector.body.end(), [&](const Stmt& stmt) {
      const Inst& inst = kernel_.kernel.insts[std::get<int>(stmt)];
      return IsStore(inst) && kernel_.buffers[inst.buffer.value].alias_group == group;
    });
  }

  const UniqueKernel& kernel_;
  const Loop& loop_;
  ExprPool* pool_;
};

}  // namespace

std::optional<TilePlan> PlanTiles(const UniqueKernel& kernel, const Loop& loop, const Isa& isa, ExprPool* pool) {
  if (loop.kind != LoopKind::kSerial) return std::nullopt;
  return TilePlanner(kernel, loop, pool).Plan(isa);
}

}  // namespace kiln
