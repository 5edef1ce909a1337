#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "base/error.h"
#include "base/status_macros.h"
#include "fake_runtime/graph/contiguous_default.h"
#include "fake_runtime/graph/signature_parser.h"
#include "fake_runtime/graph/text_form.h"

namespace kiln {
namespace {

SymbolDeclaration* FindSymbol(Graph& graph, Expr symbol) {
  for (SymbolDeclaration& s : graph.symbols) {
    if (s.symbol == symbol) return &s;
  }
  return nullptr;
}

template <typename Visitor>
void VisitInputSymbols(const GraphInput& input, Visitor&& visit) {
  if (const Expr* e = std::get_if<Expr>(&input.value)) VisitSymbols(*e, visit);
  const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
  if (t == nullptr) return;
  for (Expr e : t->sizes) VisitSymbols(e, visit);
  for (Expr e : t->strides) VisitSymbols(e, visit);
  VisitSymbols(t->storage_offset, visit);
  VisitSymbols(input.storage_bytes.value_or(Expr()), visit);
}

absl::StatusOr<size_t> FindInput(const Graph& graph, const std::string& name) {
  std::vector<std::string> names;
  for (size_t i = 0; i < graph.inputs.size(); ++i) {
    if (graph.inputs[i].name == name) return i;
    names.push_back(graph.inputs[i].name);
  }
  return MakeError(ErrorReason::kBadInputMetadata,
                   absl::StrCat("the graph has no input '", name, "'; it has ", absl::StrJoin(names, ", ")));
}

// What `e` was for the graph: a number, or what its symbols' hints make of it.
std::optional<int64_t> HintOf(Graph& graph, Expr e) {
  return EvaluateInt(e, [&](Expr s) -> std::optional<int64_t> {
    const SymbolDeclaration* known = FindSymbol(graph, s);
    return known == nullptr ? std::nullopt : known->hint;
  });
}

// Hints for symbols that are new and have none, from the sizes that they replace.
void TakeHints(Graph& graph, const FakeTensor* before, const FakeTensor& now, std::vector<SymbolDeclaration>& symbols) {
  if (before == nullptr || before->rank() != now.rank()) return;
  for (int d = 0; d < now.rank(); ++d) {
    for (SymbolDeclaration& s : symbols) {
      if (s.symbol == now.sizes[d] && !s.hint.has_value() && s.policy != DimPolicy::kUnbacked) {
        s.hint = HintOf(graph, before->sizes[d]);
      }
    }
  }
}

// Declarations of all symbols of `lone`, those included of which it says nothing.
std::vector<SymbolDeclaration> SymbolsOf(const LoneInput& lone) {
  std::vector<SymbolDeclaration> out;
  VisitInputSymbols(lone.input, [&](Expr symbol) {
    for (const SymbolDeclaration& s : out) {
      if (s.symbol == symbol) return;
    }
    SymbolDeclaration& s = out.emplace_back();
    s.symbol = symbol;
    if (symbol.has_unbacked()) s.policy = DimPolicy::kUnbacked;
    for (const SymbolDeclaration& said : lone.symbols) {
      if (said.symbol == symbol) s = said;
    }
  });
  return out;
}

// What is said here counts, not what was said before.
void Declare(Graph& graph, const std::vector<SymbolDeclaration>& symbols) {
  for (const SymbolDeclaration& s : symbols) {
    SymbolDeclaration* known = FindSymbol(graph, s.symbol);
    if (known == nullptr) {
      graph.symbols.push_back(s);
      continue;
    }
    if (s.hint.has_value()) known->hint = s.hint;
    if (s.float_hint.has_value()) known->float_hint = s.float_hint;
    if (!(s.range == ValueRange{})) known->range = s.range;
    if (s.policy != DimPolicy::kAutomatic) known->policy = s.policy;
  }
}

void DropUnusedSymbols(Graph& graph) {
  absl::flat_hash_set<Expr> used;
  auto use = [&](Expr symbol) { used.insert(symbol); };
  for (const GraphInput& input : graph.inputs) VisitInputSymbols(input, use);
  for (Expr e : graph.assumptions) VisitSymbols(e, use);
  graph.symbols.erase(std::remove_if(graph.symbols.begin(), graph.symbols.end(),
                                     [&](const SymbolDeclaration& s) { return !used.contains(s.symbol); }),
                      graph.symbols.end());
}

absl::StatusOr<StorageId> StorageOf(const Graph& graph, size_t index, const LoneInput& lone) {
  const FakeTensor* before = std::get_if<FakeTensor>(&graph.inputs[index].value);
  if (lone.alias.empty()) {
    if (before != nullptr) return before->storage;
    int next = 0;
    for (const GraphInput& input : graph.inputs) {
      const FakeTensor* t = std::get_if<FakeTensor>(&input.value);
      if (t != nullptr) next = std::max(next, t->storage.value + 1);
    }
    return StorageId{next};
  }
  KILN_ASSIGN_OR_RETURN(size_t other, FindInput(graph, lone.alias));
  const FakeTensor* t = std::get_if<FakeTensor>(&graph.inputs[other].value);
  if (t != nullptr && other != index) return t->storage;
  return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("alias=%", lone.alias, " names no other tensor"));
}

}  // namespace

absl::Status OverrideInput(Graph& graph, absl::string_view text, ExprPool* pool, const SchemaLookup& lookup) {
  KILN_ASSIGN_OR_RETURN(LoneInput lone, ParseLoneInput(text, pool));
  KILN_ASSIGN_OR_RETURN(size_t index, FindInput(graph, lone.input.name));
  GraphInput& input = graph.inputs[index];
  const FakeTensor* before = std::get_if<FakeTensor>(&input.value);
  std::vector<SymbolDeclaration> symbols = SymbolsOf(lone);
  if (FakeTensor* t = std::get_if<FakeTensor>(&lone.input.value)) {
    if (!lone.has_dtype) {
      if (before == nullptr) {
        return MakeError(ErrorReason::kBadInputMetadata, absl::StrCat("input ", input.name, " is a scalar: say its dtype"));
      }
      t->dtype = before->dtype;
      if (t->device == Device{}) t->device = before->device;
    }
    KILN_ASSIGN_OR_RETURN(t->storage, StorageOf(graph, index, lone));
    TakeHints(graph, before, *t, symbols);
    Declare(graph, symbols);
    if (!lone.has_strides) t->strides = DefaultStrides(*pool, t->sizes, graph.symbols);
  } else {
    Declare(graph, symbols);
  }
  if (lone.has_kind) input.kind = lone.input.kind;
  input.donated |= lone.input.donated;
  input.constant |= lone.input.constant;
  input.policies = std::move(lone.input.policies);
  input.storage_bytes = lone.input.storage_bytes;
  input.value = std::move(lone.input.value);
  DropUnusedSymbols(graph);
  // The reader checks all that a graph must be.
  KILN_ASSIGN_OR_RETURN(graph, ParseGraph(PrintGraph(graph), pool, lookup));
  return absl::OkStatus();
}

}  // namespace kiln
