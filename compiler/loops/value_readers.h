// Who reads a value of a fake graph, at once or through views of it.
//
// Immutable; thread-compatible.
#ifndef KILN_COMPILER_LOOPS_VALUE_READERS_H_
#define KILN_COMPILER_LOOPS_VALUE_READERS_H_

#include <vector>

#include "absl/container/inlined_vector.h"
#include "absl/types/span.h"
#include "fake_runtime/fake_tensor_mode.h"

namespace kiln {

class ValueReaders {
 public:
  // Nodes that are not `live` read nothing. `fake` outlives this.
  ValueReaders(const FakeGraph& fake, const std::vector<bool>& live);

  // The nodes that have the value for an argument, in the graph's order, each once.
  absl::Span<const int> Of(ValueId id) const { return readers_[id.value]; }
  bool IsReturned(ValueId id) const { return is_returned_[id.value]; }
  // The node that makes it; -1 for an input.
  int ProducerOf(ValueId id) const { return producers_[id.value]; }

  // The only result of `node` where that is a view of `of`, else -1.
  ValueId ViewMadeBy(int node, ValueId of) const;
  // Whether a loop nest computes with the value or with a view of it.
  bool HasLoopReader(ValueId id) const;

 private:
  const FakeGraph& fake_;
  // By value.
  std::vector<absl::InlinedVector<int, 2>> readers_;
  std::vector<bool> is_returned_;
  std::vector<int> producers_;
};

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_VALUE_READERS_H_
