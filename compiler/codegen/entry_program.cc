#include "compiler/codegen/entry_program.h"

#include <algorithm>
#include <initializer_list>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/codegen/buffer_placement.h"
#include "compiler/codegen/entry_routines.h"
#include "compiler/codegen/extern_table.h"
#include "compiler/codegen/kernel_emitter.h"
#include "compiler/loops/dense_places.h"

namespace kiln {
namespace {

class EntryBuilder {
 public:
  EntryBuilder(const LoopProgram& program, const KernelTable& table, const BufferPlacement& placement)
      : program_(program),
        table_(table),
        placement_(placement),
        externs_(BuildExternTable(program)),
        kept_(program.buffers.size(), -1),
        is_there_(program.buffers.size(), false),
        made_(program.buffers.size(), false) {}

  EntryProgram Build() && {
    FindKeptTensors();
    FindBoundSymbols();
    for (int i = 0; i < program_.num_inputs; ++i) AddInput(i);
    AddPlaces(0);
    AddOutputsOfInputs(0);
    for (size_t i = 0; i < program_.steps.size(); ++i) AddStep(static_cast<int>(i));
    for (size_t i = 0; i < program_.buffers.size(); ++i) MakeOutput(BufferId{static_cast<int>(i)});
    Add(EntryOpcode::kEnd, {});
    out_.arena_expr = exprs_.Index(program_.arena_bytes);
    out_.is_random = std::any_of(table_.kernels.begin(), table_.kernels.end(),
                                 [](const UniqueKernel& kernel) { return kernel.is_random; });
    out_.exprs = exprs_.exprs();
    for (Expr e : out_.exprs) out_.late.push_back(LateOf(e));
    out_.strings = strings_.bytes();
    LayOutFrame();
    return std::move(out_);
  }

 private:
  void Add(EntryOpcode code, std::initializer_list<int> args) {
    EntryOp op{code, {}};
    std::copy(args.begin(), args.end(), op.args.begin());
    out_.ops.push_back(op);
  }

  // Equal templates, as of layers that repeat, are not looked for: they name
  // buffers, and so they differ.
  int Step(const StepTemplate& step) {
    scratch_slots_ = std::max(scratch_slots_, step.num_slots());
    const int place = static_cast<int>(out_.step_words.size());
    const std::vector<int64_t> words = step.Encode();
    out_.step_words.insert(out_.step_words.end(), words.begin(), words.end());
    return place;
  }

  StepTemplate NewStep() { return StepTemplate(&exprs_, &strings_); }
  int Record(BufferId id) const { return placement_.record_of_buffer[id.value]; }

  void LayOutFrame() {
    out_.num_records = placement_.num_records;
    out_.num_owned = placement_.num_owned;
    out_.exprs_slot = out_.arenas_slot + out_.num_late;
    out_.records_slot = out_.exprs_slot + static_cast<int>(out_.exprs.size());
    out_.scratch_slot = out_.records_slot + placement_.num_records * kRecordSlots;
    out_.frame_slots = out_.scratch_slot + scratch_slots_;
  }

  // --- memory

  void AddInput(int input) {
    const BufferId buffer = program_.input_buffers[input];
    if (buffer.value < 0 || Record(buffer) < 0) return;
    Add(EntryOpcode::kInput, {input, Record(buffer)});
    Share(buffer);
  }

  // Temporaries, each in its place of the arena of this number.
  void AddPlaces(int arena) {
    const int slot = arena == 0 ? kFrameArena : out_.arenas_slot + arena - 1;
    for (size_t i = 0; i < program_.buffers.size(); ++i) {
      const BufferId id{static_cast<int>(i)};
      const Buffer& home = program_.buffers[placement_.home_of_buffer[i].value];
      if (Record(id) < 0 || home.kind != BufferKind::kTemporary || home.arena != arena) continue;
      Add(EntryOpcode::kPlace, {exprs_.Index(home.arena_offset), Record(id), slot});
    }
  }

  // Gives a home's record to the buffers that live in its memory.
  void Share(BufferId home) {
    for (BufferId id : placement_.guests_of_buffer[home.value]) {
      if (Record(id) >= 0) Add(EntryOpcode::kShare, {Record(home), Record(id)});
    }
  }

  // --- symbols that steps bind

  void FindBoundSymbols() {
    out_.bound_slot = kFrameHeaderSlots + num_kept_slots_;
    int slots = 0;
    for (const auto& step : program_.steps) {
      if (!BindsSymbols(step)) continue;
      out_.bound.push_back(BoundSymbols(step));
      for (Expr symbol : out_.bound.back()) late_of_symbol_[symbol] = static_cast<int>(out_.bound.size());
      slots += static_cast<int>(out_.bound.back().size());
    }
    out_.num_late = static_cast<int>(out_.bound.size());
    next_bound_slot_ = out_.bound_slot;
    out_.arenas_slot = out_.bound_slot + slots;
  }

  // After which step that binds symbols the expression has a value; 0: from the start.
  int LateOf(Expr e) const {
    int late = 0;
    VisitSymbols(e, [&](Expr symbol) {
      const auto found = late_of_symbol_.find(symbol);
      if (found != late_of_symbol_.end()) late = std::max(late, found->second);
    });
    return late;
  }

  int LateOf(const OutputBinding& binding) const {
    int late = std::max(LateOf(binding.scalar), LateOf(binding.tensor.offset));
    for (Expr size : binding.tensor.sizes) late = std::max(late, LateOf(size));
    for (Expr stride : binding.tensor.strides) late = std::max(late, LateOf(stride));
    return late;
  }

  // Right after the call, whose results are still in the scratch area from `outs` on.
  void AddBindings(const ExternCall& call, int outs) {
    for (const SizeBinding& binding : call.binds) {
      Add(EntryOpcode::kBindSize, {outs + binding.output * kTensorSlots, binding.dim, next_bound_slot_++});
    }
    if (!call.binds.empty()) AddLateSizes(call.arena_bytes);
  }

  void AddRead(const ReadNumber& read) {
    Add(EntryOpcode::kReadNumber, {Record(read.buffer), next_bound_slot_++});
    AddLateSizes(read.arena_bytes);
  }

  // What hangs on the symbols just bound.
  void AddLateSizes(Expr arena_bytes) {
    const int arena = out_.arenas_slot + num_late_seen_;
    Add(EntryOpcode::kLateSizes, {num_late_seen_, exprs_.Index(arena_bytes), arena});
    ++num_late_seen_;
    AddPlaces(num_late_seen_);
    AddOutputsOfInputs(num_late_seen_);
    AddLateViews();
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

  // What needs no step but sizes: scalars, and views of inputs before those are released.
  void AddOutputsOfInputs(int late) {
    for (size_t i = 0; i < program_.outputs.size(); ++i) {
      const OutputBinding& binding = program_.outputs[i];
      if (LateOf(binding) != late) continue;
      if (binding.kind == OutputBinding::Kind::kScalar) {
        StepTemplate step = NewStep();
        step.Reserve(kValueSlots);
        step.SetValue(0, Operand{binding.scalar}, placement_.record_of_buffer);
        Add(EntryOpcode::kScalarOutput, {Step(step), static_cast<int>(i)});
      } else if (IsViewOfInput(binding)) {
        Add(EntryOpcode::kViewOfInput, {Step(ViewStep(binding)), static_cast<int>(i), binding.alias_of});
      }
    }
  }

  // Every view of the tensor that `buffer` is, once it is there, but for views whose sizes
  // are not known yet.
  void AddViewsOf(BufferId buffer) {
    if (kept_[buffer.value] < 0) return;
    is_there_[buffer.value] = true;
    AddViews([&](const OutputBinding& binding) {
      return BaseOf(binding) == buffer && LateOf(binding) <= num_late_seen_;
    });
  }

  // The views, of what is there already, whose sizes are known now.
  void AddLateViews() {
    AddViews([&](const OutputBinding& binding) {
      return is_there_[BaseOf(binding).value] && LateOf(binding) == num_late_seen_;
    });
  }

  template <typename Wanted>
  void AddViews(const Wanted& wanted) {
    for (size_t i = 0; i < program_.outputs.size(); ++i) {
      const OutputBinding& binding = program_.outputs[i];
      if (!IsView(binding) || IsViewOfInput(binding) || !wanted(binding)) continue;
      Add(EntryOpcode::kViewOfKept, {Step(ViewStep(binding)), static_cast<int>(i), kept_[BaseOf(binding).value]});
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
    Add(EntryOpcode::kNewOutput, {Step(step), output.index, Record(home)});
    if (kept_[home.value] >= 0) Add(EntryOpcode::kKeep, {0, kept_[home.value]});
    Share(home);
    AddViewsOf(home);
  }

  // --- steps

  void AddStep(int index) {
    VisitStepBuffers(program_.steps[index], [&](BufferId id) { MakeOutput(id); });
    std::visit(
        [&](const auto& step) {
          using T = std::decay_t<decltype(step)>;
          if constexpr (std::is_same_v<T, Kernel>) AddLaunch(table_.launches[index]);
          if constexpr (std::is_same_v<T, ExternCall>) AddExtern(step, externs_.index_of_step[index]);
          if constexpr (std::is_same_v<T, Release>) AddRelease(step.buffer);
          if constexpr (std::is_same_v<T, ReadNumber>) AddRead(step);
          if constexpr (std::is_same_v<T, RuntimeAssert>) {
            Add(EntryOpcode::kAssert, {exprs_.Index(step.condition), step.node, strings_.Offset(step.message)});
          }
        },
        program_.steps[index]);
  }

  void AddLaunch(const KernelLaunch& launch) {
    if (launch.when.AsBool() != true) Add(EntryOpcode::kSkipUnless, {exprs_.Index(launch.when), 1});
    StepTemplate step = NewStep();
    step.Reserve(kClosureFirstBuffer + static_cast<int>(launch.buffers.size() + launch.sizes.size()));
    step.SetFixup(FixupKind::kHeader, kClosureErrorSlot, kFrameErrorAddress);
    if (table_.kernels[launch.kernel].is_random) step.SetFixup(FixupKind::kHeader, kClosureSeedSlot, kFrameSeed);
    int slot = kClosureFirstBuffer;
    for (BufferId buffer : launch.buffers) step.SetFixup(FixupKind::kBuffer, slot++, Record(buffer));
    for (Expr size : launch.sizes) step.SetExpr(slot++, size);
    Add(EntryOpcode::kLaunch, {Step(step), launch.kernel, launch.node, exprs_.Index(launch.extent),
                               exprs_.Index(launch.grain)});
  }

  void AddExtern(const ExternCall& call, int index) {
    StepTemplate step = NewStep();
    const int num_args = static_cast<int>(call.args.size());
    const int num_outs = static_cast<int>(call.outputs.size());
    step.Reserve(num_args * kValueSlots);
    const int outs = step.Reserve(num_outs * kTensorSlots);
    for (int i = 0; i < num_args; ++i) step.SetValue(i * kValueSlots, call.args[i], placement_.record_of_buffer);
    for (int i = 0; i < num_outs; ++i) {
      const BufferId buffer = call.outputs[i].buffer;
      if (buffer.value < 0) continue;
      step.SetTensor(outs + i * kTensorSlots, Asked(call, i), Record(buffer), /*window=*/call.into);
    }
    Add(EntryOpcode::kExtern, {Step(step), index, num_args, outs, num_outs});
    if (!call.into) TakeResults(call, outs);
  }

  // A result as the host is asked for it: sizes that it tells are -1, and strides then
  // say how many dimensions lie within.
  TensorOperand Asked(const ExternCall& call, int output) const {
    TensorOperand asked = call.outputs[output];
    bool is_told = false;
    for (Expr& size : asked.sizes) {
      if (LateOf(size) <= num_late_seen_) continue;
      size = Expr(-1);
      is_told = true;
    }
    if (!is_told) return asked;
    const std::vector<int> places = *DensePlaces(*program_.pool, call.outputs[output]);
    for (size_t d = 0; d < places.size(); ++d) asked.strides[d] = Expr(places[d]);
    return asked;
  }

  void TakeResults(const ExternCall& call, int outs) {
    // All records first: a failing view must not lose a later result.
    for (size_t i = 0; i < call.outputs.size(); ++i) {
      const BufferId buffer = call.outputs[i].buffer;
      if (buffer.value < 0) continue;
      const int slot = outs + static_cast<int>(i) * kTensorSlots;
      Add(EntryOpcode::kTakeResult, {slot, Record(buffer)});
      if (kept_[buffer.value] >= 0) Add(EntryOpcode::kKeep, {slot, kept_[buffer.value]});
      Share(buffer);
    }
    // Before a step fills the scratch area anew.
    AddBindings(call, outs);
    for (const TensorOperand& output : call.outputs) {
      if (output.buffer.value >= 0) AddViewsOf(output.buffer);
    }
  }

  void AddRelease(BufferId id) {
    const BufferKind kind = program_.buffers[id.value].kind;
    if (kind == BufferKind::kExternResult) Add(EntryOpcode::kReleaseResult, {Record(id)});
    if (kind != BufferKind::kInput) return;
    for (int i = 0; i < program_.num_inputs; ++i) {
      if (program_.input_buffers[i] == id) Add(EntryOpcode::kReleaseInput, {i});
    }
  }

  // Constant after construction.
  const LoopProgram& program_;
  const KernelTable& table_;
  const BufferPlacement& placement_;
  ExternTable externs_;

  EntryProgram out_;
  ExprTable exprs_;
  StringTable strings_;
  // By buffer: the frame slot of its kept tensor, -1 where none is needed.
  std::vector<int> kept_;
  // By buffer: whether its kept tensor is in the frame.
  std::vector<bool> is_there_;
  std::vector<bool> made_;
  int num_kept_slots_ = 0;
  absl::flat_hash_map<Expr, int> late_of_symbol_;
  int num_late_seen_ = 0;
  int next_bound_slot_ = 0;
  int scratch_slots_ = 0;
};

absl::Status CheckBindings(const LoopProgram& program) {
  for (const Step& step : program.steps) {
    const ExternCall* call = std::get_if<ExternCall>(&step);
    if (call == nullptr || call->binds.empty()) continue;
    for (const TensorOperand& output : call->outputs) {
      if (output.buffer.value < 0 || DensePlaces(*program.pool, output).has_value()) continue;
      return MakeError(ErrorReason::kCompilerBug, absl::StrCat(call->op, ": it tells sizes, and a result is not dense"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<EntryProgram> BuildEntryProgram(const LoopProgram& program, const KernelTable& table) {
  KILN_ASSIGN_OR_RETURN(BufferPlacement placement, PlaceBuffers(program));
  KILN_RETURN_IF_ERROR(CheckBindings(program));
  return EntryBuilder(program, table, placement).Build();
}

}  // namespace kiln
