// Dropping guards that the others imply.
#ifndef KILN_FAKE_RUNTIME_SYMBOLIC_REDUCE_GUARDS_H_
#define KILN_FAKE_RUNTIME_SYMBOLIC_REDUCE_GUARDS_H_

#include <functional>
#include <vector>

#include "fake_runtime/symbolic/guard.h"
#include "fake_runtime/symbolic/knowledge.h"

namespace kiln {

// A subset of `guards`, in their order, whose conjunction implies all of them.
// `declare` tells an empty Knowledge of the symbols and their nature. Among a
// few dozen guards none that is left is implied by the others, as far as
// Knowledge can prove; among more, none is implied by later ones, which costs
// time linear in their number.
std::vector<Guard> ReduceGuards(ExprPool* pool, const std::function<void(Knowledge&)>& declare,
                                const std::vector<Guard>& guards);

}  // namespace kiln

#endif  // KILN_FAKE_RUNTIME_SYMBOLIC_REDUCE_GUARDS_H_
