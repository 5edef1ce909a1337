#include "fake_runtime/symbolic/reduce_guards.h"

namespace kiln {
namespace {

// Each guard is tried against all others up to here: quadratic in this.
constexpr size_t kMaxGuardsTriedAgainstAll = 48;

bool Implied(Knowledge& knowledge, const Guard& guard) {
  Knowledge::Trail trail;
  return knowledge.Decide(guard.condition, &trail) == true;
}

std::vector<Guard> DropImpliedByLater(ExprPool* pool, const std::function<void(Knowledge&)>& declare,
                                      const std::vector<Guard>& guards) {
  Knowledge knowledge(pool);
  declare(knowledge);
  std::vector<bool> keep(guards.size());
  for (size_t i = guards.size(); i-- > 0;) {
    keep[i] = !Implied(knowledge, guards[i]);
    if (keep[i]) knowledge.AddFact(guards[i].condition);
  }
  std::vector<Guard> kept;
  for (size_t i = 0; i < guards.size(); ++i) {
    if (keep[i]) kept.push_back(guards[i]);
  }
  return kept;
}

}  // namespace

std::vector<Guard> ReduceGuards(ExprPool* pool, const std::function<void(Knowledge&)>& declare,
                                const std::vector<Guard>& guards) {
  std::vector<Guard> kept = DropImpliedByLater(pool, declare, guards);
  if (kept.size() > kMaxGuardsTriedAgainstAll) return kept;
  for (size_t i = 0; i < kept.size();) {
    Knowledge others(pool);
    declare(others);
    for (size_t j = 0; j < kept.size(); ++j) {
      if (j != i) others.AddFact(kept[j].condition);
    }
    if (Implied(others, kept[i])) {
      kept.erase(kept.begin() + i);
    } else {
      ++i;
    }
  }
  return kept;
}

}  // namespace kiln
