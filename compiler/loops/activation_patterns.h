// What the formula of an activation function looks like in a graph: the operator
// itself, or the arithmetic that decompositions and models write for it.
//
// A formula is a term over `x`, the one tensor that it starts from:
//
//   mul(mul(x, 0.5), add(erf(mul(x, 0.7071067811865476)), 1))
//
// `mul` is any overload of aten.mul, and its operands may stand in either order;
// arguments that a call does not name have their defaults. `none` is None, `'tanh'`
// a string, and letters other than x stand for any number. Where x is bfloat16 or
// float16 there may be casts to float32 and back, as decompositions have them.
#ifndef KILN_COMPILER_LOOPS_ACTIVATION_PATTERNS_H_
#define KILN_COMPILER_LOOPS_ACTIVATION_PATTERNS_H_

#include <optional>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "compiler/loops/value_readers.h"

namespace kiln {

// An activation function by the name that oneDNN's users give it.
struct ActivationRow {
  absl::string_view formula;
  absl::string_view name;       // "gelu"
  absl::string_view algorithm;  // "tanh"; often empty
  // Whether oneDNN gives for infinities and for what is no number what PyTorch does.
  // Its relu and hardtanh make a bound of what is no number, its gelu no number of
  // infinity.
  bool is_exact;
};
absl::Span<const ActivationRow> ActivationPatterns();

struct MatchedActivation {
  const ActivationRow* row = nullptr;
  std::vector<double> numbers;  // what the formula's letters stand for, in their order
  std::vector<int> nodes;       // ascending; the last one makes the result
};

// The activation that is all that the graph does with `x`: nothing else reads it, nor
// what lies between it and the result, which `nodes.back()` makes.
std::optional<MatchedActivation> MatchActivation(const FakeGraph& fake, const ValueReaders& readers, ValueId x);

}  // namespace kiln

#endif  // KILN_COMPILER_LOOPS_ACTIVATION_PATTERNS_H_
