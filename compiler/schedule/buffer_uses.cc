#include "compiler/schedule/buffer_uses.h"

#include <variant>

namespace kiln::schedule {
namespace {

void VisitOperands(const OperandList& operands, const std::function<void(BufferId, Access)>& visit) {
  for (const Operand& operand : operands) {
    if (const auto* tensor = std::get_if<TensorOperand>(&operand.v)) {
      if (tensor->buffer.value >= 0) visit(tensor->buffer, Access::kRead);
    }
    if (const auto* list = std::get_if<OperandList>(&operand.v)) VisitOperands(*list, visit);
  }
}

}  // namespace

void VisitAccesses(const Step& step, const std::function<void(BufferId, Access)>& visit) {
  if (const auto* kernel = std::get_if<Kernel>(&step)) {
    for (const Inst& inst : kernel->insts) {
      if (inst.kind == InstKind::kLoad || inst.kind == InstKind::kStoreAdd) visit(inst.buffer, Access::kRead);
      if (inst.kind == InstKind::kStore || inst.kind == InstKind::kStoreAdd) visit(inst.buffer, Access::kWrite);
    }
    return;
  }
  if (const auto* read = std::get_if<ReadNumber>(&step)) visit(read->buffer, Access::kRead);
  const auto* call = std::get_if<ExternCall>(&step);
  if (call == nullptr) return;
  VisitOperands(call->args, visit);
  for (const TensorOperand& output : call->outputs) {
    if (output.buffer.value >= 0) visit(output.buffer, Access::kWrite);
  }
}

std::vector<bool> BuffersOfOutputs(const LoopProgram& program) {
  std::vector<bool> seen(program.buffers.size());
  auto mark = [&](BufferId id) {
    if (id.value >= 0) seen[id.value] = true;
  };
  for (const OutputBinding& output : program.outputs) {
    using Kind = OutputBinding::Kind;
    bool has_tensor =
        output.kind == Kind::kNew || output.kind == Kind::kView || output.kind == Kind::kOutputView;
    if (has_tensor) mark(output.tensor.buffer);
    bool of_input = output.kind == Kind::kInput || output.kind == Kind::kView;
    if (of_input && output.alias_of >= 0) mark(program.input_buffers[output.alias_of]);
  }
  for (size_t b = 0; b < seen.size(); ++b) {
    if (program.buffers[b].kind == BufferKind::kOutput) seen[b] = true;
  }
  return seen;
}

}  // namespace kiln::schedule
