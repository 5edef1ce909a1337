// FakeTensorMode: a graph and the fake tensors of its inputs in, the fake value
// of every node out, and the guards that this cost.
//
//   ExprPool pool;
//   KILN_ASSIGN_OR_RETURN(Graph g, ParseGraph(text, &pool, FindOpSchema));
//   KILN_RETURN_IF_ERROR(BindSymbols(g, {{"s0", 8}, {"s1", 16}, {"s2", 8}}));
//   KILN_ASSIGN_OR_RETURN(FakeGraph fake, Propagate(g, &pool));
//   for (const Guard& guard : fake.env->Guards()) std::cout << guard.ToString();
//
// No data is touched and none exists; cost is microseconds a node, whatever the
// tensors' sizes.
#ifndef KILN_FAKE_RUNTIME_FAKE_TENSOR_MODE_H_
#define KILN_FAKE_RUNTIME_FAKE_TENSOR_MODE_H_

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "absl/status/statusor.h"
#include "fake_runtime/graph/graph.h"
#include "fake_runtime/symbolic/shape_env.h"

namespace kiln {

// What a graph does to one of its inputs.
struct InputWrite {
  bool data = false;      // its storage was written
  bool metadata = false;  // its sizes, strides, offset or storage are others in the end
};

// A graph with a fake value for each of its values.
struct FakeGraph {
  Graph graph;
  std::vector<FakeValue> values;  // by ValueId
  // Storages are numbered 0..num_storages-1; inputs' first.
  int num_storages = 0;
  // By StorageId: a storage's size, none where it hangs on symbols, or is an input's
  // and the input does not say. Storages that nothing looks into may be absent.
  std::vector<std::optional<Expr>> storage_bytes;
  // By input. The value of an input that was written is what it is in the end;
  // `graph.inputs` has what it was.
  std::vector<InputWrite> input_writes;
  // In-place nodes return the tensor that they change: such a result, and the
  // first value that is the same tensor. Metadata of the two change together.
  absl::flat_hash_map<int, int> same_tensor;
  // The other way about: by the first value, the results that are the same tensor.
  absl::flat_hash_map<int, std::vector<int>> names_of_tensor;
  // By storage: the values in it whose constant is known. Absent until a write asks.
  std::optional<absl::flat_hash_map<int, std::vector<int>>> constants;
  // The environment that holds the facts and guards. Later stages go on asking
  // it. Never null.
  std::unique_ptr<ShapeEnv> env;

  const FakeTensor& tensor(ValueId id) const {
    return std::get<FakeTensor>(values[id.value]);
  }
};

// Gives hints to symbols by name. BAD_INPUT_METADATA for a name that the graph
// has not, a hint outside its range, or a symbol left without a hint.
absl::Status BindSymbols(Graph& graph,
                         const std::vector<std::pair<std::string, int64_t>>& hints);

// For clients that describe plain sizes: turns the automatic and dynamic
// dimensions of `graph`'s inputs, whose sizes are integers, into symbols. With
// `duck_shape`, equal sizes share a symbol; with `specialize_zero_one`, sizes 0
// and 1 stay constants and others get the range [2, oo]. Strides follow
// contiguity where they were contiguous, else stay integers that the variant
// is guarded on.
struct SymbolizeOptions {
  bool duck_shape = true;
  bool specialize_zero_one = true;
};
absl::Status SymbolizeInputs(Graph& graph, ExprPool* pool, const SymbolizeOptions& options);

// `pool` owns the graph's expressions and must outlive the result. Errors name
// the node ("node 17 (aten.mm.default): ...") and carry a reason.
absl::StatusOr<FakeGraph> Propagate(Graph graph, ExprPool* pool);

// Propagates one node of `fake` whose operands have values already; appends or
// overwrites the values of its outputs. Decompositions use it for the nodes
// that they make.
absl::Status PropagateNode(FakeGraph& fake, int node);

// A table for people: node, op, dtype, sizes, strides, alias, guards made.
std::string DescribePropagation(const FakeGraph& fake);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_FAKE_TENSOR_MODE_H_
