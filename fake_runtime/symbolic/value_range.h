// Closed integer intervals with infinities, and interval arithmetic over
// expressions.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_VALUE_RANGE_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_VALUE_RANGE_H_

#include <cstdint>
#include <functional>
#include <limits>
#include <optional>
#include <string>

#include "fake_runtime/symbolic/expr.h"

namespace kiln {

// [lower, upper]; kMin and kMax stand for minus and plus infinity.
struct ValueRange {
  static constexpr int64_t kMin = std::numeric_limits<int64_t>::min();
  static constexpr int64_t kMax = std::numeric_limits<int64_t>::max();

  int64_t lower = kMin;
  int64_t upper = kMax;

  static ValueRange Exactly(int64_t v) { return {v, v}; }
  static ValueRange AtLeast(int64_t v) { return {v, kMax}; }
  bool empty() const { return lower > upper; }
  bool singleton() const { return lower == upper; }
  bool Contains(int64_t v) const { return lower <= v && v <= upper; }
  bool Contains(const ValueRange& o) const {
    return lower <= o.lower && o.upper <= upper;
  }
  ValueRange Intersect(const ValueRange& o) const {
    return {lower > o.lower ? lower : o.lower, upper < o.upper ? upper : o.upper};
  }
  std::string ToString() const;  // "[2, 64]", "[2, oo]"
  friend bool operator==(const ValueRange&, const ValueRange&) = default;
};

// A range that contains every value of the integer expression `e` when each
// symbol lies in `range_of(symbol)`. Booleans are 0 or 1. Sound, not tight.
ValueRange BoundOf(Expr e,
                   const std::function<ValueRange(Expr symbol)>& range_of);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_VALUE_RANGE_H_
