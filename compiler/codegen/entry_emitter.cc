#include "compiler/codegen/entry_emitter.h"

#include <algorithm>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/artifact/kiln_abi.h"
#include "compiler/codegen/buffer_placement.h"
#include "compiler/codegen/entry_routines.h"
#include "compiler/codegen/expr_emitter.h"
#include "compiler/codegen/extern_table.h"
#include "compiler/codegen/kernel_emitter.h"
#include "compiler/codegen/step_template.h"

namespace kiln {
namespace {

class EntryEmitter {
 public:
  EntryEmitter(const LoopProgram& program, const KernelTable& table, absl::Span<llvm::Function* const> kernels,
               const BufferPlacement& placement, const Isa& isa, llvm::Module* module)
      : program_(program),
        table_(table),
        kernels_(kernels),
        placement_(placement),
        externs_(BuildExternTable(program)),
        module_(module),
        b_(module->getContext()),
        math_{&b_, isa.Has("fma"), isa.Has("sse4.1") || isa.Has("avx")},
        kept_(program.buffers.size(), -1) {}

  absl::Status Emit() {
    FindKeptTensors();
    DeclareEntry();
    // The steps come first: they say which expressions the entry must compute.
    b_.SetInsertPoint(steps_);
    EmitOutputsOfInputs();
    for (size_t i = 0; i < program_.steps.size(); ++i) EmitStep(static_cast<int>(i));
    for (size_t i = 0; i < program_.buffers.size(); ++i) MakeOutput(BufferId{static_cast<int>(i)});
    b_.CreateStore(b_.getInt32(KILN_OK), rc_);
    b_.CreateBr(finish_);
    EmitPrologue();
    EmitFinish();
    return absl::OkStatus();
  }

 private:
  // --- the function

  void DeclareEntry() {
    llvm::Type* ptr = b_.getPtrTy();
    auto* type = llvm::FunctionType::get(b_.getInt32Ty(), {ptr, ptr, ptr}, false);
    entry_ = llvm::Function::Create(type, llvm::Function::ExternalLinkage, KILN_ENTRY_SYMBOL, module_);
    // Straight-line calls gain nothing from optimisation.
    entry_->addFnAttr(llvm::Attribute::OptimizeNone);
    entry_->addFnAttr(llvm::Attribute::NoInline);
    entry_->addFnAttr(llvm::Attribute::NoUnwind);
    prologue_ = llvm::BasicBlock::Create(b_.getContext(), "prologue", entry_);
    steps_ = llvm::BasicBlock::Create(b_.getContext(), "steps", entry_);
    finish_ = llvm::BasicBlock::Create(b_.getContext(), "finish", entry_);
    b_.SetInsertPoint(prologue_);
    // Its size is known at the end; until then the frame has a stand-in.
    frame_ = b_.CreateAlloca(b_.getInt64Ty(), b_.getInt64(1), "frame");
    frame_->setAlignment(llvm::Align(16));
    rc_ = b_.CreateAlloca(b_.getInt32Ty(), nullptr, "rc");
  }

  llvm::Value* Int(int64_t v) { return b_.getInt32(static_cast<uint32_t>(v)); }

  llvm::CallInst* Call(absl::string_view routine, absl::Span<llvm::Value* const> args) {
    llvm::Function* f = module_->getFunction(absl::StrCat("kiln.", routine));
    llvm::SmallVector<llvm::Value*, 8> all = {frame_};
    all.append(args.begin(), args.end());
    return b_.CreateCall(f, all);
  }

  // A call whose status, if not 0, ends the entry.
  void Try(absl::string_view routine, absl::Span<llvm::Value* const> args) {
    llvm::Value* rc = Call(routine, args);
    b_.CreateStore(rc, rc_);
    auto* next = llvm::BasicBlock::Create(b_.getContext(), "", entry_, finish_);
    b_.CreateCondBr(b_.CreateICmpEQ(rc, b_.getInt32(0)), next, finish_);
    b_.SetInsertPoint(next);
  }

  llvm::Constant* Table(const StepTemplate& step) {
    scratch_slots_ = std::max(scratch_slots_, step.num_slots());
    const std::vector<int64_t> words = step.Encode();
    llvm::Constant* data = llvm::ConstantDataArray::get(
        b_.getContext(), llvm::ArrayRef<uint64_t>(reinterpret_cast<const uint64_t*>(words.data()), words.size()));
    auto* global = new llvm::GlobalVariable(*module_, data->getType(), /*isConstant=*/true,
                                            llvm::GlobalValue::PrivateLinkage, data, "step");
    global->setAlignment(llvm::Align(8));
    global->setUnnamedAddr(llvm::GlobalValue::UnnamedAddr::Global);
    return global;
  }

  StepTemplate NewStep() { return StepTemplate(&exprs_, &strings_); }
  int Record(BufferId id) const { return placement_.record_of_buffer[id.value]; }

  // --- the prologue

  // Frame: header, expressions, records, kept tensors, scratch.
  void EmitPrologue() {
    EmitPlaces();
    const int arena = exprs_.Index(program_.arena_bytes);
    const int exprs_slot = kFrameHeaderSlots + num_kept_slots_;
    const int records_slot = exprs_slot + static_cast<int>(exprs_.exprs().size());
    const int scratch_slot = records_slot + placement_.num_records * kRecordSlots;
    frame_->setOperand(0, b_.getInt64(static_cast<uint64_t>(scratch_slot + scratch_slots_)));
    b_.SetInsertPoint(prologue_);
    Call("start", {entry_->getArg(0), entry_->getArg(1), Int(exprs_slot), Int(records_slot),
                   Int(placement_.num_records), Int(scratch_slot), StringsGlobal()});
    EmitExprs(exprs_slot);
    if (std::any_of(table_.kernels.begin(), table_.kernels.end(), [](const UniqueKernel& k) { return k.is_random; })) {
      Call("seed", {});
    }
    Try("allocate", {Int(arena)});
    for (int i = 0; i < program_.num_inputs; ++i) EmitInput(i);
    b_.CreateBr(places_);
  }

  llvm::Constant* StringsGlobal() {
    llvm::Constant* data = llvm::ConstantDataArray::getString(b_.getContext(), strings_.bytes(), /*AddNull=*/true);
    return new llvm::GlobalVariable(*module_, data->getType(), true, llvm::GlobalValue::PrivateLinkage, data, "strings");
  }

  void EmitExprs(int exprs_slot) {
    ExprEmitter emitter(program_.pool, &math_, /*checked=*/true);
    llvm::Value* symbols_at = b_.CreateConstInBoundsGEP1_64(b_.getInt8Ty(), entry_->getArg(2), offsetof(KilnCall, symbols));
    llvm::Value* symbols = b_.CreateLoad(b_.getPtrTy(), symbols_at);
    std::vector<llvm::Value*> values;
    for (size_t i = 0; i < program_.symbols.size(); ++i) {
      llvm::Value* at = b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), symbols, i);
      values.push_back(b_.CreateLoad(b_.getInt64Ty(), at));
    }
    emitter.PushScope();
    for (size_t i = 0; i < values.size(); ++i) {
      const Expr symbol = program_.pool->Symbol(program_.symbols[i]);
      emitter.Bind(symbol, values[i], program_.env == nullptr ? ValueRange() : program_.env->RangeOf(symbol));
    }
    for (size_t i = 0; i < exprs_.exprs().size(); ++i) {
      llvm::Value* value = emitter.Emit(exprs_.exprs()[i]);
      if (value->getType()->isDoubleTy()) value = b_.CreateBitCast(value, b_.getInt64Ty());
      if (value->getType()->isIntegerTy(1)) value = b_.CreateZExt(value, b_.getInt64Ty());
      b_.CreateStore(value, b_.CreateConstInBoundsGEP1_64(b_.getInt64Ty(), frame_, static_cast<uint64_t>(exprs_slot) + i));
    }
    if (emitter.overflows().empty()) return;
    llvm::Value* any = b_.CreateOr(emitter.overflows());
    Try("check_overflow", {any});
  }

  void EmitInput(int input) {
    const BufferId buffer = program_.input_buffers[input];
    if (buffer.value < 0 || Record(buffer) < 0) return;
    Call("input", {entry_->getArg(2), Int(input), Int(Record(buffer))});
    Share(buffer);
  }

  // Temporaries, each in its place of the arena.
  void EmitPlaces() {
    places_ = llvm::BasicBlock::Create(b_.getContext(), "places", entry_, steps_);
    b_.SetInsertPoint(places_);
    for (size_t i = 0; i < program_.buffers.size(); ++i) {
      const BufferId id{static_cast<int>(i)};
      const BufferId home = placement_.home_of_buffer[i];
      if (Record(id) < 0 || program_.buffers[home.value].kind != BufferKind::kTemporary) continue;
      Call("place", {Int(exprs_.Index(program_.buffers[home.value].arena_offset)), Int(Record(id))});
    }
    b_.CreateBr(steps_);
  }

  // Gives a home's record to the buffers that live in its memory.
  void Share(BufferId home) {
    for (size_t i = 0; i < program_.buffers.size(); ++i) {
      const BufferId id{static_cast<int>(i)};
      if (id == home || placement_.home_of_buffer[i] != home || Record(id) < 0) continue;
      Call("share", {Int(Record(home)), Int(Record(id))});
    }
  }

  // --- outputs

  // The tensors that outputs are views of are kept in the frame.
  void FindKeptTensors() {
    auto keep = [&](BufferId id) {
      if (kept_[id.value] >= 0) return;
      kept_[id.value] = kFrameHeaderSlots + num_kept_slots_;
      num_kept_slots_ += kTensorSlots;
    };
    for (const OutputBinding& binding : program_.outputs) {
      if (binding.kind == OutputBinding::Kind::kView && binding.alias_of < 0) keep(binding.tensor.buffer);
      if (binding.kind == OutputBinding::Kind::kOutputView) keep(BaseOf(binding));
    }
  }

  // The buffer of the tensor that a view shows, where it is no input.
  BufferId BaseOf(const OutputBinding& binding) const {
    const bool of_output = binding.kind == OutputBinding::Kind::kOutputView;
    return of_output ? program_.outputs[binding.alias_of].tensor.buffer : binding.tensor.buffer;
  }

  static bool IsViewOfInput(const OutputBinding& binding) {
    return binding.kind == OutputBinding::Kind::kView && binding.alias_of >= 0;
  }

  static bool IsView(const OutputBinding& binding) {
    return binding.kind == OutputBinding::Kind::kView || binding.kind == OutputBinding::Kind::kOutputView;
  }

  StepTemplate ViewStep(const OutputBinding& binding) {
    StepTemplate step = NewStep();
    step.Reserve(kTensorSlots + 1);
    step.SetTensor(0, binding.tensor, -1, /*window=*/false);
    step.SetExpr(kTensorSlots, binding.tensor.offset);
    return step;
  }

  // What needs no step: scalars, and views of inputs before those are released.
  void EmitOutputsOfInputs() {
    for (size_t i = 0; i < program_.outputs.size(); ++i) {
      const OutputBinding& binding = program_.outputs[i];
      if (binding.kind == OutputBinding::Kind::kScalar) {
        StepTemplate step = NewStep();
        step.Reserve(kValueSlots);
        step.SetValue(0, Operand{binding.scalar}, placement_.record_of_buffer);
        Try("scalar_output", {Table(step), Int(static_cast<int64_t>(i))});
      } else if (IsViewOfInput(binding)) {
        Try("view_of_input",
            {Table(ViewStep(binding)), Int(static_cast<int64_t>(i)), entry_->getArg(2), Int(binding.alias_of)});
      }
    }
  }

  // Every view of the tensor that `buffer` is, once it is there.
  void EmitViewsOf(BufferId buffer) {
    for (size_t i = 0; i < program_.outputs.size(); ++i) {
      const OutputBinding& binding = program_.outputs[i];
      if (!IsView(binding) || IsViewOfInput(binding) || BaseOf(binding) != buffer) continue;
      Try("view_of_kept", {Table(ViewStep(binding)), Int(static_cast<int64_t>(i)), Int(kept_[buffer.value])});
    }
  }

  // Makes the output that `buffer` lives in, at the first use.
  void MakeOutput(BufferId buffer) {
    const BufferId home = placement_.home_of_buffer[buffer.value];
    const Buffer& output = program_.buffers[home.value];
    if (output.kind != BufferKind::kOutput || Record(home) < 0 || made_[home.value]) return;
    made_[home.value] = true;
    StepTemplate step = NewStep();
    step.Reserve(kTensorSlots);
    step.SetTensor(0, program_.outputs[output.index].tensor, -1, /*window=*/false);
    Try("new_output", {Table(step), Int(output.index), Int(Record(home))});
    if (kept_[home.value] >= 0) Call("keep", {Int(0), Int(kept_[home.value])});
    Share(home);
    EmitViewsOf(home);
  }

  // --- steps

  void EmitStep(int index) {
    VisitStepBuffers(program_.steps[index], [&](BufferId id) { MakeOutput(id); });
    std::visit(
        [&](const auto& step) {
          using T = std::decay_t<decltype(step)>;
          if constexpr (std::is_same_v<T, Kernel>) EmitLaunch(table_.launches[index]);
          if constexpr (std::is_same_v<T, ExternCall>) EmitExtern(step, externs_.index_of_step[index]);
          if constexpr (std::is_same_v<T, Release>) EmitRelease(step.buffer);
          if constexpr (std::is_same_v<T, RuntimeAssert>) {
            Try("assert", {Int(exprs_.Index(step.condition)), Int(step.node), Int(strings_.Offset(step.message))});
          }
        },
        program_.steps[index]);
  }

  void EmitLaunch(const KernelLaunch& launch) {
    StepTemplate step = NewStep();
    step.Reserve(kClosureFirstBuffer + static_cast<int>(launch.buffers.size() + launch.sizes.size()));
    step.SetFixup(FixupKind::kHeader, kClosureErrorSlot, kFrameErrorAddress);
    if (table_.kernels[launch.kernel].is_random) step.SetFixup(FixupKind::kHeader, kClosureSeedSlot, kFrameSeed);
    int slot = kClosureFirstBuffer;
    for (BufferId buffer : launch.buffers) step.SetFixup(FixupKind::kBuffer, slot++, Record(buffer));
    for (Expr size : launch.sizes) step.SetExpr(slot++, size);
    Try("launch", {Table(step), kernels_[launch.kernel], Int(launch.kernel), Int(launch.node),
                   Int(exprs_.Index(launch.extent)), Int(exprs_.Index(launch.grain))});
  }

  void EmitExtern(const ExternCall& call, int index) {
    StepTemplate step = NewStep();
    const int num_args = static_cast<int>(call.args.size());
    const int num_outs = static_cast<int>(call.outputs.size());
    step.Reserve(num_args * kValueSlots);
    const int outs = step.Reserve(num_outs * kTensorSlots);
    for (int i = 0; i < num_args; ++i) {
      step.SetValue(i * kValueSlots, call.args[i], placement_.record_of_buffer);
    }
    for (int i = 0; i < num_outs; ++i) {
      const BufferId buffer = call.outputs[i].buffer;
      if (buffer.value < 0) continue;
      step.SetTensor(outs + i * kTensorSlots, call.outputs[i], Record(buffer), /*window=*/call.into);
    }
    Try("extern", {Table(step), Int(index), Int(num_args), Int(outs), Int(num_outs)});
    if (call.into) return;
    // All records first: a failing view must not lose a later result.
    for (int i = 0; i < num_outs; ++i) {
      const BufferId buffer = call.outputs[i].buffer;
      if (buffer.value < 0) continue;
      const int slot = outs + i * kTensorSlots;
      Call("take.result", {Int(slot), Int(Record(buffer))});
      if (kept_[buffer.value] >= 0) Call("keep", {Int(slot), Int(kept_[buffer.value])});
      Share(buffer);
    }
    for (const TensorOperand& output : call.outputs) {
      if (output.buffer.value >= 0) EmitViewsOf(output.buffer);
    }
  }

  void EmitRelease(BufferId id) {
    const BufferKind kind = program_.buffers[id.value].kind;
    if (kind == BufferKind::kExternResult) Call("release_result", {Int(Record(id))});
    if (kind != BufferKind::kInput) return;
    for (int i = 0; i < program_.num_inputs; ++i) {
      if (program_.input_buffers[i] == id) Call("release_input", {Int(i)});
    }
  }

  void EmitFinish() {
    b_.SetInsertPoint(finish_);
    Call("finish", {Int(placement_.num_owned)});
    b_.CreateRet(b_.CreateLoad(b_.getInt32Ty(), rc_));
  }

  // Constant after construction.
  const LoopProgram& program_;
  const KernelTable& table_;
  absl::Span<llvm::Function* const> kernels_;
  const BufferPlacement& placement_;
  ExternTable externs_;
  llvm::Module* module_;

  llvm::IRBuilder<> b_;
  MathContext math_;
  ExprTable exprs_;
  StringTable strings_;
  llvm::Function* entry_ = nullptr;
  llvm::AllocaInst* frame_ = nullptr;
  llvm::AllocaInst* rc_ = nullptr;
  llvm::BasicBlock* prologue_ = nullptr;
  llvm::BasicBlock* places_ = nullptr;
  llvm::BasicBlock* steps_ = nullptr;
  llvm::BasicBlock* finish_ = nullptr;
  // By buffer: the frame slot of its kept tensor, -1 where none is needed.
  std::vector<int> kept_;
  int num_kept_slots_ = 0;
  int scratch_slots_ = 0;
  std::map<int, bool> made_;
};

}  // namespace

absl::Status EmitEntry(const LoopProgram& program, const KernelTable& table,
                       absl::Span<llvm::Function* const> kernels, const Isa& isa, llvm::Module* module) {
  KILN_ASSIGN_OR_RETURN(BufferPlacement placement, PlaceBuffers(program));
  return EntryEmitter(program, table, kernels, placement, isa, module).Emit();
}

}  // namespace kiln
