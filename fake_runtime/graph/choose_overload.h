// Which overload of an operator is meant where a text names only the operator.
#ifndef KILN_FAKE_RUNTIME_GRAPH_CHOOSE_OVERLOAD_H_
#define KILN_FAKE_RUNTIME_GRAPH_CHOOSE_OVERLOAD_H_

#include <vector>

#include "absl/types/span.h"
#include "fake_runtime/graph/normalize_arguments.h"

namespace kiln {

// Those of `overloads` that take `args`: names and types fit, and the number of
// results where some are named. Where several do, only those that convert nothing:
// no number in a tensor's place, no single value for a list, no integer for a
// float. `classes` is what is known of each value.
std::vector<const OpSchema*> ChooseOverloads(absl::Span<const OpSchema* const> overloads,
                                             const std::vector<NamedArgument>& args, size_t num_results,
                                             absl::Span<const ValueClass> classes);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_CHOOSE_OVERLOAD_H_
