// The least and the greatest value of a dtype: what a maximum or a minimum of
// nothing is.
#ifndef KILN_COMPILER_LOOPS_EXTREME_VALUES_H_
#define KILN_COMPILER_LOOPS_EXTREME_VALUES_H_

#include <cstdint>
#include <limits>

#include "compiler/loops/kernel_builder.h"

namespace kiln {

template <typename Integer>
Val ExtremeInteger(KernelBuilder& b, DType dtype, bool lowest) {
  using Limits = std::numeric_limits<Integer>;
  return b.Constant(dtype, static_cast<int64_t>(lowest ? Limits::min() : Limits::max()));
}

inline Val ExtremeValue(KernelBuilder& b, DType dtype, bool lowest) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (!IsIntegralOrBool(dtype)) return b.Constant(dtype, lowest ? -kInf : kInf);
  if (dtype == DType::kBool) return b.ConstantBool(!lowest);
  if (dtype == DType::kUInt8) return ExtremeInteger<uint8_t>(b, dtype, lowest);
  if (dtype == DType::kInt8) return ExtremeInteger<int8_t>(b, dtype, lowest);
  if (dtype == DType::kInt16) return ExtremeInteger<int16_t>(b, dtype, lowest);
  if (dtype == DType::kInt32) return ExtremeInteger<int32_t>(b, dtype, lowest);
  return ExtremeInteger<int64_t>(b, dtype, lowest);
}
inline Val LowestValue(KernelBuilder& b, DType dtype) { return ExtremeValue(b, dtype, true); }
inline Val HighestValue(KernelBuilder& b, DType dtype) { return ExtremeValue(b, dtype, false); }

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_EXTREME_VALUES_H_
