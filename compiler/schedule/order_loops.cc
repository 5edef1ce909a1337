#include "compiler/schedule/order_loops.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "compiler/schedule/emit_kernel.h"
#include "compiler/schedule/interchange_reduction.h"
#include "compiler/schedule/point_work.h"
#include "compiler/schedule/specialize_vector_extents.h"
#include "compiler/schedule/task_size.h"
#include "compiler/schedule/unroll_reductions.h"

namespace kiln::schedule {
namespace {

// A kernel of at most so many elements runs on the calling thread: waking
// another costs about what 2048 elements cost.
constexpr int64_t kSerialElements = 2048;
// Elements of a chunk of the vector axis, which threads share where there are few
// rows: 16 KiB of float32 a buffer, so that a few buffers' chunks fit a first-level
// cache together, and a large axis still has many.
constexpr int64_t kPointwiseChunk = 4096;
// Iterations of a chunk of a row that runs in series.
constexpr int64_t kMostSerialRows = 256;
constexpr int64_t kLeastChunk = 256;
// Columns of one task of an interchanged reduction. 512 float32 are half a page:
// accumulators stay in the first-level cache, and each row's part is a run that
// prefetchers follow. Fewer than 16 would be less than a cache line.
constexpr int64_t kMostColumns = 512;
constexpr int64_t kLeastColumns = 16;
constexpr int64_t kLeastTasks = 4;
// A loop of fewer elements leaves most lanes of a vector empty.
constexpr int64_t kShortVector = 8;
// A parallel iteration of fewer elements is not much more than the divisions that
// recover its rows: two of 64 bits, with what depends on them about 100 cycles, in
// which a vector a cycle would be 1600 elements.
constexpr int64_t kShortIteration = 1024;
// Rows of a chunk of transposed ones: a multiple of a tile's, which has as many as a
// vector has lanes, and as few as one tile's where there are few tasks.
constexpr int64_t kMostTileRows = 64;
constexpr int64_t kLeastTileRows = 16;

bool IsShort(const Cluster& cluster, int axis) {
  std::optional<int64_t> extent = cluster.extents[axis].AsInt();
  return extent.has_value() && *extent < kShortVector;
}

// True if memory runs along `axis` in this access, and far enough for vectors.
bool RunsAlong(const Cluster& cluster, const Inst& inst, int axis, IndexAnalysis& index) {
  std::optional<Expr> stride = index.StrideAlong(inst.expr, index.Variable(axis));
  return stride.has_value() && stride->IsInt(1) && !IsShort(cluster, axis);
}

// How well a loop over `axis` runs along memory in one access of `stage`.
int ScoreAccess(const Cluster& cluster, const Stage& stage, const Inst& inst, int axis, IndexAnalysis& index) {
  if (inst.kind != InstKind::kLoad && !IsStore(inst)) return 0;
  if (RunsAlong(cluster, inst, axis, index)) return IsStore(inst) ? 3 : 2;
  std::optional<Expr> stride = index.StrideAlong(inst.expr, index.Variable(axis));
  // A vector that is mostly empty gains nothing, a broadcast is free.
  if (stride.has_value() && (stride->IsInt(0) || stride->IsInt(1))) return 0;
  // Strided lanes are gathers and scatters, but for pointwise loads that run along
  // another row: they come in tiles.
  if (IsStore(inst)) return -2;
  bool is_tile = stage.inner.empty() && std::any_of(cluster.rows.begin(), cluster.rows.end(), [&](int row) {
                   return row != axis && RunsAlong(cluster, inst, row, index);
                 });
  return is_tile ? 0 : -1;
}

int ScoreStage(const Cluster& cluster, const Stage& stage, int axis, IndexAnalysis& index) {
  int score = 0;
  for (int id : stage.insts) {
    // What only the row decides is loaded once a row, whatever its stride.
    if (!stage.inner.empty() && !IsInnerAccess(cluster.insts[id], stage, index)) continue;
    score += ScoreAccess(cluster, stage, cluster.insts[id], axis, index);
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
    if (cluster_.part_axis >= 0) return OrderParts();
    if (ShouldUnroll()) Unroll();
    Choice row = BestRow();
    if (!cluster_.HasInner()) {
      if (row.axis >= 0) VectorOverRow(row.axis, small);
    } else if (row.axis >= 0 && row.score > BestInner() && CanInterchange(cluster_)) {
      InterchangeReduction(cluster_, row.axis, program_, index_);
      SetVectorAxes(row.axis);
      Chunk(row.axis, small, ColumnsPerTask(row.axis));
      Explain("kept dimension as lanes: memory runs along it");
    } else {
      VectorOverInner();
    }
    order_.vector_axes.resize(cluster_.stages.size(), order_.vector_axes.empty() ? -1 : order_.vector_axes[0]);
    order_.serial = small;
    if (!small) ChooseSerialRow();
    return std::move(order_);
  }

 private:
  LoopOrder OrderParts() {
    VectorOverInner();
    order_.chunk_axis = cluster_.part_axis;
    order_.chunk_size = cluster_.part_size;
    return std::move(order_);
  }

  void VectorOverInner() {
    for (const Stage& stage : cluster_.stages) {
      auto is_this = [&](const Stage& other) { return &other == &stage; };
      order_.vector_axes.push_back(BestAxis(cluster_, stage.inner, is_this, index_).axis);
    }
  }

  void Explain(absl::string_view reason) {
    absl::StrAppend(&cluster_.why, cluster_.why.empty() ? "" : "; ", reason);
  }

  // Where the reduced axes would be poor lanes, and a row takes their place.
  bool ShouldUnroll() {
    if (!cluster_.HasInner() || cluster_.rows.empty() || !CanUnroll(cluster_)) return false;
    if (BestRow().score > BestInner()) return true;
    for (const Stage& stage : cluster_.stages) {
      for (int axis : stage.inner) {
        if (!IsShort(cluster_, axis)) return false;
      }
    }
    return true;
  }

  void Unroll() {
    cluster_ = UnrollReductions(cluster_, index_);
    MergeAxes(cluster_, index_);
    Explain("reductions over few points written out");
  }

  // Elements of one point of the rows, all stages together.
  int64_t EstimateIteration() {
    int64_t elements = 0;
    for (const Stage& stage : cluster_.stages) {
      int64_t points = 1;
      for (int axis : stage.inner) {
        int64_t extent = index_.Estimate(cluster_.extents[axis]);
        if (axis == order_.chunk_axis) extent = std::min(extent, order_.chunk_size);
        points = std::min<int64_t>(points * extent, int64_t{1} << 40);
      }
      elements += points;
    }
    return elements;
  }

  // The row that strided loads run along, which makes them transposes. -1: none.
  int TransposedRow() {
    if (cluster_.stages.size() != 1) return -1;
    int best = -1, most = 0;
    for (int axis : cluster_.rows) {
      int loads = 0;
      for (int id : cluster_.stages[0].insts) loads += IsTransposed(cluster_.insts[id], axis);
      if (loads > most) best = axis, most = loads;
    }
    return best;
  }

  bool IsTransposed(const Inst& inst, int row) {
    if (inst.kind != InstKind::kLoad || !RunsAlong(cluster_, inst, row, index_)) return false;
    std::optional<Expr> along = index_.StrideAlong(inst.expr, index_.Variable(order_.vector_axes[0]));
    return along.has_value() && !along->IsInt(0) && !along->IsInt(1);
  }

  // Of the parallel loop, where `row` is not part of it.
  int64_t EstimateTasks(int row) {
    AxisList others = cluster_.rows;
    others.erase(std::find(others.begin(), others.end(), row));
    int64_t tasks = EstimateProduct(cluster_, others, index_);
    if (order_.chunk_axis < 0) return tasks;
    return tasks * (index_.Estimate(cluster_.extents[order_.chunk_axis]) / order_.chunk_size + 1);
  }

  // Whether the rows, but for `other`, are `wanted` or more whatever the sizes are: an
  // estimate that says so is of no use to a call with two of them.
  bool AreRowsSurely(int64_t wanted, int other = -1) {
    absl::InlinedVector<Expr, 4> rows;
    for (int axis : cluster_.rows) {
      if (axis != other) rows.push_back(cluster_.extents[axis]);
    }
    return index_.KnownLessEqual(Expr(wanted), index_.pool().Mul(absl::MakeConstSpan(rows)));
  }

  void CutSerialRow(int64_t size) {
    std::optional<int64_t> extent = cluster_.extents[order_.serial_row].AsInt();
    if (!extent.has_value() || *extent > size) order_.serial_row_chunk = size;
  }

  // A transposed row, so that codegen finds its tiles; else the innermost one, where
  // iterations are short and the other rows are enough for the threads.
  void ChooseSerialRow() {
    int64_t wanted = std::max(kManyRows, kTasksPerThread * threads_);
    if (int row = TransposedRow(); row >= 0) {
      order_.serial_row = row;
      int64_t extent = index_.Estimate(cluster_.extents[row]);
      int64_t tasks = EstimateTasks(row);
      if (tasks < wanted) {
        order_.serial_row_chunk = kMostTileRows;
        while (order_.serial_row_chunk > kLeastTileRows && tasks * (extent / order_.serial_row_chunk) < wanted) {
          order_.serial_row_chunk /= 2;
        }
      } else if (!AreRowsSurely(wanted, row)) {
        CutSerialRow(kMostTileRows);
      }
      Explain("transposed in tiles");
      return;
    }
    if (cluster_.has_few_rows || cluster_.rows.size() < 2 || EstimateIteration() >= kShortIteration) return;
    if (EstimateTasks(cluster_.rows.back()) < wanted) return;
    order_.serial_row = cluster_.rows.back();
    if (!AreRowsSurely(wanted, order_.serial_row)) {
      // A task of a grain at most; an iteration is shorter than that. Chunks are no longer
      // than what hides the cost of a chunk, so that kernels of the same iterations over
      // rows of other lengths are the same code.
      const int64_t grain = kGrainElements / std::max<int64_t>(1, EstimateIteration());
      CutSerialRow(static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(std::min(grain, kMostSerialRows)))));
    }
    Explain("iterations are short: the innermost row runs in series");
  }

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

  void VectorOverRow(int axis, bool small) {
    MoveRowInside(cluster_, axis);
    SetVectorAxes(axis);
    const bool is_long = index_.Estimate(cluster_.extents[axis]) > kPointwiseChunk;
    const bool are_many = EstimateProduct(cluster_, cluster_.rows, index_) >= kManyRows;
    if (!cluster_.has_few_rows && are_many && (!is_long || AreRowsSurely(kManyRows))) return;
    int64_t most_work = 1;
    for (const Stage& stage : cluster_.stages) most_work = std::max(most_work, PointWork(cluster_, stage));
    // A power of two, and a few vectors at least.
    auto chunk = static_cast<int64_t>(std::bit_floor(static_cast<uint64_t>(kPointwiseChunk / most_work)));
    Chunk(axis, small, std::max(kLeastChunk, chunk));
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
