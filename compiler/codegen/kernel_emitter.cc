#include "compiler/codegen/kernel_emitter.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "compiler/codegen/accumulator.h"
#include "compiler/codegen/emit_random.h"
#include "compiler/codegen/emit_scalar_op.h"
#include "compiler/codegen/expr_emitter.h"
#include "compiler/codegen/kernel_memory.h"
#include "compiler/codegen/lane_exprs.h"
#include "compiler/codegen/lane_memory.h"
#include "compiler/codegen/lane_types.h"
#include "compiler/codegen/range_check.h"
#include "compiler/codegen/tile_plan.h"
#include "compiler/codegen/transposed_tile.h"
#include "compiler/codegen/vector_plan.h"

namespace kiln {
namespace {

class KernelEmitter {
 public:
  KernelEmitter(const UniqueKernel& kernel, ExprPool* pool, const Isa& isa, KernelEmitOptions options,
                llvm::Module* module)
      : kernel_(kernel),
        pool_(pool),
        options_(options),
        isa_(isa),
        module_(module),
        b_(module->getContext()),
        math_(MathContext::For(isa, &b_)),
        exprs_(pool, &math_, /*checked=*/false),
        values_(kernel.kernel.insts.size(), nullptr),
        accumulators_(kernel.kernel.insts.size()),
        lane_exprs_(pool, &b_, &exprs_, &lanes_),
        buffers_(kernel, options.check_bounds, &b_, &exprs_),
        memory_(&buffers_, &b_, &exprs_, &lane_exprs_, &lanes_) {}

  absl::StatusOr<llvm::Function*> Emit() {
    function_ = DeclareKernel(kernel_, module_);
    b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function_));
    LoadClosure();
    EmitBody(kernel_.kernel.body);
    b_.CreateRetVoid();
    if (exprs_.status().ok()) return function_;
    const int node = kernel_.nodes.empty() ? -1 : kernel_.nodes.front();
    return AddContext(exprs_.status(), absl::StrCat("kernel ", kernel_.symbol, " of node ", node));
  }

 private:
  // --- the closure

  llvm::Value* Slot(int index, llvm::Type* type) {
    llvm::Value* place = b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), function_->getArg(0), static_cast<uint64_t>(index));
    llvm::LoadInst* load = b_.CreateLoad(type, place);
    load->setMetadata(llvm::LLVMContext::MD_invariant_load, llvm::MDNode::get(b_.getContext(), {}));
    return load;
  }

  void LoadClosure() {
    int slot = kClosureFirstBuffer;
    std::vector<llvm::Value*> pointers;
    for (size_t i = 0; i < kernel_.buffers.size(); ++i) pointers.push_back(Slot(slot++, b_.getPtrTy()));
    std::vector<llvm::Value*> sizes;
    for (const SizeParameter& size : kernel_.sizes) {
      sizes.push_back(Slot(slot++, size.symbol.type() == ExprType::kFloat ? b_.getDoubleTy() : b_.getInt64Ty()));
    }
    error_ = Slot(kClosureErrorSlot, b_.getPtrTy());
    buffers_.SetPointers(std::move(pointers), error_);
    if (kernel_.is_random) seed_ = Slot(kClosureSeedSlot, b_.getInt64Ty());
    exprs_.PushScope();
    for (size_t i = 0; i < sizes.size(); ++i) exprs_.Bind(kernel_.sizes[i].symbol, sizes[i], kernel_.sizes[i].range);
  }

  // --- statements

  void EmitBody(const std::vector<Stmt>& body) {
    const int depth = exprs_.depth();
    for (const Stmt& stmt : body) {
      if (const int* id = std::get_if<int>(&stmt)) {
        EmitInst(*id);
        continue;
      }
      const Loop& loop = *std::get<std::unique_ptr<Loop>>(stmt);
      if (options_.check_bounds) {
        EmitPlainLoop(loop);
      } else if (loop.kind == LoopKind::kVector) {
        EmitVectorLoop(loop, b_.getInt64(0));
      } else if (std::optional<TilePlan> tiles = PlanTiles(kernel_, loop, isa_, pool_)) {
        EmitTiledLoop(loop, *tiles);
      } else {
        EmitPlainLoop(loop);
      }
    }
    while (exprs_.depth() > depth) exprs_.PopScope();
  }

  // Runs `emit(i)` for i = begin, begin + step, ... < end.
  template <typename EmitRound>
  void EmitCountedLoop(llvm::Value* begin, llvm::Value* end, int64_t step, EmitRound emit) {
    llvm::BasicBlock* before = b_.GetInsertBlock();
    auto* body = llvm::BasicBlock::Create(b_.getContext(), "loop", function_);
    auto* after = llvm::BasicBlock::Create(b_.getContext(), "after", function_);
    b_.CreateCondBr(b_.CreateICmpSLT(begin, end), body, after);
    b_.SetInsertPoint(body);
    llvm::PHINode* i = b_.CreatePHI(b_.getInt64Ty(), 2);
    emit(i);
    llvm::Value* next = b_.CreateNSWAdd(i, b_.getInt64(static_cast<uint64_t>(step)));
    i->addIncoming(begin, before);
    i->addIncoming(next, b_.GetInsertBlock());
    b_.CreateCondBr(b_.CreateICmpSLT(next, end), body, after);
    b_.SetInsertPoint(after);
  }

  void EmitPlainLoop(const Loop& loop) {
    llvm::Value* begin = b_.getInt64(0);
    llvm::Value* end = nullptr;
    if (loop.kind == LoopKind::kParallel && kernel_.is_parallel) {
      begin = function_->getArg(1);
      end = function_->getArg(2);
    } else {
      end = exprs_.Emit(loop.extent);
    }
    EmitIterations(loop, begin, end, [&](llvm::Value*) { EmitBody(loop.body); });
  }

  // Runs `emit(i)` for each i of [begin, end), which the loop's variable is then.
  template <typename EmitIteration>
  void EmitIterations(const Loop& loop, llvm::Value* begin, llvm::Value* end, EmitIteration emit) {
    EmitCountedLoop(begin, end, 1, [&](llvm::Value* i) {
      exprs_.PushScope();
      exprs_.Bind(loop.variable, i, ValueRange::AtLeast(0));
      emit(i);
      exprs_.PopScope();
    });
  }

  // Square tiles, then the columns beyond them, then the rows.
  void EmitTiledLoop(const Loop& loop, const TilePlan& plan) {
    const int lanes = plan.lanes;
    const Loop& vector = *plan.vector;
    llvm::Value* multiple = b_.getInt64(static_cast<uint64_t>(-lanes));
    llvm::Value* rows = exprs_.Emit(loop.extent);
    llvm::Value* columns = exprs_.Emit(vector.extent);
    llvm::Value* full_rows = b_.CreateAnd(rows, multiple);
    llvm::Value* full_columns = b_.CreateAnd(columns, multiple);
    EmitCountedLoop(b_.getInt64(0), full_rows, lanes, [&](llvm::Value* row) {
      EmitCountedLoop(b_.getInt64(0), full_columns, lanes, [&](llvm::Value* column) {
        EmitTile(loop, plan, row, column);
      });
      if (KnownMultiple(vector.extent, lanes)) return;
      EmitIterations(loop, row, b_.CreateNSWAdd(row, b_.getInt64(static_cast<uint64_t>(lanes))), [&](llvm::Value*) {
        EmitInsts(loop.body);
        EmitVectorLoop(vector, full_columns);
      });
    });
    if (KnownMultiple(loop.extent, lanes)) return;
    EmitIterations(loop, full_rows, rows, [&](llvm::Value*) { EmitBody(loop.body); });
  }

  void EmitTile(const Loop& loop, const TilePlan& plan, llvm::Value* row, llvm::Value* column) {
    std::vector<llvm::Value*> tiles;
    exprs_.PushScope();
    exprs_.Bind(loop.variable, row, ValueRange::AtLeast(0));
    exprs_.Bind(plan.vector->variable, column, ValueRange::AtLeast(0));
    for (const TiledLoad& load : plan.loads) {
      const Inst& inst = kernel_.kernel.insts[load.inst];
      tiles.push_back(EmitTransposed(buffers_, inst.buffer, exprs_.Emit(inst.expr), exprs_.Emit(load.stride), plan.lanes, b_));
    }
    exprs_.PopScope();
    EmitIterations(loop, row, b_.CreateNSWAdd(row, b_.getInt64(static_cast<uint64_t>(plan.lanes))), [&](llvm::Value* i) {
      EmitInsts(loop.body);
      llvm::Value* line = b_.CreateNSWSub(i, row);
      for (size_t t = 0; t < tiles.size(); ++t) {
        tiled_[plan.loads[t].inst] = LoadTileLine(tiles[t], line, b_);
      }
      EmitRound(*plan.vector, {plan.lanes, 1}, column);
      tiled_.clear();
    });
  }

  // The instructions of a body, without its loops.
  void EmitInsts(const std::vector<Stmt>& body) {
    for (const Stmt& stmt : body) {
      if (const int* id = std::get_if<int>(&stmt)) EmitInst(*id);
    }
  }

  // From `begin`, a multiple of the lanes, to the loop's end.
  void EmitVectorLoop(const Loop& loop, llvm::Value* begin) {
    const VectorPlan plan = PlanVectorLoop(kernel_, loop, isa_, pool_);
    llvm::Value* extent = exprs_.Emit(loop.extent);
    for (const VectorPhase& phase : plan.phases) {
      if (phase.is_masked) {
        EmitMaskedRound(loop, phase, begin, extent);
        return;
      }
      const int64_t step = int64_t{phase.lanes} * phase.copies;
      // Steps are powers of two.
      llvm::Value* end = phase.is_exact ? extent : b_.CreateAnd(extent, b_.getInt64(static_cast<uint64_t>(-step)));
      EmitCountedLoop(begin, end, step, [&](llvm::Value* i) { EmitRound(loop, phase, i); });
      begin = end;
    }
  }

  // What is left of the loop in one vector, if anything is.
  void EmitMaskedRound(const Loop& loop, const VectorPhase& phase, llvm::Value* begin, llvm::Value* extent) {
    auto* round = llvm::BasicBlock::Create(b_.getContext(), "masked", function_);
    auto* after = llvm::BasicBlock::Create(b_.getContext(), "after", function_);
    b_.CreateCondBr(b_.CreateICmpSLT(begin, extent), round, after);
    b_.SetInsertPoint(round);
    llvm::Value* rest = b_.CreateNSWSub(extent, begin);
    std::vector<llvm::Constant*> numbers;
    for (int lane = 0; lane < phase.lanes; ++lane) numbers.push_back(b_.getInt32(static_cast<uint32_t>(lane)));
    llvm::Value* count = Splat(b_, b_.CreateTrunc(rest, b_.getInt32Ty()), phase.lanes);
    llvm::Value* mask = b_.CreateICmpULT(llvm::ConstantVector::get(numbers), count);
    EmitRound(loop, phase, begin, mask, b_.CreateNSWSub(rest, b_.getInt64(1)));
    b_.CreateBr(after);
    b_.SetInsertPoint(after);
  }

  void EmitRound(const Loop& loop, const VectorPhase& phase, llvm::Value* i, llvm::Value* mask = nullptr,
                 llvm::Value* last = nullptr) {
    const Lanes outer = lanes_;
    for (int copy = 0; copy < phase.copies; ++copy) {
      llvm::Value* base = copy == 0 ? i : b_.CreateNSWAdd(i, b_.getInt64(static_cast<uint64_t>(copy * phase.lanes)));
      lanes_ = {phase.lanes, copy, loop.variable, base, mask, last, {}};
      exprs_.PushScope();
      exprs_.Bind(loop.variable, base, ValueRange::AtLeast(0));
      EmitBody(loop.body);
      exprs_.PopScope();
    }
    lanes_ = outer;
  }

  // --- instructions

  void EmitInst(int id) {
    const Inst& inst = kernel_.kernel.insts[id];
    switch (inst.kind) {
      case InstKind::kConstant: values_[id] = EmitConstant(inst); return;
      case InstKind::kExpr: values_[id] = EmitExprInst(inst); return;
      case InstKind::kLoad: values_[id] = EmitLoad(id); return;
      case InstKind::kStore: EmitStore(inst, values_[inst.args[0]]); return;
      case InstKind::kStoreAdd: EmitStoreAdd(inst); return;
      case InstKind::kScalar: values_[id] = EmitScalar(inst); return;
      case InstKind::kIndirect: EmitIndirect(inst); return;
      case InstKind::kAccumulate: accumulators_[id].emplace(&math_, inst.reduce, inst.dtype); return;
      case InstKind::kUpdate: EmitUpdate(inst); return;
      case InstKind::kResult: values_[id] = accumulators_[inst.args[0]]->Result(inst.result); return;
      case InstKind::kRandom:
      case InstKind::kState: values_[id] = EmitRandomInst(inst); return;
    }
  }

  llvm::Value* EmitConstant(const Inst& inst) {
    llvm::Type* type = RegisterType(b_.getContext(), inst.dtype, 1);
    if (inst.bound.has_symbols()) {
      return b_.CreateBitCast(b_.CreateTrunc(exprs_.Emit(inst.bound), b_.getInt32Ty()), type);
    }
    const bool is_float = inst.constant.type == ExprType::kFloat;
    if (IsFloating(inst.dtype)) {
      return llvm::ConstantFP::get(type, is_float ? inst.constant.f : static_cast<double>(inst.constant.i));
    }
    const int64_t value = is_float ? static_cast<int64_t>(inst.constant.f) : inst.constant.i;
    if (inst.dtype == DType::kBool) return llvm::ConstantInt::get(type, is_float ? inst.constant.f != 0 : value != 0);
    return llvm::ConstantInt::getSigned(type, value);
  }

  llvm::Value* EmitExprInst(const Inst& inst) {
    static constexpr DType kTypes[] = {DType::kInt64, DType::kFloat64, DType::kBool};
    const DType from = kTypes[static_cast<int>(inst.expr.type())];
    return CastValue(math_, from, inst.dtype, lane_exprs_.InAllLanes(inst.expr));
  }

  llvm::Value* EmitScalar(const Inst& inst) {
    int count = 1;
    for (int arg : inst.args) count = std::max(count, LanesOf(values_[arg]));
    absl::InlinedVector<llvm::Value*, 3> args;
    for (int arg : inst.args) args.push_back(Splat(b_, values_[arg], count));
    const DType operand = kernel_.kernel.insts[inst.args[0]].dtype;
    return EmitScalarOp(inst.op, {&math_, inst.dtype, operand, args});
  }

  void EmitUpdate(const Inst& inst) {
    absl::InlinedVector<llvm::Value*, 2> values;
    for (size_t i = 1; i < inst.args.size(); ++i) {
      const DType from = kernel_.kernel.insts[inst.args[i]].dtype;
      const DType to = i == 1 ? kernel_.kernel.insts[inst.args[0]].dtype : DType::kInt64;
      values.push_back(Splat(b_, CastValue(math_, from, to, values_[inst.args[i]]), lanes_.count));
    }
    accumulators_[inst.args[0]]->Update(lanes_.copy, values, lanes_.mask);
  }

  llvm::Value* EmitRandomInst(const Inst& inst) {
    llvm::Value* at = lane_exprs_.InAllLanes(inst.expr);
    llvm::Value* seed = seed_;
    llvm::Value* slot = exprs_.Emit(inst.bound);
    if (!inst.args.empty()) {
      const int lanes = LanesOf(at);
      seed = Splat(b_, values_[inst.args[0]], lanes);
      slot = b_.CreateAdd(Splat(b_, slot, lanes), Splat(b_, values_[inst.args[1]], lanes));
    }
    if (inst.kind == InstKind::kState) return EmitRandomState(b_, seed, slot, at);
    return EmitUniform(math_, seed, slot, at, inst.dtype == DType::kFloat64);
  }

  void EmitIndirect(const Inst& inst) {
    llvm::Value* index = values_[inst.args[0]];
    const DType from = kernel_.kernel.insts[inst.args[0]].dtype;
    index = CastValue(math_, from, DType::kInt64, index);
    llvm::Value* bound = Splat(b_, exprs_.Emit(inst.bound), LanesOf(index));
    llvm::Value* zero = llvm::Constant::getNullValue(index->getType());
    llvm::Value* wrapped = b_.CreateSelect(b_.CreateICmpSLT(index, zero), b_.CreateAdd(index, bound), index);
    llvm::Value* ok = b_.CreateICmpULT(wrapped, bound);
    if (lanes_.mask != nullptr && LanesOf(wrapped) > 1) {
      // A lane that is off goes where the first one goes.
      ok = b_.CreateOr(ok, b_.CreateNot(lanes_.mask));
      wrapped = b_.CreateSelect(lanes_.mask, wrapped, Splat(b_, lane_exprs_.LaneOf(wrapped, 0), lanes_.count));
    }
    RequireInRange(b_, ok, index, bound, error_);
    if (LanesOf(wrapped) == 1) {
      exprs_.PushScope();
      exprs_.Bind(inst.expr, wrapped, ValueRange::AtLeast(0));
    } else {
      lanes_.symbols.emplace_back(inst.expr, wrapped);
    }
  }

  // --- memory

  llvm::Value* EmitLoad(int id) {
    const Inst& inst = kernel_.kernel.insts[id];
    auto tiled = tiled_.find(id);
    llvm::Value* loaded = tiled != tiled_.end() ? tiled->second : memory_.Load(inst.buffer, inst.expr);
    return FromMemory(math_, buffers_.DTypeOf(inst.buffer), loaded);
  }

  void EmitStore(const Inst& inst, llvm::Value* value) {
    memory_.Store(inst.buffer, inst.expr, ToMemory(math_, buffers_.DTypeOf(inst.buffer), value));
  }

  // Only in serial order, so never over lanes.
  void EmitStoreAdd(const Inst& inst) {
    const DType dtype = buffers_.DTypeOf(inst.buffer);
    llvm::Value* index = exprs_.Emit(inst.expr);
    llvm::Value* old = FromMemory(math_, dtype, buffers_.Load(inst.buffer, index, 1));
    llvm::Value* args[] = {old, values_[inst.args[0]]};
    llvm::Value* sum = EmitScalarOp(ScalarOp::kAdd, {&math_, inst.dtype, inst.dtype, args});
    buffers_.Store(inst.buffer, index, ToMemory(math_, dtype, sum));
  }

  // Constant after construction.
  const UniqueKernel& kernel_;
  ExprPool* pool_;
  KernelEmitOptions options_;
  const Isa& isa_;
  llvm::Module* module_;

  llvm::IRBuilder<> b_;
  MathContext math_;
  ExprEmitter exprs_;
  llvm::Function* function_ = nullptr;
  llvm::Value* error_ = nullptr;
  llvm::Value* seed_ = nullptr;
  // By instruction id.
  std::vector<llvm::Value*> values_;
  std::vector<std::optional<Accumulator>> accumulators_;
  Lanes lanes_;
  LaneExprs lane_exprs_;
  KernelMemory buffers_;
  LaneMemory memory_;
  // Loads that the tile in work has made, by instruction.
  absl::flat_hash_map<int, llvm::Value*> tiled_;
};

}  // namespace

llvm::Function* DeclareKernel(const UniqueKernel& kernel, llvm::Module* module) {
  llvm::LLVMContext& context = module->getContext();
  llvm::Type* ptr = llvm::PointerType::getUnqual(context);
  llvm::Type* i64 = llvm::Type::getInt64Ty(context);
  auto* type = llvm::FunctionType::get(llvm::Type::getVoidTy(context), {ptr, i64, i64}, false);
  auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, kernel.symbol, module);
  function->setVisibility(llvm::GlobalValue::HiddenVisibility);
  function->addFnAttr(llvm::Attribute::NoUnwind);
  return function;
}

absl::StatusOr<llvm::Function*> EmitKernel(const UniqueKernel& kernel, ExprPool* pool, const Isa& isa,
                                           KernelEmitOptions options, llvm::Module* module) {
  return KernelEmitter(kernel, pool, isa, options, module).Emit();
}

}  // namespace kiln
