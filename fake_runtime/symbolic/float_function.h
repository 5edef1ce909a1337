// The functions of one float that size expressions may hold, opaque to every
// rule but folding of constants: PyTorch's OpaqueUnaryFn_*, math.* in Python.
// The square root has an expression kind of its own.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_FLOAT_FUNCTION_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_FLOAT_FUNCTION_H_

#include <cstdint>
#include <optional>

#include "absl/strings/string_view.h"

namespace kiln {

// In the order of names. Numbers are part of expressions' digests: new
// functions go to the end.
enum class FloatFunction : uint8_t {
  kAcos, kAsin, kAsinh, kAtan, kCos, kCosh, kExp, kLog, kLog2, kSin, kSinh, kTan, kTanh, kCount
};

absl::string_view FloatFunctionName(FloatFunction function);  // "sin", ...
std::optional<FloatFunction> FindFloatFunction(absl::string_view name);

// math.<name>(x). nullopt where Python raises: a domain or an overflow error.
std::optional<double> CallFloatFunction(FloatFunction function, double x);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_FLOAT_FUNCTION_H_
