// The parts of a graph's text form (docs/text_form.md) that stand in front of its
// nodes, and the tokens that they share with nodes.
#ifndef KILN_FAKE_RUNTIME_GRAPH_SIGNATURE_PARSER_H_
#define KILN_FAKE_RUNTIME_GRAPH_SIGNATURE_PARSER_H_

#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fake_runtime/graph/argument.h"
#include "fake_runtime/graph/graph_builder.h"
#include "fake_runtime/graph/text_cursor.h"

namespace kiln {

// Reads `(%a: f32[s0], ...) symbols {...} assume {...}` and gives all of it to
// `builder`: symbols first, since default strides need their ranges. PARSE_ERROR
// with line and column, or what the builder refuses.
absl::Status ParseSignature(TextCursor& in, ExprPool* pool, GraphBuilder& builder);

// One input as it stands in a signature, alone: `x: f32[s0=8, 128] device=cuda:0`.
// The '%' may be missing; so may the dtype of a tensor.
struct LoneInput {
  GraphInput input;
  bool has_dtype = true;
  bool has_strides = false;
  bool has_kind = false;
  // Of the symbols that have a hint, range or policy here.
  std::vector<SymbolDeclaration> symbols;
  // Of an input that it shares a storage with.
  std::string alias;
};
// PARSE_ERROR with line and column.
absl::StatusOr<LoneInput> ParseLoneInput(absl::string_view text, ExprPool* pool);

// "%name", without its '%'.
absl::StatusOr<absl::string_view> ReadValueName(TextCursor& in);

// A literal that is a word ("true", "f32"), or a device with its index ("cuda:1").
absl::StatusOr<Argument> ReadWordLiteral(TextCursor& in);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_SIGNATURE_PARSER_H_
