#include "compiler/schedule/cluster.h"

#include <algorithm>

#include "absl/container/flat_hash_set.h"

namespace kiln::schedule {
namespace {

// Inserts `added` right after `axis`, if it is there.
void InsertAfter(AxisList& axes, int axis, int added) {
  auto it = std::find(axes.begin(), axes.end(), axis);
  if (it != axes.end()) axes.insert(it + 1, added);
}

bool HasIndex(const Inst& inst) {
  switch (inst.kind) {
    case InstKind::kExpr:
    case InstKind::kLoad:
    case InstKind::kStore:
    case InstKind::kStoreAdd:
    case InstKind::kIndirect:
    case InstKind::kRandom:
    case InstKind::kState:
    case InstKind::kUpdate:
      return true;
    case InstKind::kConstant:
    case InstKind::kScalar:
    case InstKind::kAccumulate:
    case InstKind::kResult:
      return false;
  }
  return false;
}

// True if every expression that mentions axis `high` or `low` sees
// stride(high) == stride(low) * extent(low).
bool CanMerge(const Cluster& cluster, int high, int low, IndexAnalysis& index) {
  Expr high_variable = index.Variable(high), low_variable = index.Variable(low);
  for (const Inst& inst : cluster.insts) {
    if (!HasIndex(inst) || inst.kind == InstKind::kIndirect) continue;
    const AffineForm& form = index.Form(inst.expr);
    if (!form.is_affine) {
      if (index.Mentions(inst.expr, high_variable) || index.Mentions(inst.expr, low_variable)) return false;
      continue;
    }
    Expr stride = form.CoefficientOf(low_variable);
    if (form.CoefficientOf(high_variable) != index.pool().Mul(stride, cluster.extents[low])) return false;
  }
  return true;
}

// Merges pairs of `axes` while it can; the merged axis keeps the number of the
// high one. `in_step(high, low)` says whether all lists that hold one hold both.
template <typename InStep>
bool MergeOnePair(Cluster& cluster, const AxisList& axes, const InStep& in_step, IndexAnalysis& index) {
  for (int high : axes) {
    for (int low : axes) {
      if (high == low || !in_step(high, low) || !CanMerge(cluster, high, low, index)) continue;
      // high := merged axis, low := 0 leaves stride(low) * merged everywhere.
      Substitution merge = {{index.Variable(high), Expr(0)}, {index.Variable(low), index.Variable(high)}};
      SubstituteInsts(cluster.insts, merge, index);
      cluster.extents[high] = index.pool().Mul(cluster.extents[high], cluster.extents[low]);
      auto drop = [low](AxisList& list) { list.erase(std::remove(list.begin(), list.end(), low), list.end()); };
      drop(cluster.rows);
      for (Stage& stage : cluster.stages) drop(stage.inner);
      return true;
    }
  }
  return false;
}

bool Contains(const AxisList& axes, int axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

}  // namespace

bool Cluster::HasInner() const {
  return std::any_of(stages.begin(), stages.end(), [](const Stage& stage) { return !stage.inner.empty(); });
}

bool IsInnerAccess(const Inst& inst, const Stage& stage, IndexAnalysis& index) {
  if (inst.kind != InstKind::kLoad && !IsStore(inst)) return false;
  const AffineForm& form = index.Form(inst.expr);
  if (!form.is_affine) return true;
  return std::any_of(stage.inner.begin(), stage.inner.end(), [&](int axis) {
    return !form.CoefficientOf(index.Variable(axis)).IsInt(0);
  });
}

void SubstituteInsts(std::vector<Inst>& insts, const Substitution& substitution, IndexAnalysis& index) {
  if (substitution.empty()) return;
  for (Inst& inst : insts) {
    if (HasIndex(inst)) inst.expr = index.Substitute(inst.expr, substitution);
  }
}

int SplitAxis(Cluster& cluster, int axis, Expr low, IndexAnalysis& index) {
  int added = static_cast<int>(cluster.extents.size());
  Expr high_extent = *index.DivideExact(cluster.extents[axis], low);
  cluster.extents[axis] = high_extent;
  cluster.extents.push_back(low);
  Expr merged = index.pool().Add(index.pool().Mul(low, index.Variable(axis)), index.Variable(added));
  SubstituteInsts(cluster.insts, {{index.Variable(axis), merged}}, index);
  InsertAfter(cluster.rows, axis, added);
  for (Stage& stage : cluster.stages) InsertAfter(stage.inner, axis, added);
  return added;
}

void MergeAxes(Cluster& cluster, IndexAnalysis& index) {
  auto always = [](int, int) { return true; };
  while (MergeOnePair(cluster, cluster.rows, always, index)) {
  }
  // An inner axis may belong to several stages; a pair must stand in all of them.
  auto in_step = [&](int high, int low) {
    return std::all_of(cluster.stages.begin(), cluster.stages.end(), [&](const Stage& stage) {
      return Contains(stage.inner, high) == Contains(stage.inner, low);
    });
  };
  for (size_t s = 0; s < cluster.stages.size(); ++s) {
    while (MergeOnePair(cluster, cluster.stages[s].inner, in_step, index)) {
    }
  }
}

}  // namespace kiln::schedule
