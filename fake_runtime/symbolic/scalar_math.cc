#include "fake_runtime/symbolic/scalar_math.h"

#include <charconv>
#include <string>

#include "base/checked_int.h"

namespace kiln {

std::optional<double> RoundToDigits(double x, int64_t digits) {
  // Beyond these every float is its own nearest decimal, or 0 is.
  constexpr int64_t kMostDigits = 340, kFewestDigits = -310;
  if (!std::isfinite(x) || digits > kMostDigits) return x;
  if (digits < kFewestDigits) return std::copysign(0.0, x);
  if (digits < 0) {
    // Exact halves only come up for integral floats, and go to even.
    const long double unit = std::pow(10.0L, static_cast<long double>(-digits));
    const long double scaled = static_cast<long double>(x) / unit, down = std::floor(scaled), rest = scaled - down;
    const bool up = rest > 0.5L || (rest == 0.5L && std::fmod(down, 2.0L) != 0);
    const double rounded = static_cast<double>((up ? down + 1 : down) * unit);
    if (std::isinf(rounded)) return std::nullopt;
    return std::copysign(rounded, x);
  }
  // to_chars in fixed notation is exact and rounds ties, which are exact binary
  // fractions, to even: what CPython's own formatting does.
  std::string text(400 + static_cast<size_t>(digits), '\0');
  std::to_chars_result end = std::to_chars(text.data(), text.data() + text.size(), x, std::chars_format::fixed,
                                           static_cast<int>(digits));
  double rounded = x;
  std::from_chars(text.data(), end.ptr, rounded);
  return rounded;
}

std::optional<int64_t> PowInts(int64_t base, int64_t exponent) {
  if (exponent < 0) return std::nullopt;
  if (exponent == 0 || base == 1) return 1;
  if (base == 0) return 0;
  if (base == -1) return exponent % 2 == 0 ? 1 : -1;
  // Every other base overflows in 63 steps at the latest.
  int64_t result = 1;
  for (int64_t i = 0; i < exponent; ++i) {
    std::optional<int64_t> next = CheckedMul(result, base);
    if (!next) return std::nullopt;
    result = *next;
  }
  return result;
}

}  // namespace kiln
