#include <set>
#include <string>
#include <variant>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "compiler/loops/loop_ir.h"
#include "fake_runtime/graph/argument.h"
#include "fake_runtime/graph/literal_text.h"

namespace kiln {
namespace {

std::string BufferName(BufferId id) { return id.value < 0 ? "_" : absl::StrCat("b", id.value); }

std::string Quote(absl::string_view text) { return absl::StrCat("\"", absl::CEscape(text), "\""); }

std::string PrintDims(absl::Span<const Expr> dims) {
  return absl::StrCat(
      "[", absl::StrJoin(dims, ", ", [](std::string* out, Expr e) { out->append(e.ToString()); }), "]");
}

std::string PrintConstant(const ScalarValue& value) {
  if (value.type == ExprType::kFloat) return PrintDouble(value.f);
  if (value.type == ExprType::kBool) return value.i != 0 ? "true" : "false";
  return absl::StrCat(value.i);
}

class KernelPrinter {
 public:
  explicit KernelPrinter(const Kernel& kernel) : kernel_(kernel) {}

  std::string Print(int indent) {
    std::string text =
        absl::StrCat(std::string(indent, ' '), "kernel ", kernel_.name, " nodes=[", absl::StrJoin(kernel_.nodes, ", "),
                     "]", kernel_.grain.IsInt(0) ? "" : absl::StrCat(" grain=", kernel_.grain.ToString()), " {\n");
    if (kernel_.when.AsBool() != true) {
      absl::StrAppend(&text, std::string(indent + 2, ' '), "when ", kernel_.when.ToString(), "\n");
    }
    if (!kernel_.why.empty()) {
      absl::StrAppend(&text, std::string(indent + 2, ' '), "why ", Quote(kernel_.why), "\n");
    }
    for (const Apart& apart : kernel_.apart) {
      absl::StrAppend(&text, std::string(indent + 2, ' '), "apart from ", apart.kernel, " ",
                      ApartReasonName(apart.reason), "\n");
    }
    PrintBody(kernel_.body, indent + 2, text);
    absl::StrAppend(&text, std::string(indent, ' '), "}\n");
    return text;
  }

 private:
  void PrintBody(const std::vector<Stmt>& body, int indent, std::string& text) {
    std::string space(indent, ' ');
    for (const Stmt& stmt : body) {
      if (const int* id = std::get_if<int>(&stmt)) {
        absl::StrAppend(&text, space, PrintInst(*id), "\n");
        continue;
      }
      const Loop& loop = *std::get<std::unique_ptr<Loop>>(stmt);
      absl::StrAppend(&text, space, LoopKindName(loop.kind), " ", loop.variable.ToString(), " < ",
                      loop.extent.ToString(), " {\n");
      PrintBody(loop.body, indent + 2, text);
      absl::StrAppend(&text, space, "}\n");
    }
  }

  std::string Ref(int id) const {
    auto found = numbers_.find(id);
    return found == numbers_.end() ? absl::StrCat("%undefined", id) : absl::StrCat("%", found->second);
  }

  std::string Refs(absl::Span<const int> ids) const {
    return absl::StrJoin(ids, ", ", [this](std::string* out, int id) { out->append(Ref(id)); });
  }

  // Gives `id` its number; called once its operands are printed.
  std::string Define(int id) {
    int number = static_cast<int>(numbers_.size());
    numbers_[id] = number;
    return absl::StrCat("%", number, " = ");
  }

  static std::string Place(const Inst& inst) {
    return absl::StrCat(BufferName(inst.buffer), "[", inst.expr.ToString(), "]");
  }

  std::string PrintInst(int id) {
    const Inst& inst = kernel_.insts[id];
    absl::string_view dtype = DTypeText(inst.dtype);
    switch (inst.kind) {
      case InstKind::kConstant:
        return absl::StrCat(Define(id), "constant ", dtype, " ", PrintConstant(inst.constant));
      case InstKind::kExpr:
        return absl::StrCat(Define(id), "expr ", dtype, " ", inst.expr.ToString());
      case InstKind::kLoad:
        return absl::StrCat(Define(id), "load ", dtype, " ", Place(inst));
      case InstKind::kStore:
        return absl::StrCat("store ", Place(inst), ", ", Refs(inst.args));
      case InstKind::kStoreAdd:
        return absl::StrCat("store_add ", Place(inst), ", ", Refs(inst.args));
      case InstKind::kScalar: {
        std::string args = Refs(inst.args);
        return absl::StrCat(Define(id), ScalarOpName(inst.op), " ", dtype, " ", args);
      }
      case InstKind::kIndirect:
        return absl::StrCat("indirect ", inst.expr.ToString(), " < ", inst.bound.ToString(), ", ", Refs(inst.args));
      case InstKind::kAccumulate:
        return absl::StrCat(Define(id), "accumulate ", ReduceKindName(inst.reduce), " ", dtype);
      case InstKind::kUpdate:
        return absl::StrCat("update ", Refs(inst.args),
                            inst.expr.IsInt(0) ? "" : absl::StrCat(" order ", inst.expr.ToString()));
      case InstKind::kResult: {
        std::string args = Refs(inst.args);
        return absl::StrCat(Define(id), "result ", dtype, " ", args, ", ", inst.result);
      }
      case InstKind::kRandom:
      case InstKind::kState: {
        std::string by = inst.args.empty() ? "" : absl::StrCat(", ", Refs(inst.args));
        absl::string_view word = inst.kind == InstKind::kRandom ? "random " : "state ";
        return absl::StrCat(Define(id), word, dtype, " ", inst.result, ", ", inst.expr.ToString(), by);
      }
    }
    return "?";
  }

  const Kernel& kernel_;
  absl::flat_hash_map<int, int> numbers_;
};

std::string PrintTensor(const TensorOperand& tensor) {
  if (tensor.buffer.value < 0) return "_";
  return absl::StrCat(BufferName(tensor.buffer), ": ", DTypeText(tensor.dtype), PrintDims(tensor.sizes),
                      " strides=", PrintDims(tensor.strides), " offset=", tensor.offset.ToString());
}

std::string PrintOperand(const Operand& operand);

std::string PrintOperands(absl::Span<const Operand> operands) {
  return absl::StrJoin(operands, ", ",
                       [](std::string* out, const Operand& operand) { out->append(PrintOperand(operand)); });
}

std::string PrintOperand(const Operand& operand) {
  return std::visit(
      [](const auto& value) -> std::string {
        using T = std::decay_t<decltype(value)>;
        if constexpr (std::is_same_v<T, TensorOperand>) {
          return PrintTensor(value);
        } else if constexpr (std::is_same_v<T, Expr>) {
          return value.ToString();
        } else if constexpr (std::is_same_v<T, OperandList>) {
          return absl::StrCat("[", PrintOperands(value), "]");
        } else {
          return PrintLiteral(Argument(value));
        }
      },
      operand.v);
}

std::string PrintEpilogue(const ExternCall& call) {
  if (call.epilogue.empty()) return "";
  return absl::StrCat(" epilogue=[", absl::StrJoin(call.epilogue, ", "), "] ", Quote(call.why));
}

std::string PrintArena(Expr bytes) { return bytes.IsInt(0) ? "" : absl::StrCat(" arena ", bytes.ToString()); }

std::string PrintBindings(const ExternCall& call) {
  if (call.binds.empty()) return "";
  auto print = [](std::string* out, const SizeBinding& binding) {
    absl::StrAppend(out, binding.symbol.ToString(), " ", binding.output, " ", binding.dim);
  };
  return absl::StrCat(" binds [", absl::StrJoin(call.binds, ", ", print), "]", PrintArena(call.arena_bytes));
}

std::string PrintExternCall(const ExternCall& call) {
  return absl::StrCat(
      "  extern ", call.op, call.into ? " into" : "", " node=", call.node, PrintEpilogue(call), " (",
      PrintOperands(call.args), ") -> (",
      absl::StrJoin(call.outputs, ", ",
                    [](std::string* out, const TensorOperand& tensor) { out->append(PrintTensor(tensor)); }),
      ")", PrintBindings(call), "\n");
}

std::string PrintStep(const Step& step) {
  if (const Kernel* kernel = std::get_if<Kernel>(&step)) return KernelPrinter(*kernel).Print(2);
  if (const ExternCall* call = std::get_if<ExternCall>(&step)) return PrintExternCall(*call);
  if (const Release* release = std::get_if<Release>(&step)) {
    return absl::StrCat("  release ", BufferName(release->buffer), "\n");
  }
  if (const ReadNumber* read = std::get_if<ReadNumber>(&step)) {
    return absl::StrCat("  read ", read->symbol.ToString(), " from ", BufferName(read->buffer), " node=", read->node,
                        PrintArena(read->arena_bytes), "\n");
  }
  const RuntimeAssert& a = std::get<RuntimeAssert>(step);
  return absl::StrCat("  assert node=", a.node, " ", Quote(a.message), " ", a.condition.ToString(), "\n");
}

std::string PrintBuffer(int id, const Buffer& buffer) {
  static constexpr absl::string_view kKinds[] = {"input", "output", "temporary", "extern"};
  std::string text = absl::StrCat("  buffer b", id, " ", kKinds[static_cast<int>(buffer.kind)]);
  if (buffer.index >= 0) absl::StrAppend(&text, " ", buffer.index);
  absl::StrAppend(&text, " ", DTypeText(buffer.dtype), "[", buffer.num_elements.ToString(), "]");
  if (!buffer.arena_offset.IsInt(0) || buffer.arena > 0) {
    absl::StrAppend(&text, " at [", buffer.arena_offset.ToString(), "]");
  }
  if (buffer.arena > 0) absl::StrAppend(&text, " of ", buffer.arena);
  if (buffer.alias_of.value >= 0) absl::StrAppend(&text, " in ", BufferName(buffer.alias_of));
  return text + "\n";
}

std::string PrintBinding(const OutputBinding& binding) {
  switch (binding.kind) {
    case OutputBinding::Kind::kNew:
      return absl::StrCat("new ", PrintTensor(binding.tensor));
    case OutputBinding::Kind::kInput:
      return absl::StrCat("input ", binding.alias_of);
    case OutputBinding::Kind::kView:
      return absl::StrCat("view of ", binding.alias_of, " ", PrintTensor(binding.tensor));
    case OutputBinding::Kind::kOutputView:
      return absl::StrCat("output_view of ", binding.alias_of, " ", PrintTensor(binding.tensor));
    case OutputBinding::Kind::kScalar:
      return absl::StrCat("scalar ", binding.scalar.ToString());
    case OutputBinding::Kind::kNone:
      return "none";
  }
  return "?";
}

}  // namespace

std::string PrintKernel(const LoopProgram& program, const Kernel& kernel) {
  std::set<int> buffers;
  for (const Inst& inst : kernel.insts) {
    if (inst.buffer.value >= 0) buffers.insert(inst.buffer.value);
  }
  std::string text;
  for (int id : buffers) {
    absl::StrAppend(&text, absl::StripLeadingAsciiWhitespace(PrintBuffer(id, program.buffers[id])));
  }
  return text + PrintKernel(kernel);
}

std::string PrintKernel(const Kernel& kernel) { return KernelPrinter(kernel).Print(0); }

std::string PrintLoopProgram(const LoopProgram& program) {
  std::string text = absl::StrCat("program symbols=[", absl::StrJoin(program.symbols, ", "),
                                  "] inputs=", program.num_inputs, " {\n");
  for (size_t i = 0; i < program.buffers.size(); ++i) {
    absl::StrAppend(&text, PrintBuffer(static_cast<int>(i), program.buffers[i]));
  }
  absl::StrAppend(&text, "  inputs [",
                  absl::StrJoin(program.input_buffers, ", ",
                                [](std::string* out, BufferId id) { out->append(BufferName(id)); }),
                  "]\n");
  if (!program.arena_bytes.IsInt(0)) absl::StrAppend(&text, "  arena ", program.arena_bytes.ToString(), "\n");
  for (const Step& step : program.steps) text += PrintStep(step);
  for (const OutputBinding& binding : program.outputs) {
    absl::StrAppend(&text, "  return ", PrintBinding(binding), "\n");
  }
  return text + "}\n";
}

}  // namespace kiln
