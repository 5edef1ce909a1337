// Builds a Graph piece by piece and refuses whatever would break its invariants
// (graph.h). Text parser and import are thin readers in front of it, so both
// refuse the same things with the same words.
//
//   GraphBuilder builder(&pool, FindOpSchema);
//   KILN_RETURN_IF_ERROR(builder.AddInput(input));
//   KILN_ASSIGN_OR_RETURN(ValueId a, builder.Find("a"));
//   KILN_RETURN_IF_ERROR(builder.AddNode("aten.relu.default", {{"",
//   Argument(a)}}, {{{"b"}}}, "")); KILN_ASSIGN_OR_RETURN(Graph graph,
//   std::move(builder).Finish({Argument(b)}));
//
// After an error the builder is good for nothing. Not thread-safe.
#ifndef KILN_FAKE_RUNTIME_GRAPH_GRAPH_BUILDER_H_
#define KILN_FAKE_RUNTIME_GRAPH_GRAPH_BUILDER_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/status/statusor.h"
#include "absl/types/span.h"
#include "fake_runtime/graph/graph.h"
#include "fake_runtime/graph/normalize_arguments.h"

namespace kiln {

// Finds an operator's schema by its full name, or nullptr. The op table has one
// (FindOpSchema); a parameter here because the graph may not see the op table.
using SchemaLookup = std::function<const OpSchema*(absl::string_view name)>;

// Names that a node gives to one return of its schema. An empty name, or none
// for a return that is no list, stands for a value that nothing uses.
struct OutputNames {
  std::vector<std::string> names;
  bool is_list = false;
};

class GraphBuilder {
 public:
  // `pool` must outlive the graph.
  GraphBuilder(ExprPool* pool, SchemaLookup lookup);

  void SetName(absl::string_view name) { graph_.name = std::string(name); }
  // A node further on will define `name`: finding it before is GRAPH_CYCLE.
  void Announce(absl::string_view name) {
    if (!name.empty()) announced_.insert(std::string(name));
  }
  // `DUPLICATE_NAME`, `LIMIT_EXCEEDED`, BAD_INPUT_METADATA for an empty range,
  // a hint outside it, or an unbacked symbol with a hint.
  absl::Status DeclareSymbol(SymbolDeclaration declaration);
  bool IsDeclared(Expr symbol) const { return symbols_.contains(symbol); }
  // BAD_EXPRESSION unless boolean and over declared symbols.
  absl::Status AddAssumption(Expr condition);
  // BAD_INPUT_METADATA, BAD_EXPRESSION, SIZE_OVERFLOW, DUPLICATE_NAME,
  // LIMIT_EXCEEDED. A storage id of -1 means a new one; others must be those of
  // inputs before, or the next.
  absl::Status AddInput(GraphInput input);
  // DANGLING_VALUE, GRAPH_CYCLE.
  absl::StatusOr<ValueId> Find(absl::string_view name) const;
  // UNKNOWN_OP, BAD_ARGUMENT_COUNT, BAD_ARGUMENT_TYPE, DUPLICATE_NAME,
  // LIMIT_EXCEEDED. The message names the node.
  absl::Status AddNode(absl::string_view op, std::vector<NamedArgument> args,
                       std::vector<OutputNames> outputs, std::string location);
  absl::StatusOr<Graph> Finish(std::vector<Argument> outputs) &&;

  int num_nodes() const { return static_cast<int>(graph_.nodes.size()); }
  const Graph& graph() const { return graph_; }
  // What is known of each value so far.
  absl::Span<const ValueClass> classes() const { return classes_; }

 private:
  absl::Status CheckSymbols(Expr e, absl::string_view where) const;
  absl::Status CheckTensorInput(const GraphInput& input,
                                absl::string_view where);
  absl::Status CheckStorage(const GraphInput& input, absl::string_view where);
  absl::StatusOr<ValueId> Define(absl::string_view name,
                                 ValueClass value_class);
  absl::Status DefineOutputs(const OpSchema& schema,
                             std::vector<OutputNames> outputs, Node& node);
  absl::Status CheckArguments(absl::Span<const Argument> args,
                              absl::string_view where, int depth);

  // Constant after construction.
  ExprPool* pool_;
  SchemaLookup lookup_;

  Graph graph_;
  std::vector<ValueClass> classes_;  // by ValueId
  absl::flat_hash_map<std::string, ValueId> values_;
  absl::flat_hash_set<std::string> announced_;
  absl::flat_hash_set<Expr> symbols_;
  int num_storages_ = 0;
  // Of the storages whose size some input says.
  absl::flat_hash_map<int, Expr> storage_bytes_;
  int64_t num_edges_ = 0;
};

// True for names that a value may have: [A-Za-z0-9_.]+, and not "_" alone.
bool IsValueName(absl::string_view name);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_GRAPH_BUILDER_H_
