// One change of a graph, and what was changed: the oracle of graph diffs. Seeded.
#ifndef KILN_FAKE_RUNTIME_GRAPH_TESTING_MUTATE_ONE_H_
#define KILN_FAKE_RUNTIME_GRAPH_TESTING_MUTATE_ONE_H_

#include <cstdint>
#include <optional>
#include <string>

#include "fake_runtime/graph/graph.h"

namespace kiln {

enum class MutationKind {
  kOperator,   // of `node`, with the same arguments
  kLiteral,    // in argument `slot` of `node`
  kRewire,     // argument `slot` of `node` uses another value
  kInsert,     // a relu stands before an operand of `node`
  kRemove,     // what used `node` uses its operand
  kSwapOrder,  // of `node` and the ordered node after it
  kOutput,     // `slot` is another value
  kInput,      // `slot`'s metadata
};
inline constexpr int kNumMutationKinds = 8;

struct Mutation {
  MutationKind kind;
  Graph graph;
  int node = -1;
  int slot = -1;
  // Of kRewire and kOutput: the two values.
  int before = -1;
  int after = -1;
  // Of kInput: which field; of kOperator and kLiteral: the new operator, the argument's name.
  std::string what;
};

// nullopt where the dice found nothing to change this way.
std::optional<Mutation> MutateOne(const Graph& graph, MutationKind kind, uint32_t seed);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_GRAPH_TESTING_MUTATE_ONE_H_
