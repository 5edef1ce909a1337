// The text form of a graph: pleasant to write by hand, prints and parses without
// loss. Grammar and examples: docs/text_form.md.
//
//   graph main(%a: f32[s0, s1], %b: f32[s2, s1]) {
//     %c = aten.add.Tensor(%a, %b)                 # model.py:41
//     %p, %q = aten.split.Tensor(%c, 4, 1)         # a list return spreads
//     return (%p, %q)
//   }
//
// Optional parts: `symbols { s0 = 8 in [2, oo], s1 = 16 dynamic, u0 unbacked }`,
// `assume { s0 == s2 }` between the closing parenthesis and the brace; for an
// input `strides=[..]`, `offset=`, `device=cuda:0`, `alias=%x`, and the words
// parameter, buffer, tangent, saved, donated, constant, requires_grad. Symbolic
// scalars are `%n: int = s0 + 1`. Keyword arguments are `alpha=2`. Literals: 1,
// 2.5, true, none, "text", f32 (a dtype), cpu, strided, contiguous, [1, %n].
// Arguments equal to their default are not printed.
#ifndef KILN_FAKE_RUNTIME_GRAPH_TEXT_FORM_H_
#define KILN_FAKE_RUNTIME_GRAPH_TEXT_FORM_H_

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "fake_runtime/graph/graph.h"

namespace kiln {

// Finds an operator's schema by its full name, or nullptr. The op table has one
// (FindOpSchema); a parameter here because the graph may not see the op table.
using SchemaLookup = std::function<const OpSchema*(absl::string_view name)>;

std::string PrintGraph(const Graph& graph);

// PARSE_ERROR with line and column; UNKNOWN_OP, BAD_ARGUMENT_COUNT,
// BAD_ARGUMENT_TYPE, DANGLING_VALUE, DUPLICATE_NAME, LIMIT_EXCEEDED naming the
// node. Fake tensors of inputs get contiguous strides unless given, and a
// storage of their own unless aliased. Symbols that are not declared get no
// hint: give hints with BindSymbols before propagation.
absl::StatusOr<Graph> ParseGraph(absl::string_view text, ExprPool* pool,
                                 const SchemaLookup& lookup);

// Turns raw positional and keyword arguments into the complete positional list
// of `schema`, filling defaults and checking types. `is_value_of_type` tells
// whether a value is a tensor or a symbolic scalar. Used by the text parser and
// by import. BAD_ARGUMENT_COUNT, BAD_ARGUMENT_TYPE; messages carry no node name
// (callers add it).
struct NamedArgument {
  std::string name;  // empty: positional
  Argument value;
};
enum class ValueClass : uint8_t { kTensor, kSymInt, kSymFloat, kSymBool };
absl::StatusOr<std::vector<Argument>> NormalizeArguments(
    const OpSchema& schema, std::vector<NamedArgument> args,
    const std::function<ValueClass(ValueId)>& class_of);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_TEXT_FORM_H_
