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

// The nearest integral float, ties to even, whatever the rounding mode is.
inline double RoundHalfEven(double x) {
  const double down = std::floor(x), rest = x - down;
  if (!(rest >= 0.5)) return down;
  if (rest > 0.5) return down + 1;
  return std::fmod(down, 2.0) == 0 ? down : down + 1;
}

// Python's round(x, digits): the float nearest to the decimal number with that
// many digits behind the point that is nearest to x. nullopt where it overflows.
std::optional<double> RoundToDigits(double x, int64_t digits);

// Python's base ** exponent for integers. nullopt on overflow and for a
// negative exponent.
std::optional<int64_t> PowInts(int64_t base, int64_t exponent);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_SCALAR_MATH_H_
