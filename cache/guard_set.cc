#include "cache/guard_set.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/error.h"
#include "base/status_macros.h"

namespace kiln {
namespace {

absl::Status Corrupt(absl::string_view what) { return MakeError(ErrorReason::kArtifactCorrupt, what); }

// `condition` as symbol == constant, if it is that.
struct SymbolEquals {
  Expr symbol;
  int64_t value;
};
std::optional<SymbolEquals> AsSymbolEquals(Expr condition) {
  if (condition.kind() != ExprKind::kEq) return std::nullopt;
  Expr a = condition.args()[0];
  Expr b = condition.args()[1];
  if (a.kind() != ExprKind::kSymbol) std::swap(a, b);
  if (a.kind() != ExprKind::kSymbol || !b.AsInt().has_value()) return std::nullopt;
  return SymbolEquals{a, *b.AsInt()};
}

}  // namespace

absl::StatusOr<GuardSet> GuardSet::Parse(const std::vector<std::string>& symbols,
                                         absl::Span<const v1::Guard* const> guards, ExprPool* pool) {
  GuardSet set;
  set.num_symbols_ = static_cast<int>(symbols.size());
  for (const std::string& name : symbols) {
    const Expr symbol = pool->Symbol(name);
    // The values that guards are tried on are integers.
    if (symbol.type() != ExprType::kInt) return Corrupt(absl::StrCat("symbol ", name, " is a float"));
    const int index = static_cast<int>(set.index_of_.size());
    if (!set.index_of_.emplace(symbol, index).second) {
      return Corrupt(absl::StrCat("symbol ", name, " is listed twice"));
    }
  }
  for (const v1::Guard* guard : guards) {
    absl::StatusOr<Expr> condition = pool->Parse(guard->condition());
    if (!condition.ok()) {
      return Corrupt(absl::StrCat("guard '", guard->condition(), "': ", condition.status().message()));
    }
    if (condition->is_poison() || condition->type() != ExprType::kBool) {
      return Corrupt(absl::StrCat("guard '", guard->condition(), "' is not boolean"));
    }
    std::optional<std::string> unknown;
    VisitSymbols(*condition, [&](Expr symbol) {
      if (!set.index_of_.contains(symbol)) unknown = std::string(symbol.symbol_name());
    });
    if (unknown.has_value()) {
      return Corrupt(absl::StrCat("guard '", guard->condition(), "' speaks of ", *unknown, ", which is none of the ",
                                  symbols.size(), " symbols"));
    }
    set.has_performance_guard_ |= guard->kind() == v1::Guard::KIND_PERFORMANCE;
    set.Add(*condition);
  }
  std::sort(set.pins_.begin(), set.pins_.end());
  return set;
}

absl::StatusOr<GuardSet> GuardSet::Parse(const v1::VariantRecord& record, ExprPool* pool) {
  std::vector<const v1::Guard*> guards;
  for (const v1::Guard& guard : record.guards()) guards.push_back(&guard);
  return Parse({record.symbols().begin(), record.symbols().end()}, guards, pool);
}

void GuardSet::Add(Expr condition) {
  if (condition.kind() == ExprKind::kAnd) {
    for (Expr part : condition.args()) Add(part);
    return;
  }
  if (condition.AsBool() == true) return;
  if (std::optional<SymbolEquals> equals = AsSymbolEquals(condition)) {
    const int index = index_of_.at(equals->symbol);
    auto same = std::find_if(pins_.begin(), pins_.end(), [&](const Pin& pin) { return pin.index == index; });
    if (same == pins_.end()) {
      pins_.push_back({index, equals->value});
      return;
    }
    if (same->value == equals->value) return;
    // Pinned to two values: the second stays a residual, and never holds.
  }
  if (std::find(residuals_.begin(), residuals_.end(), condition) == residuals_.end()) residuals_.push_back(condition);
}

bool GuardSet::PinsHold(absl::Span<const int64_t> values) const {
  return std::all_of(pins_.begin(), pins_.end(),
                     [&](const Pin& pin) { return values[static_cast<size_t>(pin.index)] == pin.value; });
}

bool GuardSet::ResidualsHold(absl::Span<const int64_t> values) const {
  auto value_of = [&](Expr symbol) -> std::optional<int64_t> {
    return values[static_cast<size_t>(index_of_.at(symbol))];
  };
  return std::all_of(residuals_.begin(), residuals_.end(), [&](Expr condition) {
    std::optional<ScalarValue> value = Evaluate(condition, value_of);
    return value.has_value() && value->i != 0;
  });
}

}  // namespace kiln
