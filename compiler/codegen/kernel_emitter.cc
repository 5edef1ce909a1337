#include "compiler/codegen/kernel_emitter.h"

#include <algorithm>
#include <numeric>
#include <optional>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "compiler/codegen/accumulator.h"
#include "compiler/codegen/emit_random.h"
#include "compiler/codegen/emit_scalar_op.h"
#include "compiler/codegen/expr_emitter.h"
#include "compiler/codegen/lane_types.h"
#include "compiler/codegen/vector_plan.h"
#include "llvm/IR/MDBuilder.h"

namespace kiln {
namespace {

// The lanes that are being emitted: one element, or a vector of consecutive
// values of a vector loop's variable.
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
};

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
        accumulators_(kernel.kernel.insts.size()) {}

  absl::StatusOr<llvm::Function*> Emit() {
    function_ = DeclareKernel(kernel_, module_);
    b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function_));
    MakeAliasScopes();
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
    for (size_t i = 0; i < kernel_.buffers.size(); ++i) pointers_.push_back(Slot(slot++, b_.getPtrTy()));
    std::vector<llvm::Value*> sizes;
    for (size_t i = 0; i < kernel_.sizes.size(); ++i) sizes.push_back(Slot(slot++, b_.getInt64Ty()));
    error_ = Slot(kClosureErrorSlot, b_.getPtrTy());
    if (kernel_.is_random) seed_ = Slot(kClosureSeedSlot, b_.getInt64Ty());
    exprs_.PushScope();
    for (size_t i = 0; i < sizes.size(); ++i) exprs_.Bind(kernel_.sizes[i].symbol, sizes[i], kernel_.sizes[i].range);
  }

  // Tells LLVM which parameters never share memory.
  void MakeAliasScopes() {
    llvm::MDBuilder md(b_.getContext());
    int num_groups = 0;
    for (const BufferParameter& buffer : kernel_.buffers) num_groups = std::max(num_groups, buffer.alias_group + 1);
    llvm::MDNode* domain = md.createAnonymousAliasScopeDomain();
    std::vector<llvm::Metadata*> scopes;
    for (int i = 0; i < num_groups; ++i) scopes.push_back(md.createAnonymousAliasScope(domain));
    for (int i = 0; i < num_groups; ++i) {
      std::vector<llvm::Metadata*> others = scopes;
      others.erase(others.begin() + i);
      scope_of_group_.push_back(llvm::MDNode::get(b_.getContext(), {scopes[i]}));
      others_of_group_.push_back(llvm::MDNode::get(b_.getContext(), others));
    }
  }

  void MarkAccess(llvm::Instruction* access, BufferId buffer) {
    const int group = kernel_.buffers[buffer.value].alias_group;
    access->setMetadata(llvm::LLVMContext::MD_alias_scope, scope_of_group_[group]);
    access->setMetadata(llvm::LLVMContext::MD_noalias, others_of_group_[group]);
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
      if (loop.kind == LoopKind::kVector && !options_.check_bounds) {
        EmitVectorLoop(loop);
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
    EmitCountedLoop(begin, end, 1, [&](llvm::Value* i) {
      exprs_.PushScope();
      exprs_.Bind(loop.variable, i, ValueRange::AtLeast(0));
      EmitBody(loop.body);
      exprs_.PopScope();
    });
  }

  void EmitVectorLoop(const Loop& loop) {
    const VectorPlan plan = PlanVectorLoop(kernel_, loop, isa_, pool_);
    llvm::Value* extent = exprs_.Emit(loop.extent);
    llvm::Value* begin = b_.getInt64(0);
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
      lanes_ = {phase.lanes, copy, loop.variable, base, mask, last};
      exprs_.PushScope();
      exprs_.Bind(loop.variable, base, ValueRange::AtLeast(0));
      EmitBody(loop.body);
      exprs_.PopScope();
      lane_symbols_.clear();
    }
    lanes_ = outer;
  }

  // --- instructions

  void EmitInst(int id) {
    const Inst& inst = kernel_.kernel.insts[id];
    switch (inst.kind) {
      case InstKind::kConstant: values_[id] = EmitConstant(inst); return;
      case InstKind::kExpr: values_[id] = EmitExprInst(inst); return;
      case InstKind::kLoad: values_[id] = EmitLoad(inst); return;
      case InstKind::kStore: EmitStore(inst, values_[inst.args[0]]); return;
      case InstKind::kStoreAdd: EmitStoreAdd(inst); return;
      case InstKind::kScalar: values_[id] = EmitScalar(inst); return;
      case InstKind::kIndirect: EmitIndirect(inst); return;
      case InstKind::kAccumulate: accumulators_[id].emplace(&math_, inst.reduce, inst.dtype); return;
      case InstKind::kUpdate: EmitUpdate(inst); return;
      case InstKind::kResult: values_[id] = accumulators_[inst.args[0]]->Result(inst.result); return;
      case InstKind::kRandom: values_[id] = EmitRandomInst(inst); return;
    }
  }

  llvm::Value* EmitConstant(const Inst& inst) {
    llvm::Type* type = RegisterType(b_.getContext(), inst.dtype, 1);
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
    return CastValue(math_, from, inst.dtype, LaneValues(inst.expr));
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
    llvm::Value* counter = LaneValues(inst.expr);
    return EmitUniform(math_, seed_, exprs_.Emit(inst.bound), counter, inst.dtype == DType::kFloat64);
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
      wrapped = b_.CreateSelect(lanes_.mask, wrapped, Splat(b_, LaneOf(wrapped, 0), lanes_.count));
    }
    Require(ok, index, bound);
    if (LanesOf(wrapped) == 1) {
      exprs_.PushScope();
      exprs_.Bind(inst.expr, wrapped, ValueRange::AtLeast(0));
    } else {
      lane_symbols_.emplace_back(inst.expr, wrapped);
    }
  }

  // Ends the kernel with an error unless `ok` holds in all lanes.
  void Require(llvm::Value* ok, llvm::Value* index, llvm::Value* bound) {
    auto* bad = llvm::BasicBlock::Create(b_.getContext(), "out_of_range", function_);
    auto* good = llvm::BasicBlock::Create(b_.getContext(), "in_range", function_);
    const int count = LanesOf(ok);
    b_.CreateCondBr(count == 1 ? ok : b_.CreateAndReduce(ok), good, bad,
                    llvm::MDBuilder(b_.getContext()).createBranchWeights(1000, 1));
    b_.SetInsertPoint(bad);
    // The first lane that is wrong.
    llvm::Value* wrong = LaneOf(index, 0);
    for (int lane = count - 1; lane > 0; --lane) {
      wrong = b_.CreateSelect(LaneOf(ok, lane), wrong, LaneOf(index, lane));
    }
    if (count > 1) wrong = b_.CreateSelect(LaneOf(ok, 0), wrong, LaneOf(index, 0));
    llvm::Value* report[] = {b_.getInt64(1), wrong, LaneOf(bound, 0)};
    for (uint64_t i = 0; i < 3; ++i) {
      b_.CreateStore(report[i], b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), error_, i));
    }
    b_.CreateRetVoid();
    b_.SetInsertPoint(good);
  }

  llvm::Value* LaneOf(llvm::Value* v, int lane) {
    return LanesOf(v) == 1 ? v : b_.CreateExtractElement(v, static_cast<uint64_t>(lane));
  }

  // --- expressions over lanes

  // How an expression runs along the lanes.
  struct Run {
    enum class Kind { kUniform, kLinear, kAny } kind = Kind::kUniform;
    Expr stride;  // kLinear; does not change along the lanes
  };

  bool Mentions(Expr e, Expr symbol) const {
    bool found = false;
    VisitSymbols(e, [&](Expr s) { found |= s == symbol; });
    return found;
  }

  Run RunOf(Expr e) {
    if (lanes_.count == 1 || !e.has_symbols()) return {};
    for (const auto& [symbol, value] : lane_symbols_) {
      if (Mentions(e, symbol)) return {Run::Kind::kAny, Expr()};
    }
    if (!Mentions(e, lanes_.variable)) return {};
    std::optional<LinearForm> form = SplitLinear(*pool_, e, lanes_.variable);
    if (!form.has_value()) return {Run::Kind::kAny, Expr()};
    return {Run::Kind::kLinear, form->coefficient};
  }

  // A lane's distance from the first. One that is off stands where the last one
  // that is on stands.
  llvm::Value* LaneNumber(int lane) {
    llvm::Value* number = b_.getInt64(static_cast<uint64_t>(lane));
    if (lanes_.last == nullptr || lane == 0) return number;
    return b_.CreateBinaryIntrinsic(llvm::Intrinsic::smin, number, lanes_.last);
  }

  // The value of `e` in one lane.
  llvm::Value* EmitLane(Expr e, int lane) {
    // What is bound has to stand before the scope's own place.
    llvm::Value* variable = b_.CreateNSWAdd(lanes_.base, LaneNumber(lane));
    std::vector<llvm::Value*> indices;
    for (const auto& [symbol, value] : lane_symbols_) indices.push_back(LaneOf(value, lane));
    exprs_.PushScope();
    exprs_.Bind(lanes_.variable, variable, ValueRange::AtLeast(0));
    for (size_t i = 0; i < indices.size(); ++i) {
      exprs_.Bind(lane_symbols_[i].first, indices[i], ValueRange::AtLeast(0));
    }
    llvm::Value* value = exprs_.Emit(e);
    exprs_.PopScope();
    return value;
  }

  // `e` in all lanes: a scalar where it is the same in all of them.
  llvm::Value* LaneValues(Expr e) {
    const Run run = RunOf(e);
    if (run.kind == Run::Kind::kUniform) return exprs_.Emit(e);
    if (run.kind == Run::Kind::kLinear && e.type() == ExprType::kInt) {
      llvm::Value* stride = Splat(b_, exprs_.Emit(run.stride), lanes_.count);
      std::vector<llvm::Constant*> steps;
      for (int lane = 0; lane < lanes_.count; ++lane) steps.push_back(b_.getInt64(static_cast<uint64_t>(lane)));
      llvm::Value* first = Splat(b_, exprs_.Emit(e), lanes_.count);
      return b_.CreateAdd(first, b_.CreateMul(stride, llvm::ConstantVector::get(steps)));
    }
    llvm::Value* vector = nullptr;
    for (int lane = 0; lane < lanes_.count; ++lane) {
      llvm::Value* value = EmitLane(e, lane);
      if (vector == nullptr) {
        vector = llvm::PoisonValue::get(llvm::FixedVectorType::get(value->getType(), static_cast<unsigned>(lanes_.count)));
      }
      vector = b_.CreateInsertElement(vector, value, static_cast<uint64_t>(lane));
    }
    return vector;
  }

  // --- memory

  llvm::Value* Address(BufferId buffer, llvm::Value* index) {
    llvm::Type* type = MemoryType(b_.getContext(), kernel_.buffers[buffer.value].dtype, 1);
    return b_.CreateInBoundsGEP(type, pointers_[buffer.value], index);
  }

  void CheckBounds(BufferId buffer, llvm::Value* index) {
    const Expr size = kernel_.buffers[buffer.value].num_elements;
    if (!options_.check_bounds || size.IsInt(0)) return;
    llvm::Value* bound = exprs_.Emit(size);
    Require(b_.CreateICmpULT(index, bound), index, bound);
  }

  llvm::Value* LoadAt(BufferId buffer, llvm::Value* index, int count) {
    const DType dtype = kernel_.buffers[buffer.value].dtype;
    CheckBounds(buffer, index);
    const llvm::Align align(static_cast<uint64_t>(DTypeSizeBytes(dtype)));
    llvm::LoadInst* load =
        b_.CreateAlignedLoad(MemoryType(b_.getContext(), dtype, count), Address(buffer, index), align);
    MarkAccess(load, buffer);
    return load;
  }

  void StoreAt(BufferId buffer, llvm::Value* index, llvm::Value* v) {
    CheckBounds(buffer, index);
    const llvm::Align align(static_cast<uint64_t>(DTypeSizeBytes(kernel_.buffers[buffer.value].dtype)));
    MarkAccess(b_.CreateAlignedStore(v, Address(buffer, index), align), buffer);
  }

  // Halves go as integers: masked accesses of half vectors need more than AVX-512.
  llvm::Type* MaskedType(DType dtype) {
    return dtype == DType::kFloat16 ? llvm::FixedVectorType::get(b_.getInt16Ty(), static_cast<unsigned>(lanes_.count))
                                    : MemoryType(b_.getContext(), dtype, lanes_.count);
  }

  // Consecutive elements from `index` on, in the lanes that are on.
  llvm::Value* MaskedLoadAt(BufferId buffer, llvm::Value* index) {
    const DType dtype = kernel_.buffers[buffer.value].dtype;
    const llvm::Align align(static_cast<uint64_t>(DTypeSizeBytes(dtype)));
    llvm::Type* type = MaskedType(dtype);
    llvm::CallInst* load = b_.CreateMaskedLoad(type, Address(buffer, index), align, lanes_.mask,
                                               llvm::Constant::getNullValue(type));
    MarkAccess(load, buffer);
    return b_.CreateBitCast(load, MemoryType(b_.getContext(), dtype, lanes_.count));
  }

  void MaskedStoreAt(BufferId buffer, llvm::Value* index, llvm::Value* v) {
    const DType dtype = kernel_.buffers[buffer.value].dtype;
    const llvm::Align align(static_cast<uint64_t>(DTypeSizeBytes(dtype)));
    v = b_.CreateBitCast(v, MaskedType(dtype));
    MarkAccess(b_.CreateMaskedStore(v, Address(buffer, index), align, lanes_.mask), buffer);
  }

  // The index of each lane; for a linear run from that of the first.
  llvm::Value* LaneIndex(const Inst& inst, const Run& run, int lane) {
    if (run.kind != Run::Kind::kLinear) return EmitLane(inst.expr, lane);
    llvm::Value* steps = b_.CreateNSWMul(exprs_.Emit(run.stride), LaneNumber(lane));
    return b_.CreateNSWAdd(exprs_.Emit(inst.expr), steps);
  }

  llvm::Value* Reversed(llvm::Value* v) { return b_.CreateVectorReverse(v); }

  // The index of the lowest element of a run with stride -1.
  llvm::Value* LowestIndex(const Inst& inst) {
    return b_.CreateNSWSub(exprs_.Emit(inst.expr), b_.getInt64(static_cast<uint64_t>(lanes_.count - 1)));
  }

  llvm::Value* EmitLoad(const Inst& inst) {
    const DType dtype = kernel_.buffers[inst.buffer.value].dtype;
    return FromMemory(math_, dtype, LoadLanes(inst));
  }

  llvm::Value* LoadLanes(const Inst& inst) {
    const Run run = RunOf(inst.expr);
    if (run.kind == Run::Kind::kUniform) return LoadAt(inst.buffer, exprs_.Emit(inst.expr), 1);
    if (run.kind == Run::Kind::kLinear && lanes_.mask != nullptr) {
      if (run.stride.IsInt(1)) return MaskedLoadAt(inst.buffer, exprs_.Emit(inst.expr));
    } else if (run.kind == Run::Kind::kLinear) {
      if (run.stride.IsInt(1)) return LoadAt(inst.buffer, exprs_.Emit(inst.expr), lanes_.count);
      if (run.stride.IsInt(-1)) return Reversed(LoadAt(inst.buffer, LowestIndex(inst), lanes_.count));
    }
    const DType dtype = kernel_.buffers[inst.buffer.value].dtype;
    llvm::Value* vector = llvm::PoisonValue::get(MemoryType(b_.getContext(), dtype, lanes_.count));
    for (int lane = 0; lane < lanes_.count; ++lane) {
      llvm::Value* element = LoadAt(inst.buffer, LaneIndex(inst, run, lane), 1);
      vector = b_.CreateInsertElement(vector, element, static_cast<uint64_t>(lane));
    }
    return vector;
  }

  void EmitStore(const Inst& inst, llvm::Value* value) {
    const DType dtype = kernel_.buffers[inst.buffer.value].dtype;
    value = ToMemory(math_, dtype, value);
    const Run run = RunOf(inst.expr);
    if (run.kind == Run::Kind::kUniform) {
      // The last lane's value is what stays.
      StoreAt(inst.buffer, exprs_.Emit(inst.expr), LaneOf(value, lanes_.count - 1));
      return;
    }
    value = Splat(b_, value, lanes_.count);
    if (lanes_.mask != nullptr) {
      MaskedStoreAt(inst.buffer, exprs_.Emit(inst.expr), value);
      return;
    }
    if (run.kind == Run::Kind::kLinear && run.stride.IsInt(1)) {
      StoreAt(inst.buffer, exprs_.Emit(inst.expr), value);
      return;
    }
    if (run.kind == Run::Kind::kLinear && run.stride.IsInt(-1)) {
      StoreAt(inst.buffer, LowestIndex(inst), Reversed(value));
      return;
    }
    for (int lane = 0; lane < lanes_.count; ++lane) {
      StoreAt(inst.buffer, LaneIndex(inst, run, lane), LaneOf(value, lane));
    }
  }

  // Only in serial order, so never over lanes.
  void EmitStoreAdd(const Inst& inst) {
    const DType dtype = kernel_.buffers[inst.buffer.value].dtype;
    llvm::Value* index = exprs_.Emit(inst.expr);
    llvm::Value* old = FromMemory(math_, dtype, LoadAt(inst.buffer, index, 1));
    llvm::Value* args[] = {old, values_[inst.args[0]]};
    llvm::Value* sum = EmitScalarOp(ScalarOp::kAdd, {&math_, inst.dtype, inst.dtype, args});
    StoreAt(inst.buffer, index, ToMemory(math_, dtype, sum));
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
  std::vector<llvm::Value*> pointers_;
  std::vector<llvm::MDNode*> scope_of_group_;
  std::vector<llvm::MDNode*> others_of_group_;
  // By instruction id.
  std::vector<llvm::Value*> values_;
  std::vector<std::optional<Accumulator>> accumulators_;
  Lanes lanes_;
  // Indirect symbols that differ along the lanes.
  std::vector<std::pair<Expr, llvm::Value*>> lane_symbols_;
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
