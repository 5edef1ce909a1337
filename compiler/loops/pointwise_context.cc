#include "compiler/loops/pointwise_context.h"

#include <optional>

namespace kiln {
namespace {

// What the tensors of rank > 0, the 0-dim tensors or the numbers among a node's
// operands promote to; torch's ResultTypeState.
struct PromotionClass {
  std::optional<DType> dtype;
  void Add(DType other) {
    if (!dtype.has_value()) {
      dtype = other;
    } else if (std::optional<DType> both = PromoteTypes(*dtype, other); both.has_value()) {
      dtype = both;
    }
  }
};

// A class of lower priority counts only by its category (torch's
// combine_categories).
std::optional<DType> Combine(std::optional<DType> higher, std::optional<DType> lower) {
  if (!higher.has_value() || !lower.has_value()) return higher.has_value() ? higher : lower;
  if (!IsIntegralOrBool(*higher)) return higher;
  if (*higher == DType::kBool || !IsIntegralOrBool(*lower)) return PromoteTypes(*higher, *lower);
  return higher;
}

DType NumberDType(ExprType type) {
  if (type == ExprType::kBool) return DType::kBool;
  return type == ExprType::kInt ? DType::kInt64 : DType::kFloat32;
}

}  // namespace

DType PromoteOperands(LoweringContext& c) {
  PromotionClass dimensioned, zero_dim, numbers;
  const OpSchema& schema = *c.node().op;
  for (size_t i = 0; i < schema.args.size(); ++i) {
    ArgType type = schema.args[i].type;
    int arg = static_cast<int>(i);
    if ((type != ArgType::kTensor && type != ArgType::kScalar) || c.args().IsNone(arg)) continue;
    if (c.args().IsTensor(arg)) {
      const FakeTensor& t = c.args().Tensor(arg);
      (t.rank() > 0 ? dimensioned : zero_dim).Add(t.dtype);
    } else {
      numbers.Add(NumberDType(c.args().Scalar(arg).type));
    }
  }
  std::optional<DType> result = Combine(Combine(dimensioned.dtype, zero_dim.dtype), numbers.dtype);
  return result.value_or(DType::kFloat32);
}

Val PointwiseContext::Own(int i) {
  auto found = loaded_.find(i);
  if (found != loaded_.end()) return found->second;
  Val v = LoadArgument(i);
  loaded_[i] = v;
  return v;
}

Val PointwiseContext::LoadArgument(int i) {
  if (!args().IsTensor(i)) return b_.FromExpr(dtype_, args().Scalar(i).value);
  const FakeTensor& t = args().Tensor(i);
  if (t.constant.has_value() && t.rank() == 0) {
    DType dtype = ComputationDType(t.dtype);
    if (t.constant->type == ExprType::kFloat) return b_.Constant(dtype, t.constant->f);
    return b_.Constant(dtype, t.constant->i);
  }
  return LoadBroadcast(b_, c_.Window(t), indices_);
}

absl::Status LowerPointwise(LoweringContext& c, const PointwiseRow& row) {
  TensorOperand out = c.Out();
  KernelBuilder b = c.NewKernel();
  Dims indices = b.BeginNest(out.sizes);
  DType dtype = DType::kBool;
  if (row.computes == Computes::kOut) dtype = ComputationDType(out.dtype);
  if (row.computes == Computes::kOperands) dtype = ComputationDType(PromoteOperands(c));
  PointwiseContext p(c, b, indices, dtype);
  StoreAt(b, out, indices, row.code(p));
  b.EndNest(indices);
  c.Emit(std::move(b));
  return absl::OkStatus();
}

}  // namespace kiln
