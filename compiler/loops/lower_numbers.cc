// Numbers that tensors hold, where sizes and scalars are made of them.
#include <optional>

#include "compiler/loops/lowering_table.h"

namespace kiln {
namespace {

// aten::_local_scalar_dense(Tensor self) -> Scalar, aten::item(Tensor self) -> Scalar: the number is a symbol, or for a
// bool the test of one. A kernel widens the element, and a step reads it.
absl::Status ReadElement(LoweringContext& c) {
  const Expr value = std::get<Expr>(c.state().fake.values[c.OutValue(0).value]);
  std::optional<Expr> unknown;
  VisitSymbols(value, [&](Expr symbol) {
    if (!c.state().AreSymbolsKnown(symbol)) unknown = symbol;
  });
  // It is a constant, or was read before.
  if (!unknown.has_value()) return absl::OkStatus();
  const TensorOperand in = c.In(0);
  const DType dtype = unknown->type() == ExprType::kFloat ? DType::kFloat64 : DType::kInt64;
  const BufferId number = c.state().NewTemporary(dtype, Expr(1));
  KernelBuilder b = c.NewKernel();
  Val element = b.Load(in.buffer, in.dtype, b.Index(in, Dims(in.sizes.size(), Expr(0))));
  b.Store(number, dtype, Expr(0), b.Cast(element, dtype));
  c.Emit(std::move(b));
  c.state().taken_names.emplace(unknown->symbol_name());
  c.state().program.steps.emplace_back(ReadNumber{*unknown, number, c.node_id(), Expr(0)});
  return absl::OkStatus();
}

constexpr LoweringRow kRows[] = {
    {"aten._local_scalar_dense.default", ReadElement},
    {"aten.item.default", ReadElement},
};

}  // namespace

absl::Span<const LoweringRow> NumberLowerings() { return kRows; }

}  // namespace kiln
