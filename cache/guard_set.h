// The guards of one variant, parsed once and evaluated on symbol values often.
//
//   KILN_ASSIGN_OR_RETURN(GuardSet set, GuardSet::Parse(record, &pool));
//   set.Holds({8, 16, 8});
//
// A guard `symbol == constant` is a pin: it is found by hashing, not by
// evaluation. Everything else is a residual predicate. A predicate that has no
// value on these symbols (overflow, division by zero) does not hold.
//
// Thread-compatible: uses its pool's expressions, see ExprPool.
#ifndef KILN_CACHE_GUARD_SET_H_
#define KILN_CACHE_GUARD_SET_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fake_runtime/symbolic/expr.h"
#include "kiln/v1/artifact.pb.h"

namespace kiln {

// Symbol `index` (in canonical order) must be `value`.
struct Pin {
  int index;
  int64_t value;
  friend auto operator<=>(const Pin&, const Pin&) = default;
};

class GuardSet {
 public:
  // `symbols` are the canonical names in canonical order. ARTIFACT_CORRUPT,
  // naming the guard, if one does not parse, is not boolean or speaks of another
  // symbol. `pool` must outlive the set.
  static absl::StatusOr<GuardSet> Parse(const std::vector<std::string>& symbols,
                                        absl::Span<const v1::Guard* const> guards, ExprPool* pool);
  static absl::StatusOr<GuardSet> Parse(const v1::VariantRecord& record, ExprPool* pool);

  int num_symbols() const { return num_symbols_; }
  // Sorted by index, at most one for each.
  const std::vector<Pin>& pins() const { return pins_; }
  int num_residuals() const { return static_cast<int>(residuals_.size()); }
  // Conditions, each once; none is a conjunction.
  const std::vector<Expr>& residuals() const { return residuals_; }
  // Some guard was asked for by a stage that made faster code with it.
  bool has_performance_guard() const { return has_performance_guard_; }

  // `values` has one value for each symbol.
  bool Holds(absl::Span<const int64_t> values) const { return PinsHold(values) && ResidualsHold(values); }
  bool PinsHold(absl::Span<const int64_t> values) const;
  bool ResidualsHold(absl::Span<const int64_t> values) const;

 private:
  GuardSet() = default;
  void Add(Expr condition);

  int num_symbols_ = 0;
  bool has_performance_guard_ = false;
  absl::flat_hash_map<Expr, int> index_of_;
  std::vector<Pin> pins_;
  std::vector<Expr> residuals_;
};

}  // namespace kiln

#endif  // KILN_CACHE_GUARD_SET_H_
