// Matrix products: extern ops of the kind that writes into memory of the
// program's. Operands go as windows, transposed or strided as they are.
#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

// Calls the out overload of the node's operator: the schema's arguments in
// order, without `out`.
absl::Status CallInto(LoweringContext& c, absl::string_view op) {
  if (!c.state().HostServes(op)) {
    return c.Fail(ErrorReason::kExternOpMissing, absl::StrCat("the host does not serve ", op));
  }
  ExternCall call;
  call.op = std::string(op);
  call.into = true;
  for (const Argument& arg : c.node().args) {
    KILN_ASSIGN_OR_RETURN(Operand operand, OperandOf(c, arg));
    call.args.push_back(std::move(operand));
  }
  call.outputs.push_back(c.Out());
  c.EmitExtern(std::move(call));
  return absl::OkStatus();
}

absl::Status Addmm(LoweringContext& c) { return CallInto(c, "aten.addmm.out"); }
absl::Status Baddbmm(LoweringContext& c) { return CallInto(c, "aten.baddbmm.out"); }
absl::Status Bmm(LoweringContext& c) { return CallInto(c, "aten.bmm.out"); }
absl::Status Mm(LoweringContext& c) { return CallInto(c, "aten.mm.out"); }

constexpr LoweringRow kRows[] = {
    {"aten.addmm.default", Addmm},
    {"aten.baddbmm.default", Baddbmm},
    {"aten.bmm.default", Bmm},
    {"aten.mm.default", Mm},
};

}  // namespace

absl::Span<const LoweringRow> MatmulLowerings() { return kRows; }

}  // namespace kiln
