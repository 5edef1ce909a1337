#include "cache/failed_guards.h"

#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "absl/strings/str_cat.h"
#include "fake_runtime/symbolic/expr.h"

namespace kiln {

std::vector<FailedGuard> FailedGuards(const v1::VariantRecord& record, absl::Span<const int64_t> symbol_values,
                                      size_t max) {
  std::vector<FailedGuard> failed;
  if (static_cast<size_t>(record.symbols_size()) != symbol_values.size()) return failed;
  ExprPool pool;
  absl::flat_hash_map<Expr, int> index_of;
  for (int i = 0; i < record.symbols_size(); ++i) index_of[pool.Symbol(record.symbols(i))] = i;
  auto value_of = [&](Expr symbol) -> std::optional<int64_t> {
    auto at = index_of.find(symbol);
    if (at == index_of.end()) return std::nullopt;
    return symbol_values[static_cast<size_t>(at->second)];
  };
  for (int g = 0; g < record.guards_size() && failed.size() < max; ++g) {
    FailedGuard guard = {.guard = g, .condition = record.guards(g).condition()};
    const absl::StatusOr<Expr> condition = pool.Parse(guard.condition);
    if (condition.ok()) {
      const std::optional<ScalarValue> value = Evaluate(*condition, value_of);
      if (value.has_value() && value->i != 0) continue;
      VisitSymbols(*condition, [&](Expr symbol) {
        const std::optional<int64_t> size = value_of(symbol);
        if (!size.has_value()) return;
        if (guard.symbol < 0) guard.symbol = index_of.at(symbol);
        absl::StrAppend(&guard.values, guard.values.empty() ? "" : ", ", symbol.symbol_name(), " = ", *size);
      });
    }
    failed.push_back(std::move(guard));
  }
  return failed;
}

}  // namespace kiln
