// What is known about symbols, and the guards that knowing cost.
//
// A ShapeEnv belongs to one propagation or compile. It holds each symbol's
// range and hint, the client's assumptions, and the facts already guarded. A
// boolean test on a size goes through `Test`: it is decided statically where
// possible (ranges, replacements, divisibility, facts); only then the hint is
// read and a guard is recorded. `StaticallyKnown` never reads a hint.
//
// The meaning follows PyTorch's ShapeEnv (torch/fx/experimental/
// symbolic_shapes.py): equality guards become replacements, inequalities
// tighten ranges, `Mod(a, b) == 0` makes later floor divisions exact.
//
// An assumption (a fact, or a range narrower than the symbol's kind gives by
// itself) that was needed to decide a test is marked used and appears among
// `Guards()` with kind kAssumption.
//
// Not thread-safe.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_SHAPE_ENV_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_SHAPE_ENV_H_

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fake_runtime/symbolic/data_memo.h"
#include "fake_runtime/symbolic/expr.h"
#include "fake_runtime/symbolic/guard.h"
#include "fake_runtime/symbolic/value_range.h"

namespace kiln {

// How a symbol may be used.
enum class DimPolicy : uint8_t {
  kAutomatic,  // may be specialised by a guard
  kDynamic,    // specialising it to one value is SPECIALIZED_DYNAMIC_DIM; with a
               // range narrower than [2, oo], so is a guard on it alone
  kUnbacked,   // no hint; tests on it are DATA_DEPENDENT_SIZE or a default
  kStatic,     // a dimension that stays the integer it is; never a symbol's
};

class ShapeEnv {
 public:
  // `pool` must outlive the env.
  explicit ShapeEnv(ExprPool* pool);
  ~ShapeEnv();
  ShapeEnv(const ShapeEnv&) = delete;
  ShapeEnv& operator=(const ShapeEnv&) = delete;

  ExprPool& pool() const;

  // Declares a backed symbol. `range` is an assumption where it is narrower
  // than `natural` (a size is >= 0 by nature; a plain SymInt is unbounded).
  // BAD_INPUT_METADATA if the hint is outside the range or it exists already.
  absl::Status AddBackedSymbol(Expr symbol, int64_t hint, ValueRange range,
                               ValueRange natural, DimPolicy policy);
  absl::Status AddUnbackedSymbol(Expr symbol, ValueRange range);
  // A new unbacked symbol u0, u1, ... for a data-dependent size.
  Expr FreshUnbacked(ValueRange range);
  // A new unbacked float zuf0, zuf1, ...
  Expr FreshUnbackedFloat();
  // A float that the client has, of which only `hint` is known.
  absl::Status AddBackedFloatSymbol(Expr symbol, double hint);
  // What was asked of data before.
  DataMemo& data_memo();
  // A fact that the client promises. BAD_INPUT_METADATA if the hints refute it.
  absl::Status AddAssumption(Expr condition, absl::string_view reason);

  // Whose tests the following calls make; copied into guards.
  void SetReason(GuardReason reason);
  const GuardReason& reason() const;

  // The value of `condition`, without reading a hint.
  std::optional<bool> StaticallyKnown(Expr condition);
  bool KnownTrue(Expr c) { return StaticallyKnown(c) == true; }
  bool KnownEqual(Expr a, Expr b) { return KnownTrue(pool().Eq(a, b)); }

  // Decides `condition`; when it is not known statically, reads the hint and
  // records a guard on the outcome. `what` says in a few words what was tested.
  // DATA_DEPENDENT_SIZE when it hangs on an unbacked symbol.
  absl::StatusOr<bool> Test(Expr condition, absl::string_view what,
                            GuardKind kind = GuardKind::kShape);
  // As Test, but `fallback` when it hangs on an unbacked symbol (PyTorch's
  // guard_or_true and guard_or_false).
  absl::StatusOr<bool> TestOr(Expr condition, bool fallback,
                              absl::string_view what);
  // Demands `condition`. OK when it is or can be guarded true; when it hangs on
  // an unbacked symbol it becomes a runtime assert. False: a SHAPE_MISMATCH
  // with `message`.
  absl::Status Check(Expr condition, absl::string_view what,
                     absl::string_view message);
  // Specialises `e` to its hint's value, with a guard e == value.
  absl::StatusOr<int64_t> Specialize(Expr e, absl::string_view what);

  // The hint's value of `e`, for messages and for cost models whose choice
  // does not change what the code means. Never for a decision that does.
  std::optional<int64_t> HintOf(Expr e) const;
  std::optional<ScalarValue> HintOfScalar(Expr e) const;

  // `e` with the known replacements and facts applied.
  Expr Simplify(Expr e);
  ValueRange RangeOf(Expr e) const;

  // LIMIT_EXCEEDED once work is over Limit::kRewriteSteps, or an unbacked
  // symbol or a used assumption was one too many. What was answered since may
  // be poison or unknown.
  absl::Status LimitStatus() const;

  // A minimal conjunction that implies every recorded guard and every used
  // assumption, in the order of recording: what is implied by the others is
  // dropped.
  std::vector<Guard> Guards() const;
  // Everything recorded, reduced or not: for `--why`.
  const std::vector<Guard>& recorded_guards() const;
  // Facts about unbacked symbols to be tested when the code runs.
  const std::vector<Guard>& runtime_asserts() const;

 private:
  struct Rep;
  std::unique_ptr<Rep> rep_;
};

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_SHAPE_ENV_H_
