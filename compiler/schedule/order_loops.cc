#include "compiler/schedule/order_loops.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "compiler/schedule/emit_kernel.h"
#include "compiler/schedule/interchange_reduction.h"
#include "compiler/schedule/specialize_vector_extents.h"
#include "compiler/schedule/task_size.h"

namespace kiln::schedule {
namespace {

// A kernel of at most so many elements runs on the calling thread: waking
// another costs about what 2048 elements cost.
constexpr int64_t kSerialElements = 2048;
// Elements of a chunk of the vector axis, which threads share where there are few
// rows: 16 KiB of float32 a buffer, so that a few buffers' chunks fit a first-level
// cache together, and a large axis still has many.
constexpr int64_t kPointwiseChunk = 4096;
// Columns of one task of an interchanged reduction. 512 float32 are half a page:
// accumulators stay in the first-level cache, and each row's part is a run that
// prefetchers follow. Fewer than 16 would be less than a cache line.
constexpr int64_t kMostColumns = 512;
constexpr int64_t kLeastColumns = 16;
// Tasks that each thread should find, so that unequal ones even out.
constexpr int64_t kTasksPerThread = 2;
constexpr int64_t kLeastTasks = 4;

// How well a loop over `axis` runs along memory in one access.
int ScoreAccess(const Inst& inst, Expr variable, IndexAnalysis& index) {
  if (inst.kind != InstKind::kLoad && !IsStore(inst)) return 0;
  const AffineForm& form = index.Form(inst.expr);
  Expr stride = form.CoefficientOf(variable);
  if (form.is_affine && stride.IsInt(1)) return IsStore(inst) ? 3 : 2;
  // Strided lanes are gathers and scatters; a broadcast is free.
  if (form.is_affine && stride.IsInt(0)) return 0;
  return IsStore(inst) ? -2 : -1;
}

int ScoreStage(const Cluster& cluster, const Stage& stage, int axis, IndexAnalysis& index) {
  int score = 0;
  for (int id : stage.insts) {
    // What only the row decides is loaded once a row, whatever its stride.
    if (!stage.inner.empty() && !IsInnerAccess(cluster.insts[id], stage, index)) continue;
    score += ScoreAccess(cluster.insts[id], index.Variable(axis), index);
  }
  return score;
}

struct Choice {
  int axis = -1;
  int score = std::numeric_limits<int>::min();
};

// The best of `axes` over the stages that `counts` accepts; of equals the innermost.
template <typename Counts>
Choice BestAxis(const Cluster& cluster, const AxisList& axes, const Counts& counts, IndexAnalysis& index) {
  Choice best;
  for (int axis : axes) {
    int score = 0;
    for (const Stage& stage : cluster.stages) {
      if (counts(stage)) score += ScoreStage(cluster, stage, axis, index);
    }
    if (score >= best.score) best = {axis, score};
  }
  return best;
}

int64_t EstimateProduct(const Cluster& cluster, const AxisList& axes, IndexAnalysis& index) {
  int64_t product = 1;
  for (int axis : axes) product = std::min<int64_t>(product * index.Estimate(cluster.extents[axis]), int64_t{1} << 40);
  return product;
}

bool IsSmall(const Cluster& cluster, IndexAnalysis& index) {
  int64_t elements = 0;
  for (const Stage& stage : cluster.stages) {
    AxisList axes = cluster.rows;
    axes.insert(axes.end(), stage.inner.begin(), stage.inner.end());
    for (int axis : axes) {
      if (cluster.extents[axis].has_symbols()) return false;
    }
    elements += EstimateProduct(cluster, axes, index);
  }
  return elements <= kSerialElements;
}

// Moves `axis` from the rows into every stage: there it is the vector loop.
void MoveRowInside(Cluster& cluster, int axis) {
  cluster.rows.erase(std::find(cluster.rows.begin(), cluster.rows.end(), axis));
  for (Stage& stage : cluster.stages) stage.inner.push_back(axis);
}

class LoopOrderer {
 public:
  LoopOrderer(Cluster& cluster, LoopProgram& program, int threads, IndexAnalysis& index)
      : cluster_(cluster), program_(program), threads_(threads), index_(index) {}

  LoopOrder Choose() {
    MergeAxes(cluster_, index_);
    bool small = IsSmall(cluster_, index_);
    Choice row = BestRow();
    if (!cluster_.HasInner()) {
      if (row.axis >= 0) VectorOverRow(row.axis, small, kPointwiseChunk);
    } else if (row.axis >= 0 && row.score > BestInner() && CanInterchange(cluster_)) {
      InterchangeReduction(cluster_, row.axis, program_, index_);
      SetVectorAxes(row.axis);
      Chunk(row.axis, small, ColumnsPerTask(row.axis));
      absl::StrAppend(&cluster_.why, cluster_.why.empty() ? "" : "; ", "kept dimension as lanes: memory runs along it");
    } else {
      for (const Stage& stage : cluster_.stages) {
        auto is_this = [&](const Stage& other) { return &other == &stage; };
        order_.vector_axes.push_back(BestAxis(cluster_, stage.inner, is_this, index_).axis);
      }
    }
    order_.vector_axes.resize(cluster_.stages.size(), order_.vector_axes.empty() ? -1 : order_.vector_axes[0]);
    order_.serial = small;
    return std::move(order_);
  }

 private:
  Choice BestRow() {
    bool has_inner = cluster_.HasInner();
    auto counts = [&](const Stage& stage) { return !has_inner || !stage.inner.empty(); };
    return BestAxis(cluster_, cluster_.rows, counts, index_);
  }

  int BestInner() {
    int score = 0;
    for (const Stage& stage : cluster_.stages) {
      if (stage.inner.empty()) continue;
      auto is_this = [&](const Stage& other) { return &other == &stage; };
      score += BestAxis(cluster_, stage.inner, is_this, index_).score;
    }
    return score;
  }

  int64_t ColumnsPerTask(int axis) {
    int64_t tasks = std::max(kLeastTasks, kTasksPerThread * threads_);
    int64_t others = EstimateProduct(cluster_, cluster_.rows, index_);
    int64_t columns = kMostColumns;
    int64_t extent = index_.Estimate(cluster_.extents[axis]);
    while (columns > kLeastColumns && others * (extent / columns) < tasks) columns /= 2;
    return columns;
  }

  void SetVectorAxes(int axis) { order_.vector_axes.assign(cluster_.stages.size(), axis); }

  void VectorOverRow(int axis, bool small, int64_t chunk) {
    MoveRowInside(cluster_, axis);
    SetVectorAxes(axis);
    if (EstimateProduct(cluster_, cluster_.rows, index_) < kManyRows) Chunk(axis, small, chunk);
  }

  void Chunk(int axis, bool small, int64_t size) {
    std::optional<int64_t> extent = cluster_.extents[axis].AsInt();
    if (small || (extent.has_value() && *extent <= size)) return;
    order_.chunk_axis = axis;
    order_.chunk_size = size;
  }

  Cluster& cluster_;
  LoopProgram& program_;
  const int threads_;
  IndexAnalysis& index_;
  LoopOrder order_;
};

}  // namespace

absl::StatusOr<Kernel> OrderLoops(Cluster cluster, LoopProgram& program, const ScheduleOptions& options,
                                  IndexAnalysis& index) {
  LoopOrder order = LoopOrderer(cluster, program, options.threads, index).Choose();
  if (options.specialize_divisible && options.allow_performance_guards && program.env != nullptr) {
    KILN_RETURN_IF_ERROR(SpecializeVectorExtents(cluster, order.vector_axes, options, *program.env));
  }
  return EmitKernel(std::move(cluster), order, index);
}

}  // namespace kiln::schedule
