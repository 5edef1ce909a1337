#include "compiler/schedule/emit_kernel.h"

#include <algorithm>
#include <memory>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "compiler/schedule/point_work.h"
#include "compiler/schedule/task_size.h"

namespace kiln::schedule {
namespace {

class KernelEmitter {
 public:
  KernelEmitter(Cluster cluster, const LoopOrder& order, IndexAnalysis& index)
      : cluster_(std::move(cluster)), order_(order), index_(index), pool_(index.pool()) {}

  Kernel Emit() {
    kernel_.nodes = cluster_.nodes;
    kernel_.why = cluster_.why;
    kernel_.grain = Grain();
    std::vector<Stmt>* body = OpenRows(kernel_.body);
    FindAccumulators();
    depths_.assign(cluster_.insts.size(), 0);
    for (size_t s = 0; s < cluster_.stages.size(); ++s) EmitStage(static_cast<int>(s), *body);
    kernel_.insts = std::move(cluster_.insts);
    return std::move(kernel_);
  }

 private:
  Expr NewVariable() { return index_.Variable(next_variable_++); }

  std::vector<Stmt>* OpenLoop(LoopKind kind, Expr variable, Expr extent, std::vector<Stmt>& body) {
    auto loop = std::make_unique<Loop>();
    loop->kind = kind;
    loop->variable = variable;
    loop->extent = extent;
    Loop* opened = loop.get();
    body.push_back(std::move(loop));
    return &opened->body;
  }

  // One loop over all points of the rows (and chunks); each row variable is
  // recovered from its variable by division, but for a lone one.
  std::vector<Stmt>* OpenRows(std::vector<Stmt>& body) {
    Dims extents;
    // What each digit of the loop's variable is.
    std::vector<Expr*> digits;
    for (int axis : cluster_.rows) {
      if (axis == order_.serial_row) continue;
      extents.push_back(cluster_.extents[axis]);
      rows_.emplace_back(index_.Variable(axis), Expr());
    }
    for (auto& [variable, digit] : rows_) digits.push_back(&digit);
    auto add_chunks = [&](int axis, int64_t size, Expr* chunk) {
      extents.push_back(pool_.CeilDiv(cluster_.extents[axis], Expr(size)));
      digits.push_back(chunk);
    };
    if (order_.serial_row_chunk > 0) add_chunks(order_.serial_row, order_.serial_row_chunk, &serial_row_chunk_);
    if (order_.chunk_axis >= 0) add_chunks(order_.chunk_axis, order_.chunk_size, &chunk_);
    std::vector<Stmt>* inside = &body;
    if (!extents.empty()) {
      Expr rest = NewVariable();
      Expr total = pool_.Mul(absl::MakeConstSpan(extents));
      inside = OpenLoop(order_.serial ? LoopKind::kSerial : LoopKind::kParallel, rest, total, body);
      for (int d = static_cast<int>(extents.size()) - 1; d >= 0; --d) {
        *digits[d] = d == 0 ? rest : pool_.Mod(rest, extents[d]);
        if (d > 0) rest = pool_.FloorDiv(rest, extents[d]);
      }
    }
    if (cluster_.part_number_axis >= 0) rows_.emplace_back(index_.Variable(cluster_.part_number_axis), chunk_);
    if (order_.serial_row >= 0) {
      Run run = RunOf(order_.serial_row, order_.serial_row_chunk, serial_row_chunk_);
      inside = OpenLoop(LoopKind::kSerial, run.variable, run.extent, *inside);
      rows_.emplace_back(index_.Variable(order_.serial_row), run.place);
    }
    return inside;
  }

  // A loop over an axis, or over one chunk of it.
  struct Run {
    Expr variable;
    Expr extent;
    Expr place;  // of the variable, along the axis
  };

  // `size` 0: all of it.
  Run RunOf(int axis, int64_t size, Expr chunk) {
    Run run{NewVariable(), cluster_.extents[axis], Expr()};
    run.place = run.variable;
    if (size == 0) return run;
    Expr start = pool_.Mul(Expr(size), chunk);
    bool is_exact = index_.DivideExact(run.extent, Expr(size)).has_value();
    run.extent = is_exact ? Expr(size) : pool_.Min(Expr(size), pool_.Sub(run.extent, start));
    run.place = pool_.Add(start, run.variable);
    return run;
  }

  Expr Grain() {
    absl::InlinedVector<Expr, 4> work = {Expr(1)};
    for (const Stage& stage : cluster_.stages) {
      if (stage.inner.empty()) continue;
      Dims extents;
      for (int axis : stage.inner) {
        extents.push_back(axis == order_.chunk_axis ? Expr(order_.chunk_size) : cluster_.extents[axis]);
      }
      extents.push_back(Expr(PointWork(cluster_, stage)));
      work.push_back(pool_.Mul(absl::MakeConstSpan(extents)));
    }
    Expr row = pool_.Add(absl::MakeConstSpan(work));
    if (order_.serial_row < 0) return GrainOf(pool_, row);
    const int64_t chunk = order_.serial_row_chunk;
    // Plus one, since the row may be empty.
    Expr rows = chunk > 0 ? Expr(chunk) : cluster_.extents[order_.serial_row];
    return GrainOf(pool_, pool_.Add(pool_.Mul(row, rows), Expr(1)));
  }

  void FindAccumulators() {
    for (const Stage& stage : cluster_.stages) {
      std::vector<int>& accumulators = accumulators_.emplace_back();
      for (int id : stage.insts) {
        const Inst& inst = cluster_.insts[id];
        if (inst.kind != InstKind::kUpdate || !seen_.insert(inst.args[0]).second) continue;
        accumulators.push_back(inst.args[0]);
      }
    }
  }

  // The stage's axes, outermost first, its vector axis last.
  AxisList LoopAxes(int s) const {
    AxisList axes = cluster_.stages[s].inner;
    auto it = std::find(axes.begin(), axes.end(), order_.vector_axes[s]);
    if (it != axes.end()) std::rotate(it, it + 1, axes.end());
    return axes;
  }

  void EmitStage(int s, std::vector<Stmt>& body) {
    for (int id : accumulators_[s]) body.emplace_back(id);
    AxisList axes = LoopAxes(s);
    PlaceInsts(s, axes);
    Substitution variables = rows_;
    std::vector<Stmt>* level = &body;
    EmitLevel(s, 0, variables, *level);
    for (size_t d = 0; d < axes.size(); ++d) {
      Run run = RunOf(axes[d], axes[d] == order_.chunk_axis ? order_.chunk_size : 0, chunk_);
      bool is_vector = axes[d] == order_.vector_axes[s];
      level = OpenLoop(is_vector ? LoopKind::kVector : LoopKind::kSerial, run.variable, run.extent, *level);
      variables.emplace_back(index_.Variable(axes[d]), run.place);
      EmitLevel(s, static_cast<int>(d) + 1, variables, *level);
    }
  }

  void EmitLevel(int s, int depth, const Substitution& variables, std::vector<Stmt>& body) {
    for (int id : cluster_.stages[s].insts) {
      if (depths_[id] != depth) continue;
      Inst& inst = cluster_.insts[id];
      if (inst.kind != InstKind::kIndirect) inst.expr = index_.Substitute(inst.expr, variables);
      body.emplace_back(id);
    }
  }

  // The loop depth, in this stage, at which each of its instructions stands.
  void PlaceInsts(int s, const AxisList& axes) {
    const Stage& stage = cluster_.stages[s];
    absl::flat_hash_map<Expr, int> depth_of;
    for (size_t d = 0; d < axes.size(); ++d) depth_of[index_.Variable(axes[d])] = static_cast<int>(d) + 1;
    int innermost = static_cast<int>(axes.size());
    int safe = SafeDepth(axes);
    absl::flat_hash_set<int> stored;
    for (int id : stage.insts) {
      if (IsStore(cluster_.insts[id])) stored.insert(cluster_.insts[id].buffer.value);
    }
    for (int id : stage.insts) {
      const Inst& inst = cluster_.insts[id];
      int depth = 0;
      for (int arg : inst.args) depth = std::max(depth, depths_[arg]);
      if (inst.kind != InstKind::kIndirect) {
        VisitSymbols(inst.expr, [&](Expr symbol) {
          auto it = depth_of.find(symbol);
          if (it != depth_of.end()) depth = std::max(depth, it->second);
        });
      }
      if (IsStore(inst) || inst.kind == InstKind::kUpdate) depth = innermost;
      if (inst.kind == InstKind::kLoad || inst.kind == InstKind::kIndirect) depth = std::max(depth, safe);
      if (inst.kind == InstKind::kLoad && stored.contains(inst.buffer.value)) depth = innermost;
      depths_[id] = depth;
      if (inst.kind == InstKind::kIndirect) depth_of[inst.expr] = depth;
    }
  }

  // A memory access may leave only loops that run at least once.
  int SafeDepth(const AxisList& axes) {
    for (int d = static_cast<int>(axes.size()) - 1; d >= 0; --d) {
      if (!index_.KnownPositive(cluster_.extents[axes[d]])) return d + 1;
    }
    return 0;
  }

  Cluster cluster_;
  const LoopOrder& order_;
  IndexAnalysis& index_;
  ExprPool& pool_;
  Kernel kernel_;
  int next_variable_ = 0;
  Expr chunk_;
  Expr serial_row_chunk_;
  Substitution rows_;
  std::vector<int> depths_;
  std::vector<std::vector<int>> accumulators_;  // by stage
  absl::flat_hash_set<int> seen_;
};

}  // namespace

Kernel EmitKernel(Cluster cluster, const LoopOrder& order, IndexAnalysis& index) {
  return KernelEmitter(std::move(cluster), order, index).Emit();
}

}  // namespace kiln::schedule
