// Dropping guards that the others imply.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_REDUCE_GUARDS_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_REDUCE_GUARDS_H_

#include <functional>
#include <vector>

#include "absl/types/span.h"
#include "fake_runtime/symbolic/guard.h"
#include "fake_runtime/symbolic/knowledge.h"

namespace kiln {

// A subset of `guards`, in their order, whose conjunction implies all of them.
// `symbols` are all there are, in the order of their declaration; `declare` tells
// a Knowledge the nature of one. None that is left is implied by the others, as
// far as Knowledge can prove. Among n guards that hang together it costs n log n
// facts and 2n decisions.
std::vector<Guard> ReduceGuards(ExprPool* pool, absl::Span<const Expr> symbols,
                                const std::function<void(Knowledge&, Expr symbol)>& declare,
                                const std::vector<Guard>& guards);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_REDUCE_GUARDS_H_
