#include "compiler/codegen/buffer_placement.h"

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "compiler/codegen/kernel_table.h"

namespace kiln {
namespace {

void VisitOperand(const Operand& operand, const std::function<void(BufferId)>& visit) {
  if (const TensorOperand* tensor = std::get_if<TensorOperand>(&operand.v)) visit(tensor->buffer);
  if (const OperandList* list = std::get_if<OperandList>(&operand.v)) {
    for (const Operand& item : *list) VisitOperand(item, visit);
  }
}

absl::Status FindHomes(const LoopProgram& program, BufferPlacement& placement) {
  const int count = static_cast<int>(program.buffers.size());
  std::vector<BufferId> output_of_root(count);
  for (int i = 0; i < count; ++i) {
    if (program.buffers[i].kind != BufferKind::kOutput) continue;
    const BufferId root = MemoryRoot(program, BufferId{i});
    const BufferKind kind = program.buffers[root.value].kind;
    const bool host_has_it = kind == BufferKind::kInput || kind == BufferKind::kExternResult;
    if (host_has_it || output_of_root[root.value].value >= 0) {
      return MakeError(ErrorReason::kCompilerBug, absl::StrCat("output buffer b", i, " cannot share memory with b",
                                                               host_has_it ? root.value : output_of_root[root.value].value));
    }
    output_of_root[root.value] = BufferId{i};
  }
  placement.guests_of_buffer.resize(count);
  for (int i = 0; i < count; ++i) {
    const BufferId root = MemoryRoot(program, BufferId{i});
    placement.home_of_buffer.push_back(output_of_root[root.value].value >= 0 ? output_of_root[root.value] : root);
    const BufferId home = placement.home_of_buffer.back();
    if (home.value != i) placement.guests_of_buffer[home.value].push_back(BufferId{i});
  }
  return absl::OkStatus();
}

}  // namespace

void VisitStepBuffers(const Step& step, const std::function<void(BufferId)>& visit) {
  if (const Kernel* kernel = std::get_if<Kernel>(&step)) {
    for (const Inst& inst : kernel->insts) {
      if (inst.buffer.value >= 0) visit(inst.buffer);
    }
  } else if (const ExternCall* call = std::get_if<ExternCall>(&step)) {
    for (const Operand& operand : call->args) VisitOperand(operand, visit);
    for (const TensorOperand& output : call->outputs) {
      if (output.buffer.value >= 0) visit(output.buffer);
    }
  } else if (const ReadNumber* read = std::get_if<ReadNumber>(&step)) {
    visit(read->buffer);
  } else if (const Release* release = std::get_if<Release>(&step)) {
    visit(release->buffer);
  }
}

absl::StatusOr<BufferPlacement> PlaceBuffers(const LoopProgram& program) {
  BufferPlacement placement;
  KILN_RETURN_IF_ERROR(FindHomes(program, placement));
  const size_t count = program.buffers.size();
  std::vector<bool> used(count, false);
  auto use = [&](BufferId id) {
    used[id.value] = true;
    used[placement.home_of_buffer[id.value].value] = true;
  };
  for (const Step& step : program.steps) VisitStepBuffers(step, use);
  for (const OutputBinding& binding : program.outputs) {
    if (binding.kind == OutputBinding::Kind::kNew) use(binding.tensor.buffer);
  }
  placement.record_of_buffer.assign(count, -1);
  for (const bool owned : {true, false}) {
    for (size_t i = 0; i < count; ++i) {
      if (used[i] && (program.buffers[i].kind == BufferKind::kExternResult) == owned) {
        placement.record_of_buffer[i] = placement.num_records++;
      }
    }
    if (owned) placement.num_owned = placement.num_records;
  }
  return placement;
}

}  // namespace kiln
