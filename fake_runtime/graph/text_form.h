// The text form of a graph: pleasant to write by hand, prints and parses
// without loss. Grammar and examples: docs/text_form.md.
//
//   graph main(%a: f32[s0, s1], %b: f32[s2, s1]) {
//     %c = aten.add.Tensor(%a, %b)                 # model.py:41
//     %p, %q = aten.split.Tensor(%c, 4, 1)         # a list return spreads
//     return (%p, %q)
//   }
//
// Optional parts: `symbols { s0 = 8 in [2, oo], s1 = 16 dynamic, u0 unbacked
// }`, `assume { s0 == s2 }` between the closing parenthesis and the brace; for
// an input `strides=[..]`, `offset=`, `storage_bytes=`, `device=cuda:0`, `layout=`,
// `policies=[..]`, `alias=%x`, and the words parameter, buffer, tangent, saved,
// donated, constant, requires_grad, conj, neg. Symbolic scalars are `%n: int =
// s0 + 1`. Keyword arguments are `alpha=2`. Literals: 1, 2.5, true, none,
// "text", f32 (a dtype), cpu, strided, contiguous, [1, %n]. Arguments equal to
// their default are not printed. `_` stands for a result that nothing uses. A
// number may stand in a tensor slot where the operator's schema has
// `numbers_as_tensors`.
#ifndef KILN_FAKE_RUNTIME_GRAPH_TEXT_FORM_H_
#define KILN_FAKE_RUNTIME_GRAPH_TEXT_FORM_H_

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "fake_runtime/graph/graph.h"
#include "fake_runtime/graph/graph_builder.h"
#include "fake_runtime/graph/normalize_arguments.h"

namespace kiln {

std::string PrintGraph(const Graph& graph);
// Each node alone, without its location: "%c = aten.add.Tensor(%a, %b)".
std::vector<std::string> PrintNodes(const Graph& graph);

// PARSE_ERROR with line and column; UNKNOWN_OP, BAD_ARGUMENT_COUNT,
// BAD_ARGUMENT_TYPE, DANGLING_VALUE, DUPLICATE_NAME, LIMIT_EXCEEDED naming the
// node. Fake tensors of inputs get contiguous strides unless given (those of
// torch.empty: a size that may be 0 counts as Max(1, size)), and a storage of
// their own unless aliased. Symbols that are not declared get no hint and an
// unbounded range: give hints with BindSymbols before propagation.
absl::StatusOr<Graph> ParseGraph(absl::string_view text, ExprPool* pool,
                                 const SchemaLookup& lookup);

// All overloads of "aten.add", by which the text may leave the overload out: the
// one that the arguments fit is meant; of several, the one that converts none of
// them. BAD_ARGUMENT_TYPE, naming
// the candidates, where that leaves none or several.
using OverloadLookup = std::function<std::vector<const OpSchema*>(absl::string_view packet)>;
// Why an operator that has no schema is refused by name; OK for an unknown one.
using RefusalLookup = std::function<absl::Status(absl::string_view op)>;
struct TextFormOptions {
  OverloadLookup overloads;
  // Nodes without a location get "FILE:LINE".
  std::string file;
  // Asked before UNKNOWN_OP is answered.
  RefusalLookup refusal = {};
};
absl::StatusOr<Graph> ParseGraph(absl::string_view text, ExprPool* pool, const SchemaLookup& lookup,
                                 const TextFormOptions& options);

// Gives the input that `text` names ("x: f32[s0=8, 128] strides=[128, 1]") another
// type. Its kind and marks stay unless they are said; so does its dtype, with its
// device, where `text` has none ("x: [s0, 128]"). A symbol without a hint takes the
// size that stood in its place, where that was a number or had one; symbols that
// nothing mentions any more are gone. PARSE_ERROR with line and column;
// BAD_INPUT_METADATA for an input that the graph has not; errors as ParseGraph.
absl::Status OverrideInput(Graph& graph, absl::string_view text, ExprPool* pool, const SchemaLookup& lookup);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_TEXT_FORM_H_
