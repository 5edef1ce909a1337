// Operators on one element whose result IEEE 754 or integer arithmetic fixes to the
// bit, a row each. A sine, whose last bit hangs on PyTorch's kernel, has none.
#ifndef KILN_FAKE_RUNTIME_OPS_CONSTANT_KERNELS_H_
#define KILN_FAKE_RUNTIME_OPS_CONSTANT_KERNELS_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/tensor/dtype.h"

namespace kiln {

// In which dtype the operands meet: promoted, promoted and then floating, or the
// result's.
enum class Meet : uint8_t { kPromoted, kFloat, kResult };

struct ConstantKernel {
  absl::string_view name;  // of the operator, without overload and '_'
  int operands;            // the leading arguments
  Meet meet;
  // Null where a kind has no such kernel, or its last bit is the kernel's.
  std::optional<int64_t> (*ints)(int64_t a, int64_t b);
  std::optional<float> (*floats)(float a, float b);
  std::optional<double> (*doubles)(double a, double b);
  bool bools = false;  // the kernel takes bools as well
};

// The kernel of "add", or nullptr.
const ConstantKernel* FindConstantKernel(absl::string_view name);
// That of `div` with this rounding mode, "trunc" or "floor".
const ConstantKernel* RoundedDivKernel(absl::string_view rounding_mode);

// Its result on elements of `dtype`, in which `a` and `b` are already; `b` is not
// looked at by a kernel of one operand. nullopt where the arithmetic is undefined
// or the kernel takes no such dtype.
std::optional<ScalarValue> RunConstantKernel(const ConstantKernel& kernel, DType dtype, const ScalarValue& a,
                                             const ScalarValue& b);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_OPS_CONSTANT_KERNELS_H_
