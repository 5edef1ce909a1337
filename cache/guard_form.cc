#include "cache/guard_form.h"

#include <algorithm>
#include <optional>

namespace kiln {
namespace {

constexpr Interval kNothing = {std::numeric_limits<int64_t>::max(), std::numeric_limits<int64_t>::min()};

// The constant of a comparison of integers, if this side of it is one.
std::optional<int64_t> Constant(Expr side) {
  return side.type() == ExprType::kInt ? side.AsInt() : std::nullopt;
}

std::optional<GuardForm::Exact> AsExact(Expr condition) {
  if (condition.kind() != ExprKind::kEq) return std::nullopt;
  const Expr a = condition.args()[0], b = condition.args()[1];
  if (a.type() != ExprType::kInt || b.type() != ExprType::kInt) return std::nullopt;
  if (std::optional<int64_t> value = Constant(b)) return GuardForm::Exact{a, *value};
  if (std::optional<int64_t> value = Constant(a)) return GuardForm::Exact{b, *value};
  return std::nullopt;
}

// term <= bound, or term < bound.
Interval Below(int64_t bound, bool strict) {
  if (!strict) return {.upper = bound};
  return bound == std::numeric_limits<int64_t>::min() ? kNothing : Interval{.upper = bound - 1};
}

Interval Above(int64_t bound, bool strict) {
  if (!strict) return {.lower = bound};
  return bound == std::numeric_limits<int64_t>::max() ? kNothing : Interval{.lower = bound + 1};
}

std::optional<GuardForm::Bound> AsBound(Expr condition) {
  const bool strict = condition.kind() == ExprKind::kLt;
  if (!strict && condition.kind() != ExprKind::kLe) return std::nullopt;
  const Expr a = condition.args()[0], b = condition.args()[1];
  if (a.type() != ExprType::kInt || b.type() != ExprType::kInt) return std::nullopt;
  if (std::optional<int64_t> bound = Constant(b)) return GuardForm::Bound{a, Below(*bound, strict)};
  if (std::optional<int64_t> bound = Constant(a)) return GuardForm::Bound{b, Above(*bound, strict)};
  return std::nullopt;
}

// False if the term must have another value already: then they cannot both hold,
// and the caller lets the condition stand for itself.
bool AddExact(const GuardForm::Exact& exact, GuardForm& form) {
  for (const GuardForm::Exact& known : form.exact) {
    if (known.term == exact.term) return known.value == exact.value;
  }
  form.exact.push_back(exact);
  return true;
}

void AddBound(const GuardForm::Bound& bound, GuardForm& form) {
  for (GuardForm::Bound& known : form.bounds) {
    if (!(known.term == bound.term)) continue;
    known.interval.lower = std::max(known.interval.lower, bound.interval.lower);
    known.interval.upper = std::min(known.interval.upper, bound.interval.upper);
    return;
  }
  form.bounds.push_back(bound);
}

}  // namespace

GuardForm TakeApart(const GuardSet& guards, absl::Span<const Expr> symbols) {
  GuardForm form;
  for (const Pin& pin : guards.pins()) AddExact({symbols[static_cast<size_t>(pin.index)], pin.value}, form);
  for (Expr condition : guards.residuals()) {
    if (std::optional<GuardForm::Bound> bound = AsBound(condition)) {
      AddBound(*bound, form);
      continue;
    }
    if (std::optional<GuardForm::Exact> exact = AsExact(condition); exact.has_value() && AddExact(*exact, form)) continue;
    AddExact({condition, 1}, form);
  }
  return form;
}

}  // namespace kiln
