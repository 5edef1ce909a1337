// Type promotion of elementwise operators (torch.result_type and the kinds of
// torch._prims_common.ELEMENTWISE_TYPE_PROMOTION_KIND).
//
// Three groups of operands rank in this order: tensors with dimensions, 0-dim
// tensors, and numbers. A lower group changes the result only when its category
// (bool < integer < float < complex) is higher.
#ifndef KILN_FAKE_RUNTIME_OPS_PROMOTION_H_
#define KILN_FAKE_RUNTIME_OPS_PROMOTION_H_

#include <optional>

#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fake_runtime/ops/meta_context.h"

namespace kiln {

// An operand of an elementwise operator: a tensor, or a number.
struct Operand {
  const FakeTensor* tensor = nullptr;
  FakeScalar number;  // where tensor is null
};

// What becomes of the promoted dtype.
enum class Promote : uint8_t {
  kDefault,         // add
  kIntToFloat,      // sin
  kAlwaysBool,      // eq
  kComplexToFloat,  // abs
  kBoolToLong,      // sum
};

// The dtype that PyTorch gives a bare number of this type.
DType NumberDType(ExprType type);
// torch.result_type. DTYPE_MISMATCH where PyTorch refuses to promote.
absl::StatusOr<DType> ResultType(MetaContext& ctx, absl::Span<const Operand> operands);
DType ApplyPromote(DType dtype, Promote promote);
// c10::canCast: not complex to real, float to integer, or anything to bool.
bool CanCast(DType from, DType to);
// complex64 -> float32 and so on; others stay.
DType RealDType(DType dtype);
// float32 -> complex64 and so on; others stay.
DType ComplexDType(DType dtype);
// An integral or bool dtype becomes the default dtype, float32.
DType FloatDType(DType dtype);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_PROMOTION_H_
