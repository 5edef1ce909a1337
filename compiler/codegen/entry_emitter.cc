#include "compiler/codegen/entry_emitter.h"

#include <cstddef>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/codegen/entry_routines.h"
#include "compiler/codegen/expr_emitter.h"
#include "compiler/codegen/kernel_emitter.h"

namespace kiln {
namespace {

class EntryEmitter {
 public:
  EntryEmitter(const EntryProgram& entry, const LoopProgram& program, const Isa& isa, llvm::Module* module)
      : entry_(entry),
        program_(program),
        module_(module),
        b_(module->getContext()),
        math_(MathContext::For(isa, &b_)) {}

  absl::Status Emit(const KernelTable& table) {
    KILN_ASSIGN_OR_RETURN(llvm::Function * sizes, EmitSizes(0));
    std::vector<llvm::Constant*> late_sizes;
    for (int late = 1; late <= entry_.num_late; ++late) {
      KILN_ASSIGN_OR_RETURN(late_sizes.emplace_back(), EmitSizes(late));
    }
    llvm::Type* ptr = b_.getPtrTy();
    auto* type = llvm::FunctionType::get(b_.getInt32Ty(), {ptr, ptr, ptr}, false);
    auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, KILN_ENTRY_SYMBOL, module_);
    function->addFnAttr(llvm::Attribute::NoUnwind);
    b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function));
    llvm::AllocaInst* frame = b_.CreateAlloca(b_.getInt64Ty(), b_.getInt64(static_cast<uint64_t>(entry_.frame_slots)));
    frame->setAlignment(llvm::Align(16));
    for (int i = 0; i < entry_.num_late; ++i) {
      b_.CreateStore(llvm::ConstantPointerNull::get(b_.getPtrTy()), Slot(frame, entry_.arenas_slot + i));
    }
    llvm::Value* call = function->getArg(2);
    Call("start", {frame, function->getArg(0), function->getArg(1), Int(entry_.exprs_slot), Int(entry_.records_slot),
                   Int(entry_.num_records), Int(entry_.scratch_slot), StringsTable()});
    llvm::Value* symbols = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), call, offsetof(KilnCall, symbols));
    llvm::Value* overflowed = b_.CreateCall(sizes, {frame, b_.CreateLoad(ptr, symbols)});
    if (entry_.is_random) Call("seed", {frame});
    llvm::Value* rc = Call("run", {frame, call, overflowed, Int(entry_.arena_expr), OpsTable(), StepsTable(),
                                   KernelsTable(table), PointersTable(late_sizes, "kiln.late_sizes_table")});
    Call("release_results", {frame, Int(entry_.num_owned)});
    for (int i = 0; i < entry_.num_late; ++i) Call("free_arena", {frame, Int(entry_.arenas_slot + i)});
    Call("free_arena", {frame, Int(kFrameArena)});
    b_.CreateRet(rc);
    return absl::OkStatus();
  }

 private:
  llvm::Value* Int(int64_t v) { return b_.getInt32(static_cast<uint32_t>(v)); }

  llvm::CallInst* Call(absl::string_view routine, llvm::ArrayRef<llvm::Value*> args) {
    return b_.CreateCall(module_->getFunction(absl::StrCat("kiln.", routine)), args);
  }

  llvm::Value* Slot(llvm::Value* frame, int slot) {
    return b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), frame, static_cast<uint64_t>(slot));
  }

  // Computes the expressions that have a value after `late` steps that bind symbols, and
  // had none before, into their slots of the frame; true if one of them does not fit.
  absl::StatusOr<llvm::Function*> EmitSizes(int late) {
    llvm::Type* ptr = b_.getPtrTy();
    auto* type = llvm::FunctionType::get(b_.getInt1Ty(), {ptr, ptr}, false);
    const std::string name = late == 0 ? "kiln.sizes" : absl::StrCat("kiln.sizes.", late);
    auto* function = llvm::Function::Create(type, llvm::Function::InternalLinkage, name, module_);
    function->addFnAttr(llvm::Attribute::NoUnwind);
    // A long list that runs once a call: the registers need no second thought.
    function->addFnAttr(llvm::Attribute::OptimizeNone);
    function->addFnAttr(llvm::Attribute::NoInline);
    b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function));
    ExprEmitter emitter(program_.pool, &math_, /*checked=*/true);
    // Loads stand before the scope that what is computed of them is placed in.
    std::vector<std::pair<Expr, llvm::Value*>> values = LateValues(late, function->getArg(0));
    for (size_t i = 0; i < program_.symbols.size(); ++i) {
      llvm::Value* at = b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), function->getArg(1), i);
      values.emplace_back(program_.pool->Symbol(program_.symbols[i]), b_.CreateLoad(b_.getInt64Ty(), at));
    }
    emitter.PushScope();
    for (const auto& [symbol, value] : values) emitter.Bind(symbol, value, RangeOf(symbol));
    for (size_t i = 0; i < entry_.exprs.size(); ++i) {
      if (entry_.late[i] != late) continue;
      llvm::Value* value = emitter.Emit(entry_.exprs[i]);
      if (value->getType()->isDoubleTy()) value = b_.CreateBitCast(value, b_.getInt64Ty());
      if (value->getType()->isIntegerTy(1)) value = b_.CreateZExt(value, b_.getInt64Ty());
      b_.CreateStore(value, Slot(function->getArg(0), entry_.exprs_slot + static_cast<int>(i)));
    }
    KILN_RETURN_IF_ERROR(emitter.status());
    b_.CreateRet(emitter.overflows().empty() ? b_.getFalse() : b_.CreateOr(emitter.overflows()));
    return function;
  }

  ValueRange RangeOf(Expr symbol) const {
    const bool has_range = program_.env != nullptr && symbol.type() == ExprType::kInt;
    return has_range ? program_.env->RangeOf(symbol) : ValueRange();
  }

  // What the first `late` steps that bind symbols have bound.
  std::vector<std::pair<Expr, llvm::Value*>> LateValues(int late, llvm::Value* frame) {
    std::vector<std::pair<Expr, llvm::Value*>> values;
    int slot = entry_.bound_slot;
    for (int i = 0; i < late; ++i) {
      for (Expr symbol : entry_.bound[i]) {
        llvm::Type* type = symbol.type() == ExprType::kFloat ? b_.getDoubleTy() : b_.getInt64Ty();
        values.emplace_back(symbol, b_.CreateLoad(type, Slot(frame, slot++)));
      }
    }
    return values;
  }

  // --- tables

  llvm::Constant* Global(llvm::Constant* data, const char* name) {
    auto* global = new llvm::GlobalVariable(*module_, data->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::InternalLinkage, data, name);
    global->setAlignment(llvm::Align(8));
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }

  llvm::Constant* OpsTable() {
    std::vector<uint32_t> words;
    for (const EntryOp& op : entry_.ops) {
      words.push_back(static_cast<uint32_t>(op.code));
      for (int32_t arg : op.args) words.push_back(static_cast<uint32_t>(arg));
    }
    return Global(llvm::ConstantDataArray::get(b_.getContext(), words), "kiln.ops");
  }

  llvm::Constant* StepsTable() {
    std::vector<uint64_t> words(entry_.step_words.begin(), entry_.step_words.end());
    return Global(llvm::ConstantDataArray::get(b_.getContext(), words), "kiln.steps");
  }

  llvm::Constant* StringsTable() {
    return Global(llvm::ConstantDataArray::getString(b_.getContext(), entry_.strings, /*AddNull=*/true), "kiln.strings");
  }

  llvm::Constant* KernelsTable(const KernelTable& table) {
    std::vector<llvm::Constant*> pointers;
    for (const UniqueKernel& kernel : table.kernels) pointers.push_back(DeclareKernel(kernel, module_));
    return PointersTable(pointers, "kiln.kernels");
  }

  llvm::Constant* PointersTable(const std::vector<llvm::Constant*>& pointers, const char* name) {
    auto* type = llvm::ArrayType::get(b_.getPtrTy(), pointers.size());
    return Global(llvm::ConstantArray::get(type, pointers), name);
  }

  // Constant after construction.
  const EntryProgram& entry_;
  const LoopProgram& program_;
  llvm::Module* module_;

  llvm::IRBuilder<> b_;
  MathContext math_;
};

}  // namespace

absl::Status EmitEntry(const EntryProgram& entry, const KernelTable& table, const LoopProgram& program, const Isa& isa,
                       llvm::Module* module) {
  return EntryEmitter(entry, program, isa, module).Emit(table);
}

}  // namespace kiln
