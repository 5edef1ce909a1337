#include "compiler/schedule/cluster_access.h"

namespace kiln::schedule {

std::vector<Digit> AxesAsDigits(const Cluster& cluster, int s, IndexAnalysis& index) {
  std::vector<Digit> digits;
  for (int axis : cluster.rows) digits.push_back({axis, index.Variable(axis), Expr(0), cluster.extents[axis]});
  for (int axis : cluster.stages[s].inner) {
    digits.push_back({axis, index.Variable(axis), Expr(0), cluster.extents[axis]});
  }
  return digits;
}

void AddIndirectTerms(const Cluster& cluster, std::vector<Digit>& terms, IndexAnalysis& index) {
  for (const Inst& inst : cluster.insts) {
    if (inst.kind == InstKind::kIndirect) terms.push_back({-1, inst.expr, Expr(0), inst.bound});
  }
}

}  // namespace kiln::schedule
