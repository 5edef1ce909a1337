#include "compiler/codegen/entry_emitter.h"

#include <cstddef>
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
    KILN_ASSIGN_OR_RETURN(llvm::Function * sizes, EmitSizes());
    llvm::Type* ptr = b_.getPtrTy();
    auto* type = llvm::FunctionType::get(b_.getInt32Ty(), {ptr, ptr, ptr}, false);
    auto* function = llvm::Function::Create(type, llvm::Function::ExternalLinkage, KILN_ENTRY_SYMBOL, module_);
    function->addFnAttr(llvm::Attribute::NoUnwind);
    b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function));
    llvm::AllocaInst* frame = b_.CreateAlloca(b_.getInt64Ty(), b_.getInt64(static_cast<uint64_t>(entry_.frame_slots)));
    frame->setAlignment(llvm::Align(16));
    llvm::Value* call = function->getArg(2);
    Call("start", {frame, function->getArg(0), function->getArg(1), Int(entry_.exprs_slot), Int(entry_.records_slot),
                   Int(entry_.num_records), Int(entry_.scratch_slot), StringsTable()});
    llvm::Value* symbols = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), call, offsetof(KilnCall, symbols));
    llvm::Value* overflowed = b_.CreateCall(sizes, {frame, b_.CreateLoad(ptr, symbols)});
    if (entry_.is_random) Call("seed", {frame});
    llvm::Value* rc = Call("run", {frame, call, overflowed, Int(entry_.arena_expr), OpsTable(), StepsTable(),
                                   KernelsTable(table)});
    Call("finish", {frame, Int(entry_.num_owned)});
    b_.CreateRet(rc);
    return absl::OkStatus();
  }

 private:
  llvm::Value* Int(int64_t v) { return b_.getInt32(static_cast<uint32_t>(v)); }

  llvm::CallInst* Call(absl::string_view routine, llvm::ArrayRef<llvm::Value*> args) {
    return b_.CreateCall(module_->getFunction(absl::StrCat("kiln.", routine)), args);
  }

  // Computes every expression into its slot of the frame; true if one of them
  // does not fit.
  absl::StatusOr<llvm::Function*> EmitSizes() {
    llvm::Type* ptr = b_.getPtrTy();
    auto* type = llvm::FunctionType::get(b_.getInt1Ty(), {ptr, ptr}, false);
    auto* function = llvm::Function::Create(type, llvm::Function::InternalLinkage, "kiln.sizes", module_);
    function->addFnAttr(llvm::Attribute::NoUnwind);
    // A long list that runs once a call: the registers need no second thought.
    function->addFnAttr(llvm::Attribute::OptimizeNone);
    function->addFnAttr(llvm::Attribute::NoInline);
    b_.SetInsertPoint(llvm::BasicBlock::Create(b_.getContext(), "entry", function));
    ExprEmitter emitter(program_.pool, &math_, /*checked=*/true);
    std::vector<llvm::Value*> values;
    for (size_t i = 0; i < program_.symbols.size(); ++i) {
      llvm::Value* at = b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), function->getArg(1), i);
      values.push_back(b_.CreateLoad(b_.getInt64Ty(), at));
    }
    emitter.PushScope();
    for (size_t i = 0; i < values.size(); ++i) {
      const Expr symbol = program_.pool->Symbol(program_.symbols[i]);
      emitter.Bind(symbol, values[i], program_.env == nullptr ? ValueRange() : program_.env->RangeOf(symbol));
    }
    for (size_t i = 0; i < entry_.exprs.size(); ++i) {
      llvm::Value* value = emitter.Emit(entry_.exprs[i]);
      if (value->getType()->isDoubleTy()) value = b_.CreateBitCast(value, b_.getInt64Ty());
      if (value->getType()->isIntegerTy(1)) value = b_.CreateZExt(value, b_.getInt64Ty());
      const uint64_t slot = static_cast<uint64_t>(entry_.exprs_slot) + i;
      b_.CreateStore(value, b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), function->getArg(0), slot));
    }
    KILN_RETURN_IF_ERROR(emitter.status());
    b_.CreateRet(emitter.overflows().empty() ? b_.getFalse() : b_.CreateOr(emitter.overflows()));
    return function;
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
    auto* type = llvm::ArrayType::get(b_.getPtrTy(), pointers.size());
    return Global(llvm::ConstantArray::get(type, pointers), "kiln.kernels");
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
