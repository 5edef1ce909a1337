// Python's arithmetic on floats and mixed numbers, for constants and at run
// time alike.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_SCALAR_MATH_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_SCALAR_MATH_H_

#include <cmath>
#include <cstdint>
#include <optional>

namespace kiln {

// Python's int / int: rounded once. nullopt for a zero divisor.
inline std::optional<double> TrueDivInts(int64_t a, int64_t b) {
  if (b == 0) return std::nullopt;
  // 80-bit operands are exact; a quotient of operands under 2^53 is rounded
  // once by the plain division already.
  constexpr int64_t kExact = int64_t{1} << 53;
  if (a > -kExact && a < kExact && b > -kExact && b < kExact) {
    return static_cast<double>(a) / static_cast<double>(b);
  }
  return static_cast<double>(static_cast<long double>(a) / static_cast<long double>(b));
}

// `rounded`, which is integral, as an int64. nullopt when it does not fit.
inline std::optional<int64_t> ToInt64(double rounded) {
  if (!(rounded >= -0x1p63 && rounded < 0x1p63)) return std::nullopt;
  return static_cast<int64_t>(rounded);
}

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_SCALAR_MATH_H_
