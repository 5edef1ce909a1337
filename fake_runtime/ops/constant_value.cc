#include "fake_runtime/ops/constant_value.h"

#include "absl/algorithm/container.h"
#include "absl/strings/strip.h"
#include "fake_runtime/ops/cast_constant.h"
#include "fake_runtime/ops/constant_kernels.h"
#include "fake_runtime/ops/elementwise.h"
#include "fake_runtime/ops/promotion.h"

namespace kiln {
namespace {

bool IsOneElement(const FakeTensor& t) {
  return t.device.is_cpu() && absl::c_all_of(t.sizes, [](Expr size) { return size.IsInt(1); });
}

bool AllConstants(MetaContext& ctx) {
  bool any = false;
  for (int i = 0; i < ctx.num_args(); ++i) {
    if (ctx.Raw(i).get_if<ArgumentList>() != nullptr) return false;
    if (!ctx.IsTensor(i)) continue;
    const FakeTensor& t = ctx.Tensor(i);
    if (!t.constant.has_value() || t.neg_bit || !IsOneElement(t)) return false;
    any = true;
  }
  return any;
}

const ConstantKernel* FindKernel(MetaContext& ctx) {
  absl::string_view name = ctx.schema().name;
  if (!absl::ConsumePrefix(&name, "aten.")) return nullptr;
  name = absl::StripSuffix(name.substr(0, name.find('.')), "_");
  const int mode = ctx.schema().FindArg("rounding_mode");
  if (mode >= 0 && !ctx.IsNone(mode)) return RoundedDivKernel(ctx.String(mode));
  // With a tensor for a bound, clamp is the other kernel.
  if (name == "clamp_min" && ctx.IsTensor(1)) name = "maximum";
  if (name == "clamp_max" && ctx.IsTensor(1)) name = "minimum";
  return FindConstantKernel(name);
}

// What a cast or a kernel's own choice of the order hangs on is not computed.
bool HasPlainOptions(MetaContext& ctx) {
  const int alpha = ctx.schema().FindArg("alpha"), decimals = ctx.schema().FindArg("decimals");
  if (alpha >= 0 && ctx.Scalar(alpha).value.AsInt() != 1) return false;
  return decimals < 0;
}

std::optional<ScalarValue> ValueOf(const Operand& operand) {
  if (operand.tensor != nullptr) return operand.tensor->constant;
  return LiteralValue(operand.number.value);
}

// Kernels for the half types take a number as float32, others as an element.
bool IsExactInHalf(const ScalarValue& value, DType dtype) {
  if (dtype != DType::kBFloat16 && dtype != DType::kFloat16) return true;
  const std::optional<ScalarValue> rounded = CastConstant(value, dtype);
  const double exact = value.type == ExprType::kFloat ? value.f : static_cast<double>(value.i);
  return rounded.has_value() && rounded->f == exact;
}

}  // namespace

std::optional<ScalarValue> ConstantResult(const OpRow& row, MetaContext& ctx) {
  if (row.has(kTagView) || row.has(kTagInplaceView) || !AllConstants(ctx)) return std::nullopt;
  const FakeTensor* result = ctx.returned().size() == 1 && !ctx.returned()[0].is_list
                                 ? std::get_if<FakeTensor>(&ctx.returned()[0].values[0])
                                 : nullptr;
  const ConstantKernel* kernel = FindKernel(ctx);
  if (result == nullptr || !IsOneElement(*result) || kernel == nullptr || !HasPlainOptions(ctx)) return std::nullopt;
  Operands operands;
  for (int i = 0; i < kernel->operands; ++i) operands.push_back(OperandOf(ctx, i));
  DType dtype = result->dtype;
  if (kernel->meet != Meet::kResult) {
    absl::StatusOr<DType> promoted = ResultType(ctx, operands);
    if (!promoted.ok()) return std::nullopt;
    dtype = kernel->meet == Meet::kFloat ? FloatDType(*promoted) : *promoted;
  }
  std::optional<ScalarValue> values[2];
  for (size_t i = 0; i < operands.size(); ++i) {
    values[i] = ValueOf(operands[i]);
    if (!values[i].has_value()) return std::nullopt;
    if (kernel->meet != Meet::kResult && !IsExactInHalf(*values[i], dtype)) return std::nullopt;
    const std::optional<ScalarValue> cast = CastConstant(*values[i], dtype);
    if (!cast.has_value()) return std::nullopt;
    // A number that the dtype does not hold is refused by some kernels, and wraps in others.
    const bool wraps = values[i]->type == ExprType::kInt && cast->type == ExprType::kInt && values[i]->i != cast->i;
    if (operands[i].tensor == nullptr && wraps) return std::nullopt;
    values[i] = cast;
  }
  const std::optional<ScalarValue> out = RunConstantKernel(*kernel, dtype, *values[0], values[1].value_or(*values[0]));
  return out.has_value() ? CastConstant(*out, result->dtype) : std::nullopt;
}

}  // namespace kiln
