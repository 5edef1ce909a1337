// Turns a node's raw arguments, positional and by keyword, into the complete
// positional list that the graph holds.
#ifndef KILN_FAKE_RUNTIME_GRAPH_NORMALIZE_ARGUMENTS_H_
#define KILN_FAKE_RUNTIME_GRAPH_NORMALIZE_ARGUMENTS_H_

#include <string>
#include <vector>

#include "absl/functional/function_ref.h"
#include "absl/status/statusor.h"
#include "fake_runtime/graph/op_schema.h"

namespace kiln {

struct NamedArgument {
  std::string name;  // empty: positional
  Argument value;
};

// What is known of a value before propagation. kSymNumber is a symbolic scalar
// whose Python type only propagation knows (aten.item of a tensor): it is
// accepted wherever a symbolic scalar is, so propagation checks its type again.
enum class ValueClass : uint8_t {
  kTensor,
  kSymInt,
  kSymFloat,
  kSymBool,
  kSymNumber
};
absl::string_view ValueClassName(
    ValueClass value_class);  // "tensor", "SymInt", ...

// Fills defaults, checks types, and gives every literal the one form that its
// slot has: an int in a float slot becomes a double, a single value in a `T[n]`
// slot a list of n. A bool stands as a Scalar but not as an int; a float never
// as an int; a symbolic scalar only where the schema says SymInt or Scalar (or
// Tensor, with numbers_as_tensors).
//
// BAD_ARGUMENT_COUNT, BAD_ARGUMENT_TYPE; messages carry no node name (callers
// add it).
absl::StatusOr<std::vector<Argument>> NormalizeArguments(
    const OpSchema& schema, std::vector<NamedArgument> args,
    absl::FunctionRef<ValueClass(ValueId)> class_of);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_NORMALIZE_ARGUMENTS_H_
