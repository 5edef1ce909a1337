// A guard set taken apart into what an index can find without trying:
//
//   e == c           exact: the term e must have the value c
//   e <= c, c <= e   a bound: the term e must lie in an interval
//   anything else    exact: the condition itself is the term, and must be true (1)
//
// A term is any integer expression, so that `s0 % 8 == 0` is the term `s0 % 8` with
// the value 0, and `s0*s1 <= 4096` bounds the term `s0*s1`. Several bounds of a term
// are one interval. A term without a value (overflow, division by zero) has neither
// the value nor a place in the interval, as the guard does not hold.
//
// Thread-compatible; a plain value. Its expressions are its pool's.
#ifndef KILN_CACHE_GUARD_FORM_H_
#define KILN_CACHE_GUARD_FORM_H_

#include <cstdint>
#include <limits>
#include <vector>

#include "absl/types/span.h"
#include "cache/guard_set.h"
#include "fake_runtime/symbolic/expr.h"

namespace kiln {

// From `lower` to `upper`, both included; empty if they are the wrong way round.
struct Interval {
  int64_t lower = std::numeric_limits<int64_t>::min();
  int64_t upper = std::numeric_limits<int64_t>::max();

  bool Contains(int64_t value) const { return lower <= value && value <= upper; }
  friend bool operator==(const Interval&, const Interval&) = default;
};

struct GuardForm {
  struct Exact {
    Expr term;
    int64_t value;
  };
  struct Bound {
    Expr term;
    Interval interval;
  };
  // Each with a term of its own.
  std::vector<Exact> exact;
  std::vector<Bound> bounds;
};

// The form holds on a list of symbol values if and only if the set does. `symbols`
// are those of the set, in its order.
GuardForm TakeApart(const GuardSet& guards, absl::Span<const Expr> symbols);

}  // namespace kiln

#endif  // KILN_CACHE_GUARD_FORM_H_
