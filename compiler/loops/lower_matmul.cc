// Matrix products: extern ops of the kind that writes into memory of the
// program's. Operands go as windows, transposed or strided as they are.
//
// A product with a sum (addmm, baddbmm) copies what is added into the result, and
// then adds the product to what lies there: it writes the result twice and reads it
// once. Where a loop nest reads the result anyhow, the product is made alone, and the
// sum becomes a nest that the scheduler computes in its reader.
#include <utility>

#include "base/status_macros.h"
#include "compiler/loops/lowering_table.h"
#include "compiler/loops/value_readers.h"

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

// self + mat1 @ mat2. A type that is computed in a wider one would round the product
// before the sum, which PyTorch does not.
bool SumJoinsReaders(LoweringContext& c) {
  const DType dtype = c.OutTensor().dtype;
  const bool is_exact = dtype == DType::kFloat32 || dtype == DType::kFloat64;
  return is_exact && IsOne(c.node().args[3]) && IsOne(c.node().args[4]) &&
         c.state().readers->HasLoopReader(c.OutValue(0));
}

absl::Status ProductAndSum(LoweringContext& c, absl::string_view product_op) {
  FakeTensor alone = c.OutTensor();
  alone.storage = StorageId{};
  ExternCall call;
  call.op = std::string(product_op);
  call.into = true;
  call.args.push_back(Operand{c.In(1)});
  call.args.push_back(Operand{c.In(2)});
  TensorOperand product = c.Window(alone);
  product.buffer = c.state().NewBuffer(alone, BufferKind::kTemporary);
  call.outputs.push_back(product);
  c.EmitExtern(std::move(call));
  const TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  Dims i = b.BeginNest(out.sizes);
  StoreAt(b, out, i, b.Op(ScalarOp::kAdd, LoadBroadcast(b, product, i), LoadBroadcast(b, c.In(0), i)));
  b.EndNest(i);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

absl::Status SumOfProduct(LoweringContext& c, absl::string_view sum_op, absl::string_view product_op) {
  const bool is_apart = c.state().HostServes(product_op) && SumJoinsReaders(c);
  return is_apart ? ProductAndSum(c, product_op) : CallInto(c, sum_op);
}

absl::Status Addmm(LoweringContext& c) { return SumOfProduct(c, "aten.addmm.out", "aten.mm.out"); }
absl::Status Baddbmm(LoweringContext& c) { return SumOfProduct(c, "aten.baddbmm.out", "aten.bmm.out"); }
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
