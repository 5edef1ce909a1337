// What a library computes with the elements of a product or a convolution before
// they leave its registers: an activation, or a sum with a tensor that is there
// already. Only where nothing else reads what the product alone would give, and only
// with operators that the host serves; whatever is found here is one extern call to
// the loop IR, which knows no library.
#ifndef KILN_COMPILER_LOOPS_EPILOGUES_H_
#define KILN_COMPILER_LOOPS_EPILOGUES_H_

#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "compiler/loops/activation_patterns.h"
#include "compiler/loops/lowering_context.h"
#include "compiler/loops/value_readers.h"

namespace kiln {

struct Epilogue {
  int product = -1;
  // After the product, ascending, views included. The last makes what the call gives.
  std::vector<int> nodes;
  std::optional<MatchedActivation> activation;
  // The other side of a sum; -1: none.
  ValueId addend;
  // "gelu", "add", "add, relu"; empty: nothing
  std::string what;

  int last() const { return nodes.empty() ? product : nodes.back(); }
};

// An operator that some library computes together with an epilogue.
struct EpilogueRow {
  const char* op;      // "aten.addmm.default"
  const char* unary;   // the host's operator with an activation
  const char* binary;  // with a sum
  // The library sees a matrix, whatever views the graph makes of it.
  bool is_matrix;
  bool relu_after_sum;
  int weight;  // the argument of `op`
  // Whether the library takes the node as it is.
  bool (*is_able)(LoweringContext& product);
  // Whether an activation costs less there than in a kernel, and whether the operator
  // is faster with its weight packed than what PyTorch calls without.
  bool (*does_activation_pay)(LoweringContext& product);
  bool (*does_packing_pay)(LoweringContext& product);
  // The call's arguments but for those of the epilogue, which are appended.
  absl::Status (*add_arguments)(LoweringContext& product, const TensorOperand* addend, ExternCall& call);
};
// nullptr where the operator has no row.
const EpilogueRow* FindEpilogueRow(absl::string_view op);

// By product, ascending; no node is in two. Products that are the library's for their
// weight's sake may have none.
std::vector<Epilogue> FindEpilogues(LoweringState& state, const ValueReaders& readers, const std::vector<bool>& live);

// The call of the product with its epilogue, in the place of the epilogue's last node.
absl::Status LowerWithEpilogue(LoweringState& state, const Epilogue& epilogue);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_EPILOGUES_H_
