#include "compiler/schedule/specialize_vector_extents.h"

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"

namespace kiln::schedule {
namespace {

// Lanes of the commonest element, float32. Narrower elements have more; a
// multiple of theirs would be a stricter guard for rarer code.
constexpr int kElementBits = 32;

absl::Status SpecializeExtent(Expr& extent, int64_t lanes, ShapeEnv& env) {
  // Nothing to learn from a constant; a data-dependent size has no hint.
  if (!extent.has_symbols() || extent.has_unbacked()) return absl::OkStatus();
  ExprPool& pool = env.pool();
  Expr divides = pool.Eq(pool.Mod(extent, Expr(lanes)), Expr(0));
  KILN_ASSIGN_OR_RETURN(
      bool result, env.Test(divides, absl::StrCat("inner size divisible by ", lanes), GuardKind::kPerformance));
  if (result) extent = pool.Mul(Expr(lanes), pool.FloorDiv(extent, Expr(lanes)));
  return absl::OkStatus();
}

}  // namespace

absl::Status SpecializeVectorExtents(Cluster& cluster, const std::vector<int>& vector_axes,
                                     const ScheduleOptions& options, ShapeEnv& env) {
  GuardReason reason;
  reason.node = cluster.nodes.empty() ? -1 : cluster.nodes.front();
  reason.op = "schedule";
  env.SetReason(reason);
  for (size_t s = 0; s < vector_axes.size(); ++s) {
    int axis = vector_axes[s];
    bool seen = false;
    for (size_t before = 0; before < s; ++before) seen |= vector_axes[before] == axis;
    if (axis < 0 || seen) continue;
    KILN_RETURN_IF_ERROR(SpecializeExtent(cluster.extents[axis], options.vector_bits / kElementBits, env));
  }
  return absl::OkStatus();
}

}  // namespace kiln::schedule
