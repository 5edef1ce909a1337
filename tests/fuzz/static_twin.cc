#include "tests/fuzz/static_twin.h"

#include <algorithm>
#include <utility>

namespace kiln {
namespace {

class TwinMaker {
 public:
  TwinMaker(const SymbolValues& values, ExprPool* pool) : values_(values), pool_(pool) {}

  // False where the result is no integer that `least` allows. What has unbacked
  // symbols stays an expression.
  bool Fix(Expr& e, int64_t least) {
    if (e.AsInt().has_value()) return *e.AsInt() >= least;
    e = Fixed(e);
    if (e.is_poison()) return false;
    return e.has_unbacked() || (e.AsInt().has_value() && *e.AsInt() >= least);
  }

  Expr Fixed(Expr e) {
    return pool_->Substitute(e, [this](Expr symbol) -> std::optional<Expr> {
      auto it = values_.find(std::string(symbol.symbol_name()));
      return it == values_.end() ? std::nullopt : std::make_optional(pool_->Int(it->second));
    });
  }

  bool FixInput(GraphInput& input) {
    if (Expr* e = std::get_if<Expr>(&input.value)) return Fix(*e, INT64_MIN);
    FakeTensor& t = std::get<FakeTensor>(input.value);
    for (int d = 0; d < t.rank(); ++d) {
      if (!Fix(t.sizes[d], 0) || !Fix(t.strides[d], 0)) return false;
    }
    if (input.storage_bytes.has_value() && !Fix(*input.storage_bytes, 0)) return false;
    return Fix(t.storage_offset, 0);
  }

 private:
  const SymbolValues& values_;
  ExprPool* pool_;
};

}  // namespace

SymbolValues HintsOf(const Graph& graph) {
  SymbolValues values;
  for (const SymbolDeclaration& s : graph.symbols) {
    if (s.hint.has_value()) values.emplace(std::string(s.symbol.symbol_name()), *s.hint);
  }
  return values;
}

bool IsDeclared(const Graph& graph, Expr symbol) {
  return std::any_of(graph.symbols.begin(), graph.symbols.end(),
                     [&](const SymbolDeclaration& s) { return s.symbol == symbol; });
}

std::optional<int64_t> ValueAt(Expr e, const SymbolValues& values) {
  const std::optional<ScalarValue> value = Evaluate(e, [&](Expr symbol) -> std::optional<int64_t> {
    auto it = values.find(std::string(symbol.symbol_name()));
    return it == values.end() ? std::nullopt : std::make_optional(it->second);
  });
  return value.has_value() && value->type != ExprType::kFloat ? std::make_optional(value->i) : std::nullopt;
}

std::optional<double> FloatAt(Expr e, const SymbolValues& values) {
  const std::optional<ScalarValue> value = Evaluate(e, [&](Expr symbol) -> std::optional<int64_t> {
    auto it = values.find(std::string(symbol.symbol_name()));
    return it == values.end() ? std::nullopt : std::make_optional(it->second);
  });
  return value.has_value() ? std::make_optional(value->f) : std::nullopt;
}

std::optional<Graph> StaticTwin(const Graph& graph, const SymbolValues& values, ExprPool* pool) {
  TwinMaker maker(values, pool);
  Graph twin = graph;
  std::erase_if(twin.symbols, [](const SymbolDeclaration& s) { return s.policy != DimPolicy::kUnbacked; });
  std::vector<Expr> assumptions;
  for (Expr assumption : twin.assumptions) {
    const Expr fixed = maker.Fixed(assumption);
    if (fixed.is_poison() || fixed.AsBool() == false) return std::nullopt;
    if (!fixed.AsBool().has_value()) assumptions.push_back(fixed);
  }
  twin.assumptions = std::move(assumptions);
  for (GraphInput& input : twin.inputs) {
    if (!maker.FixInput(input)) return std::nullopt;
  }
  return twin;
}

}  // namespace kiln
