// A guard: a boolean fact about input metadata under which a compiled result
// holds, with the reason it was needed.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_GUARD_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_GUARD_H_

#include <string>
#include <vector>

#include "absl/strings/string_view.h"
#include "absl/types/span.h"
#include "base/digest.h"
#include "fake_runtime/symbolic/expr.h"

namespace kiln {

enum class GuardKind : uint8_t {
  kShape,        // a test that shape propagation made
  kAssumption,   // a fact that the client brought and the compile used
  kPerformance,  // a size that the compiler peeked at for speed
};

absl::string_view GuardKindName(GuardKind kind);  // "shape", ...

// Where a guard came from. Never part of the guard's identity.
struct GuardReason {
  int node = -1;         // canonical node id; -1 for inputs
  std::string op;        // "aten.add.Tensor"
  std::string what;      // "broadcast of dim 0", "inner size divisible by 16"
  std::string location;  // "model.py:41", or empty
};

struct Guard {
  Expr condition;  // boolean, over client-visible symbols only
  GuardKind kind = GuardKind::kShape;
  GuardReason reason;

  // "s0 == s2  [shape] node 3 (aten.add.Tensor): broadcast of dim 0, model.py:41"
  std::string ToString() const;
  // As people write it: "s0 % 8 == 0   # aten.view at model.py:41: what was tested".
  std::string ToLine() const;
};

// `condition` with its constant on the right: "s0 >= 8" for "8 <= s0". For people; what it
// prints parses back to the same condition.
std::string ConditionText(Expr condition);

// The digest of the canonical form: conditions printed, sorted, deduplicated.
// Reasons and kinds do not count.
Digest GuardSignature(absl::Span<const Guard> guards);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_GUARD_H_
