#include "compiler/schedule/split_reduction.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "compiler/loops/combining_op.h"

namespace kiln::schedule {
namespace {

// With so many rows threads have enough to share.
constexpr int64_t kFewRows = 8;
// A second kernel costs about what 10^4 elements cost; it should be well worth it.
constexpr int64_t kWorthSplitting = 65536;
// Parts as large as a pointwise kernel's chunks, or smaller if sizes want it so.
constexpr int64_t kLargestPart = 4096;
constexpr int64_t kLeastParts = 8;

int64_t EstimateProduct(const Cluster& cluster, const AxisList& axes, IndexAnalysis& index) {
  int64_t product = 1;
  for (int axis : axes) product = std::min<int64_t>(product * index.Estimate(cluster.extents[axis]), int64_t{1} << 40);
  return product;
}

// One inner stage, the first, which only updates; scalar work after it.
bool HasRightForm(const Cluster& cluster) {
  if (cluster.stages.empty() || cluster.stages[0].inner.empty()) return false;
  for (size_t s = 1; s < cluster.stages.size(); ++s) {
    if (!cluster.stages[s].inner.empty()) return false;
  }
  return std::all_of(cluster.stages[0].insts.begin(), cluster.stages[0].insts.end(), [&](int id) {
    const Inst& inst = cluster.insts[id];
    return !IsStore(inst) && (inst.kind != InstKind::kUpdate || CombiningOp(cluster.insts[inst.args[0]].reduce).has_value());
  });
}

// The largest divisor of `n` that is a part's size.
int64_t PartOf(int64_t n) {
  for (int64_t part = std::min(kLargestPart, n / kLeastParts); part > 1; --part) {
    if (n % part == 0) return part;
  }
  return 1;
}

// The inner axis that becomes a row of the first kernel, or -1. A lone axis is
// split by the constant in its extent.
int ChooseAxis(Cluster& cluster, IndexAnalysis& index) {
  AxisList& inner = cluster.stages[0].inner;
  if (inner.size() > 1) return index.Estimate(cluster.extents[inner[0]]) >= kLeastParts ? inner[0] : -1;
  Expr extent = cluster.extents[inner[0]];
  std::optional<int64_t> constant = extent.AsInt();
  int64_t part = 1;
  if (constant.has_value()) {
    part = PartOf(*constant);
  } else if (extent.kind() == ExprKind::kMul && extent.args()[0].AsInt().has_value()) {
    part = std::min(kLargestPart, *extent.args()[0].AsInt());
  }
  // A vector loop over less than 64 elements would mostly be overhead.
  if (part < 64 || !index.DivideExact(extent, Expr(part)).has_value()) return -1;
  int axis = inner[0];
  SplitAxis(cluster, axis, Expr(part), index);
  return axis;
}

class ReductionSplitter {
 public:
  ReductionSplitter(Cluster& whole, int axis, LoopProgram& program, IndexAnalysis& index)
      : whole_(whole), axis_(axis), program_(program), index_(index), pool_(index.pool()) {}

  std::vector<Cluster> Split() {
    FindPlace();
    parts_ = whole_;
    parts_.rows.push_back(axis_);
    AxisList& inner = parts_.stages[0].inner;
    inner.erase(std::find(inner.begin(), inner.end(), axis_));
    parts_.stages.resize(1);
    parts_.stages.emplace_back();
    Stage combine;
    combine.inner = {axis_};
    for (int id : whole_.stages[0].insts) {
      if (whole_.insts[id].kind == InstKind::kUpdate) SplitUpdate(id, combine);
    }
    whole_.stages[0] = std::move(combine);
    parts_.why = "parts of a reduction, for threads";
    std::vector<Cluster> both;
    both.push_back(std::move(parts_));
    both.push_back(std::move(whole_));
    return both;
  }

 private:
  void FindPlace() {
    size_ = Expr(1);
    AxisList axes = whole_.rows;
    axes.push_back(axis_);
    for (int axis : axes) {
      place_ = pool_.Add(pool_.Mul(place_, whole_.extents[axis]), index_.Variable(axis));
      size_ = pool_.Mul(size_, whole_.extents[axis]);
    }
  }

  static int Add(Cluster& cluster, Stage& stage, Inst inst) {
    stage.insts.push_back(static_cast<int>(cluster.insts.size()));
    cluster.insts.push_back(std::move(inst));
    return stage.insts.back();
  }

  void SplitUpdate(int id, Stage& combine) {
    int accumulator = whole_.insts[id].args[0];
    DType dtype = whole_.insts[accumulator].dtype;
    Buffer buffer;
    buffer.dtype = dtype;
    buffer.num_elements = size_;
    BufferId array{static_cast<int>(program_.buffers.size())};
    program_.buffers.push_back(buffer);

    Inst result;
    result.kind = InstKind::kResult;
    result.dtype = dtype;
    result.args = {accumulator};
    Inst store;
    store.kind = InstKind::kStore;
    store.dtype = dtype;
    store.buffer = array;
    store.expr = place_;
    store.args = {Add(parts_, parts_.stages[1], result)};
    Add(parts_, parts_.stages[1], store);

    Inst load;
    load.kind = InstKind::kLoad;
    load.dtype = dtype;
    load.buffer = array;
    load.expr = place_;
    Inst update = whole_.insts[id];
    update.args = {accumulator, Add(whole_, combine, load)};
    Add(whole_, combine, update);
  }

  Cluster& whole_;
  Cluster parts_;
  const int axis_;
  LoopProgram& program_;
  IndexAnalysis& index_;
  ExprPool& pool_;
  Expr place_;
  Expr size_;
};

}  // namespace

std::vector<Cluster> SplitReduction(Cluster cluster, LoopProgram& program, IndexAnalysis& index) {
  std::vector<Cluster> result;
  if (HasRightForm(cluster) && EstimateProduct(cluster, cluster.rows, index) <= kFewRows &&
      EstimateProduct(cluster, cluster.stages[0].inner, index) >= kWorthSplitting) {
    int axis = ChooseAxis(cluster, index);
    if (axis >= 0) {
      result = ReductionSplitter(cluster, axis, program, index).Split();
      for (Cluster& part : result) CleanCluster(part, [](BufferId) { return true; }, index);
      return result;
    }
  }
  result.push_back(std::move(cluster));
  return result;
}

}  // namespace kiln::schedule
