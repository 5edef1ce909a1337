// An operator's signature, parsed from PyTorch's schema string:
//
//   aten::add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
//
// The op table (fake_runtime/ops) holds one per row; the graph only refers to
// it. Alias annotations `(a)`, `(a!)` and `(a -> *)` are kept.
//
// Numbers in tensor slots. PyTorch lets the binary arithmetic operators take a
// Python number where the schema says Tensor, and FX graphs keep it so:
// `aten.mul.Tensor(%x, 0.9)`, `aten.add.Tensor(%x, %s0)`. Such an argument
// stays what it is in the graph: an int64_t, double or bool literal, or the
// ValueId of a symbolic scalar. Meta functions treat it as a wrapped number: a
// 0-dim tensor that takes part in type promotion only by its category. Only
// operators whose schema has `numbers_as_tensors` may get one; others never see
// it.
#ifndef KILN_FAKE_RUNTIME_GRAPH_OP_SCHEMA_H_
#define KILN_FAKE_RUNTIME_GRAPH_OP_SCHEMA_H_

#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "absl/strings/string_view.h"
#include "fake_runtime/graph/argument.h"

namespace kiln {

enum class ArgType : uint8_t {
  kTensor,
  kScalar,
  kInt,
  kSymInt,
  kFloat,
  kBool,
  kString,
  kDType,
  kDevice,
  kLayout,
  kMemoryFormat,
  kGenerator,
  // A symbolic boolean or float: what symbolic scalar operators return.
  kSymBool,
  kSymFloat,
};
// PyTorch's spelling: "Tensor", "SymInt", "ScalarType", ...
absl::string_view ArgTypeName(ArgType type);

struct ArgSchema {
  std::string name;
  ArgType type = ArgType::kTensor;
  bool is_list = false;      // T[] or T[n]
  int list_size = -1;        // n of T[n]: a single value stands for n of them
  bool is_optional = false;  // T? or T[]?
  bool elements_optional = false;  // Tensor?[]
  bool keyword_only = false;
  bool has_default = false;
  Argument default_value;
  // 0 when it aliases nothing, else the annotation's letter.
  char alias = 0;
  bool is_written = false;      // "(a!)"
  bool alias_wildcard = false;  // "(a -> *)": the outputs' set is not known
};

struct ReturnSchema {
  std::string name;  // often empty
  ArgType type = ArgType::kTensor;
  bool is_list = false;
  bool is_optional = false;
  char alias = 0;
  bool is_written = false;
};

struct OpSchema {
  std::string name;  // "aten.add.Tensor": namespace.op.overload
  std::vector<ArgSchema> args;
  std::vector<ReturnSchema> returns;
  // Random or effectful: canonical graphs keep its number and its order. The op
  // table sets it from the row's tags; a schema that writes an argument has it
  // from the parser.
  bool ordered = false;
  // Its Tensor arguments may be numbers (see above). Set by the parser for
  // PyTorch's own list of such operators (torch/csrc/utils/
  // python_arg_parser.cpp, should_allow_numbers_as_tensors).
  bool numbers_as_tensors = false;

  // Index of the argument, or -1.
  int FindArg(absl::string_view arg_name) const;
  bool is_mutating() const;
  // PyTorch's spelling: equal to str(torch.ops.aten.add.Tensor._schema).
  std::string ToString() const;
};

// Parses "ns::op.overload(args) -> returns"; no overload means "default".
// Defaults may be written as PyTorch prints them (`dtype=4`) or as its YAML has
// them (`dtype=long`, `memory_format=contiguous_format`, `reduction=Mean`).
// PARSE_ERROR with a column, also for types that no graph can hold (Storage,
// Stream, QScheme, Dict, classes).
absl::StatusOr<OpSchema> ParseOpSchema(absl::string_view text);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_OP_SCHEMA_H_
