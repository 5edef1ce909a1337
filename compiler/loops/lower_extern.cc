// Operators without a lowering: owning extern calls by their ATen name.
#include <variant>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "compiler/loops/dense_places.h"
#include "compiler/loops/lowering_table.h"
#include "fake_runtime/ops/op_table.h"

namespace kiln {
namespace {

absl::StatusOr<Operand> ValueOperand(LoweringContext& c, ValueId id) {
  const FakeValue& value = c.state().fake.values[id.value];
  if (const Expr* e = std::get_if<Expr>(&value)) return Operand{c.env().Simplify(*e)};
  const FakeTensor* t = std::get_if<FakeTensor>(&value);
  if (t == nullptr) return Operand{None{}};
  if (t->conj_bit || t->neg_bit) return c.Unsupported("an operand is lazily conjugated or negated");
  TensorOperand window = c.Window(*t);
  if (window.buffer.value < 0) return c.Fail(ErrorReason::kCompilerBug, "an operand has no memory");
  return Operand{std::move(window)};
}

// Whether the node surely draws nothing: attention, which is random for its dropout.
bool DrawsNothing(LoweringContext& c) {
  const int dropout = c.node().op->FindArg("dropout_p");
  return dropout >= 0 && !c.args().IsNone(dropout) && c.args().Float(dropout) == 0;
}

// Says which sizes of the call's results are symbols that have no value before it; from
// here on they have one.
absl::Status BindSizes(LoweringContext& c, ExternCall& call) {
  for (size_t i = 0; i < call.outputs.size(); ++i) {
    const TensorOperand& output = call.outputs[i];
    for (size_t d = 0; d < output.sizes.size(); ++d) {
      const Expr size = output.sizes[d];
      if (c.state().AreSymbolsKnown(size)) continue;
      if (size.kind() != ExprKind::kSymbol) {
        return c.Unsupported(absl::StrCat("a size of its result is ", size.ToString(), ", which data decides"));
      }
      c.state().taken_names.emplace(size.symbol_name());
      call.binds.push_back({size, static_cast<int>(i), static_cast<int>(d)});
    }
  }
  if (call.binds.empty()) return absl::OkStatus();
  for (const TensorOperand& output : call.outputs) {
    if (output.buffer.value >= 0 && !DensePlaces(c.pool(), output).has_value()) {
      return c.Unsupported("a size of its result is decided by data, and a result is not dense");
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<Operand> OperandOf(LoweringContext& c, const Argument& arg) {
  if (const ValueId* id = arg.get_if<ValueId>()) return ValueOperand(c, *id);
  if (const int64_t* i = arg.get_if<int64_t>()) return Operand{c.pool().Int(*i)};
  if (const ArgumentList* list = arg.get_if<ArgumentList>()) {
    OperandList operands;
    for (const Argument& item : *list) {
      KILN_ASSIGN_OR_RETURN(Operand operand, OperandOf(c, item));
      operands.push_back(std::move(operand));
    }
    return Operand{std::move(operands)};
  }
  Operand operand;
  std::visit(
      [&](const auto& value) {
        using T = std::decay_t<decltype(value)>;
        constexpr bool done = std::is_same_v<T, ValueId> || std::is_same_v<T, int64_t> || std::is_same_v<T, ArgumentList>;
        if constexpr (!done) operand.v = value;
      },
      arg.v);
  return operand;
}

absl::Status LowerToExternCall(LoweringContext& c) {
  const std::string& op = c.node().op->name;
  if (!c.state().HostServes(op)) {
    return c.Fail(ErrorReason::kExternOpMissing, "Kiln has no lowering for it and the host does not serve it");
  }
  if (c.node().op->is_mutating()) return c.Unsupported("it writes its argument and has no lowering");
  if (c.state().random.is_replayed && RowOf(*c.node().op).has(kTagRandom) && !DrawsNothing(c)) {
    return c.Fail(ErrorReason::kUnsupportedGraph,
                  "it draws from the host's generator, whose state is not saved but by the option eager_random");
  }
  ExternCall call;
  call.op = op;
  for (const Argument& arg : c.node().args) {
    KILN_ASSIGN_OR_RETURN(Operand operand, OperandOf(c, arg));
    call.args.push_back(std::move(operand));
  }
  for (const NodeOutput& output : c.node().outputs) {
    for (ValueId id : output.values) {
      const FakeValue& value = c.state().fake.values[id.value];
      if (std::holds_alternative<Expr>(value)) return c.Unsupported("it makes a scalar from a tensor's data");
      const FakeTensor* t = std::get_if<FakeTensor>(&value);
      if (t == nullptr || !c.state().used[id.value]) {
        call.outputs.emplace_back();
        continue;
      }
      if (c.Window(*t).buffer.value >= 0) return c.Unsupported("its result aliases a tensor and it has no lowering");
      c.state().NewBuffer(*t, BufferKind::kExternResult);
      call.outputs.push_back(c.Window(*t));
    }
  }
  KILN_RETURN_IF_ERROR(BindSizes(c, call));
  c.EmitExtern(std::move(call));
  return absl::OkStatus();
}

}  // namespace kiln
