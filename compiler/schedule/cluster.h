// A kernel while it is being fused: the loops of a kernel without their order.
//
// A cluster runs its stages one after the other for each point of its rows. A
// stage is a list of instructions over the points of its inner axes; a stage
// without inner axes is scalar work of the row. Values of a row stage are
// visible in all later stages; values of a stage with inner axes only in it,
// but for accumulators, whose results row stages read. Different rows are
// independent, and so are different points of a stage but for its updates.
//
//   softmax over the last dimension: rows {r}
//     stage 0, inner {c}:  %1 = load x[C*r + c]; update %max, %1
//     stage 1, inner {}:   %2 = result %max
//     stage 2, inner {c}:  %3 = load x[C*r + c]; %4 = exp(%3 - %2); store ...
//
// Which axis becomes a parallel, serial or vector loop is order_loops' choice.
#ifndef KILN_COMPILER_SCHEDULE_CLUSTER_H_
#define KILN_COMPILER_SCHEDULE_CLUSTER_H_

#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "absl/container/inlined_vector.h"
#include "compiler/loops/loop_ir.h"
#include "compiler/schedule/index_analysis.h"

namespace kiln::schedule {

// Numbers of axes of a cluster, outermost first as they came from lowering.
using AxisList = absl::InlinedVector<int, 4>;

struct Stage {
  AxisList inner;
  std::vector<int> insts;
};

struct Cluster {
  // Extents by axis number; axis a has the variable IndexAnalysis::Variable(a).
  std::vector<Expr> extents;
  AxisList rows;
  std::vector<Stage> stages;
  std::vector<Inst> insts;
  // Symbols of indirect instructions are IndirectSymbol(0 .. num_indirect - 1).
  int num_indirect = 0;
  std::vector<int> nodes;
  std::vector<std::string> names;
  // How many producers were inlined into it, and kernels joined with it.
  int inlined = 0;
  int joined = 0;
  std::string why;
  // Its rows are fewer than threads want, whatever their estimate is.
  bool has_few_rows = false;
  // An inner axis that is cut into parts of `part_size`, of which each is a task, and
  // the axis that has a part's number for its variable. -1: none.
  int part_axis = -1;
  int part_number_axis = -1;
  int64_t part_size = 0;

  // True if a stage has inner axes: then its rows can't be split further.
  bool HasInner() const;
};

// The clusters of an unscheduled kernel: one, or one for each of several
// sibling nests that share no value. nullopt for a kernel whose iterations may
// depend on each other (scans, scatters), which stays as it is.
std::optional<std::vector<Cluster>> ReadClusters(const Kernel& kernel, IndexAnalysis& index);

// Splits axis `a` into itself (the high part) and a new axis of extent `low`,
// next to it; `low` divides the extent. Returns the new axis.
int SplitAxis(Cluster& cluster, int axis, Expr low, IndexAnalysis& index);

// Replaces variables in every expression of the instructions.
void SubstituteInsts(std::vector<Inst>& insts, const Substitution& substitution, IndexAnalysis& index);

// Merges axes that all accesses see as one run of memory: i0*C + i1 -> i0.
void MergeAxes(Cluster& cluster, IndexAnalysis& index);

// Forwards stores to loads of the same element, merges equal instructions, drops
// dead ones. Stores into a buffer that `is_read_elsewhere` denies, and that no
// load of the cluster needs, are dead. Afterwards stages are not empty.
void CleanCluster(Cluster& cluster, const std::function<bool(BufferId)>& is_read_elsewhere, IndexAnalysis& index);

// True if `inst`, of `stage`, depends on one of the stage's inner axes through
// its index. Others are computed once a row.
bool IsInnerAccess(const Inst& inst, const Stage& stage, IndexAnalysis& index);

inline bool IsStore(const Inst& inst) {
  return inst.kind == InstKind::kStore || inst.kind == InstKind::kStoreAdd;
}

}  // namespace kiln::schedule

#endif  // KILN_COMPILER_SCHEDULE_CLUSTER_H_
