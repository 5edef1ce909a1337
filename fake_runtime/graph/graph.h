// The graph in memory: straight-line single assignment over tensors and
// symbolic scalars. What a client sent, after import has refused everything
// malformed.
//
// Invariants (checked by import and by the text parser, relied on by all):
//  - every ValueId that a node or the outputs use is defined earlier;
//  - node.args is complete and positional: one entry per schema argument,
//    defaults filled in, keyword names gone;
//  - node.outputs has one entry per schema return; a list return has its values
//    in `values`, another has exactly one;
//  - symbols of inputs and assumptions are all declared;
//  - constant sizes, strides and offsets of inputs are not negative, and no
//    input's extent overflows int64.
//
// A Graph holds expressions and so lives no longer than its ExprPool.
// Thread-compatible; a value.
#ifndef KILN_FAKE_RUNTIME_GRAPH_GRAPH_H_
#define KILN_FAKE_RUNTIME_GRAPH_GRAPH_H_

#include <algorithm>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "fake_runtime/graph/argument.h"
#include "fake_runtime/graph/op_schema.h"
#include "fake_runtime/symbolic/shape_env.h"
#include "fake_runtime/tensor/fake_tensor.h"

namespace kiln {

struct OpRow;  // fake_runtime/ops/op_table.h

// What a fake value is: a tensor, or a symbolic integer, float or boolean.
// nullptr-like absence (an optional output that is None) is monostate.
using FakeValue = std::variant<std::monostate, FakeTensor, Expr>;

enum class InputKind : uint8_t { kUser, kParameter, kBuffer, kTangent, kSaved };
absl::string_view InputKindName(InputKind kind);  // "user", ...
std::optional<InputKind> ParseInputKind(absl::string_view name);

struct GraphInput {
  std::string name;
  InputKind kind = InputKind::kUser;
  // A FakeTensor, or the Expr of a symbolic scalar. `storage` ids of input
  // tensors: equal ids mean that the client says they alias.
  FakeValue value;
  // The host may reuse its memory.
  bool donated = false;
  // Same data on every call; the host may cache what is derived from it.
  bool constant = false;
  // Per tensor dimension; empty means all automatic. A static dimension has a
  // constant size.
  std::vector<DimPolicy> policies;
  // Of a tensor: the size of its storage, which may be larger than what the tensor
  // sees of it. None: unknown.
  std::optional<Expr> storage_bytes;
};

// A symbol that inputs mention.
struct SymbolDeclaration {
  Expr symbol;                  // "s0", "u0"
  std::optional<int64_t> hint;  // none for unbacked, and for a float
  std::optional<double> float_hint;  // `hint` of a float; finite
  // What the client promises. Propagation narrows it to [0, oo] where the
  // symbol is a size.
  ValueRange range;
  DimPolicy policy = DimPolicy::kAutomatic;
  bool has_hint() const { return hint.has_value() || float_hint.has_value(); }
  // What a variant is asked for with: the hint; of a symbol that only a call will
  // tell, a size that it may have, neither 0 nor 1, which many operators take for
  // special, and small, as most bounds are from above.
  int64_t representative() const { return hint.value_or(std::max(range.lower, std::min<int64_t>(2, range.upper))); }
};

struct NodeOutput {
  bool is_list = false;
  std::vector<ValueId> values;
};

struct Node {
  const OpSchema* op = nullptr;  // owned by the op table; lives for ever
  std::vector<Argument> args;
  std::vector<NodeOutput> outputs;
  // Where the user wrote it: "model.py:41", or empty. Not part of any digest.
  std::string location;
};

struct Graph {
  std::string name = "main";
  std::vector<SymbolDeclaration> symbols;
  std::vector<Expr> assumptions;
  std::vector<GraphInput> inputs;
  std::vector<Node> nodes;
  // None, a value, or a literal (AOTAutograd returns None gradients and ints).
  std::vector<Argument> outputs;
  // Names of values, for people: by ValueId. Inputs first.
  std::vector<std::string> value_names;
  int num_values() const { return static_cast<int>(value_names.size()); }
};

// "node 17 (aten.mm.default) at model.py:41": the start of every message.
std::string DescribeNode(const Graph& graph, int node);
std::string DescribeNode(int node, absl::string_view op,
                         absl::string_view location);

// Names under which a text or a message may mention the values, by ValueId: the
// value's own, a made-up one where it has none but is used, else "".
std::vector<std::string> DistinctValueNames(const Graph& graph);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_GRAPH_H_
