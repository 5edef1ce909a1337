// An operator's signature, parsed from PyTorch's schema string:
//
//   add.Tensor(Tensor self, Tensor other, *, Scalar alpha=1) -> Tensor
//
// The op table (fake_runtime/ops) holds one per row; the graph only refers to
// it. Alias annotations `(a)` and `(a!)` are kept.
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
  kTensor, kScalar, kInt, kSymInt, kFloat, kBool, kString, kDType, kDevice,
  kLayout, kMemoryFormat, kGenerator,
};

struct ArgSchema {
  std::string name;
  ArgType type = ArgType::kTensor;
  bool is_list = false;       // T[] or T[n]
  int list_size = -1;         // n of T[n]: a single value stands for n of them
  bool is_optional = false;   // T? or T[]?
  bool elements_optional = false;  // Tensor?[]
  bool keyword_only = false;
  bool has_default = false;
  Argument default_value;
  // 0 when it aliases nothing, else the annotation's letter.
  char alias = 0;
  bool is_written = false;  // "(a!)"
};

struct ReturnSchema {
  std::string name;  // often empty
  ArgType type = ArgType::kTensor;
  bool is_list = false;
  char alias = 0;
  bool is_written = false;
};

struct OpSchema {
  std::string name;      // "aten.add.Tensor": namespace.op.overload
  std::vector<ArgSchema> args;
  std::vector<ReturnSchema> returns;

  // Index of the argument, or -1.
  int FindArg(absl::string_view arg_name) const;
  bool is_mutating() const;
  // PyTorch's spelling.
  std::string ToString() const;
};

// Parses "ns::op.overload(args) -> returns"; no overload means "default".
absl::StatusOr<OpSchema> ParseOpSchema(absl::string_view text);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_OP_SCHEMA_H_
