#include "compiler/schedule/interchange_reduction.h"

#include <algorithm>
#include <limits>
#include <utility>

#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "compiler/loops/combining_op.h"

namespace kiln::schedule {
namespace {

// What a reduction starts from.
struct ReductionRow {
  ReduceKind kind;
  double float_start;
  int64_t int_start;
};

constexpr double kInfinity = std::numeric_limits<double>::infinity();

constexpr ReductionRow kReductions[] = {
    {ReduceKind::kSum, 0, 0},
    {ReduceKind::kProd, 1, 1},
    {ReduceKind::kMax, -kInfinity, std::numeric_limits<int64_t>::min()},
    {ReduceKind::kMin, kInfinity, std::numeric_limits<int64_t>::max()},
    {ReduceKind::kAny, 0, 0},
    {ReduceKind::kAll, 1, 1},
};

const ReductionRow* FindReduction(ReduceKind kind) {
  for (const ReductionRow& row : kReductions) {
    if (row.kind == kind) return &row;
  }
  return nullptr;
}

// The smallest or largest value of narrower integers.
int64_t StartOf(const ReductionRow& row, DType dtype) {
  if (dtype == DType::kBool) return row.int_start > 0;
  bool is_extreme = row.kind == ReduceKind::kMax || row.kind == ReduceKind::kMin;
  int bits = DTypeSizeBytes(dtype) * 8;
  if (!is_extreme || bits == 64) return row.int_start;
  bool is_unsigned = dtype == DType::kUInt8;
  if (row.kind == ReduceKind::kMin) return (int64_t{1} << (is_unsigned ? bits : bits - 1)) - 1;
  return is_unsigned ? 0 : -(int64_t{1} << (bits - 1));
}

class Interchanger {
 public:
  Interchanger(Cluster& cluster, int axis, LoopProgram& program, IndexAnalysis& index)
      : cluster_(cluster), axis_(axis), program_(program), index_(index), pool_(index.pool()) {}

  void Run() {
    // The axis runs fastest, so that lanes are neighbours in the arrays too.
    AxisList rows = cluster_.rows;
    rows.erase(std::find(rows.begin(), rows.end(), axis_));
    rows.push_back(axis_);
    Expr place = Expr(0), size = Expr(1);
    for (int row : rows) {
      place = pool_.Add(pool_.Mul(place, cluster_.extents[row]), index_.Variable(row));
      size = pool_.Mul(size, cluster_.extents[row]);
    }
    place_ = place;
    size_ = size;
    FindCrossingValues();
    std::vector<Stage> stages = std::move(cluster_.stages);
    cluster_.stages.clear();
    for (Stage& stage : stages) RewriteStage(stage);
    cluster_.rows.erase(std::find(cluster_.rows.begin(), cluster_.rows.end(), axis_));
  }

 private:
  int Add(Inst inst) {
    cluster_.insts.push_back(std::move(inst));
    return static_cast<int>(cluster_.insts.size()) - 1;
  }

  BufferId NewArray(DType dtype) {
    Buffer buffer;
    buffer.dtype = dtype;
    buffer.num_elements = size_;
    program_.buffers.push_back(buffer);
    return BufferId{static_cast<int>(program_.buffers.size()) - 1};
  }

  int EmitLoad(BufferId buffer, DType dtype, Stage& stage) {
    Inst load;
    load.kind = InstKind::kLoad;
    load.dtype = dtype;
    load.buffer = buffer;
    load.expr = place_;
    stage.insts.push_back(Add(load));
    return stage.insts.back();
  }

  int Copy(int id, Stage& stage) {
    stage.insts.push_back(Add(Inst(cluster_.insts[id])));
    return stage.insts.back();
  }

  void EmitStore(BufferId buffer, int value, Stage& stage) {
    Inst store;
    store.kind = InstKind::kStore;
    store.dtype = cluster_.insts[value].dtype;
    store.buffer = buffer;
    store.expr = place_;
    store.args = {value};
    stage.insts.push_back(Add(store));
  }

  int EmitScalar(ScalarOp op, DType dtype, int a, int b, Stage& stage) {
    Inst inst;
    inst.kind = InstKind::kScalar;
    inst.op = op;
    inst.dtype = dtype;
    inst.args = {a, b};
    stage.insts.push_back(Add(inst));
    return stage.insts.back();
  }

  int EmitConstant(DType dtype, double f, int64_t i, Stage& stage) {
    Inst inst;
    inst.dtype = dtype;
    if (dtype == DType::kBool) {
      inst.constant = {ExprType::kBool, i, 0};
    } else if (IsFloating(dtype)) {
      inst.constant = {ExprType::kFloat, 0, f};
    } else {
      inst.constant = {ExprType::kInt, i, 0};
    }
    stage.insts.push_back(Add(inst));
    return stage.insts.back();
  }

  int EmitExpr(DType dtype, Expr expr, Stage& stage) {
    Inst inst;
    inst.kind = InstKind::kExpr;
    inst.dtype = dtype;
    inst.expr = expr;
    stage.insts.push_back(Add(inst));
    return stage.insts.back();
  }

  // Row values that a later stage reads: they go through an array.
  void FindCrossingValues() {
    std::vector<int> stage_of(cluster_.insts.size(), -1);
    for (size_t s = 0; s < cluster_.stages.size(); ++s) {
      for (int id : cluster_.stages[s].insts) stage_of[id] = static_cast<int>(s);
    }
    crosses_.assign(cluster_.insts.size(), false);
    for (size_t id = 0; id < stage_of.size(); ++id) {
      if (stage_of[id] < 0) continue;
      for (int arg : cluster_.insts[id].args) {
        if (stage_of[arg] >= 0 && stage_of[arg] != stage_of[id]) crosses_[arg] = true;
      }
    }
  }

  void RewriteStage(const Stage& stage) {
    Stage init, out;
    init.inner = {axis_};
    out.inner = stage.inner;
    out.inner.push_back(axis_);
    absl::flat_hash_map<int, int> local;  // a value of another stage -> its load here
    for (int id : stage.insts) {
      for (size_t a = 0; a < cluster_.insts[id].args.size(); ++a) {
        int arg = cluster_.insts[id].args[a];
        bool is_array = arrays_.contains(arg) && cluster_.insts[arg].kind != InstKind::kAccumulate;
        if (!is_array && !copied_.contains(arg)) continue;
        auto [it, inserted] = local.try_emplace(arg, arg);
        if (inserted && is_array) it->second = EmitLoad(arrays_[arg][0], cluster_.insts[arg].dtype, out);
        if (inserted && !is_array) it->second = Copy(arg, out);
        cluster_.insts[id].args[a] = it->second;
      }
      RewriteInst(id, stage, init, out);
    }
    // The values become visible to later stages only now: here they are registers.
    for (const auto& [id, buffer] : pending_) arrays_[id] = {buffer};
    pending_.clear();
    copied_.insert(pending_copies_.begin(), pending_copies_.end());
    pending_copies_.clear();
    if (!init.insts.empty()) cluster_.stages.push_back(std::move(init));
    cluster_.stages.push_back(std::move(out));
  }

  void RewriteInst(int id, const Stage& stage, Stage& init, Stage& out) {
    InstKind kind = cluster_.insts[id].kind;
    if (kind == InstKind::kUpdate) {
      RewriteUpdate(id, stage, init, out);
      return;
    }
    if (kind == InstKind::kResult) {
      const Inst result = cluster_.insts[id];
      BufferId buffer = arrays_.at(result.args[0])[result.result];
      Inst load;
      load.kind = InstKind::kLoad;
      load.dtype = result.dtype;
      load.buffer = buffer;
      load.expr = place_;
      cluster_.insts[id] = load;
      out.insts.push_back(id);
      if (crosses_[id]) pending_.emplace_back(id, buffer);
      return;
    }
    out.insts.push_back(id);
    if (!crosses_[id]) return;
    if (kind == InstKind::kConstant || kind == InstKind::kExpr) {
      pending_copies_.push_back(id);
      return;
    }
    BufferId buffer = NewArray(cluster_.insts[id].dtype);
    EmitStore(buffer, id, out);
    pending_.emplace_back(id, buffer);
  }

  void RewriteUpdate(int id, const Stage& stage, Stage& init, Stage& out) {
    const Inst update = cluster_.insts[id];
    const Inst accumulator = cluster_.insts[update.args[0]];
    if (accumulator.reduce == ReduceKind::kWelford) {
      RewriteWelford(update, accumulator.dtype, stage, init, out);
      return;
    }
    const ReductionRow& row = *FindReduction(accumulator.reduce);
    BufferId buffer = NewArray(accumulator.dtype);
    arrays_[update.args[0]] = {buffer};
    EmitStore(buffer, EmitConstant(accumulator.dtype, row.float_start, StartOf(row, accumulator.dtype), init), init);
    int before = EmitLoad(buffer, accumulator.dtype, out);
    EmitStore(buffer, EmitScalar(*CombiningOp(accumulator.reduce), accumulator.dtype, before, update.args[1], out), out);
  }

  // mean += (x - mean) / n;  m2 += (x - old mean) * (x - new mean)
  void RewriteWelford(const Inst& update, DType dtype, const Stage& stage, Stage& init, Stage& out) {
    BufferId mean = NewArray(dtype), m2 = NewArray(dtype), count = NewArray(dtype);
    arrays_[update.args[0]] = {mean, m2, count};
    int zero = EmitConstant(dtype, 0, 0, init);
    EmitStore(mean, zero, init);
    EmitStore(m2, zero, init);
    Expr points = Expr(1), nth = Expr(0);
    for (int axis : stage.inner) {
      points = pool_.Mul(points, cluster_.extents[axis]);
      nth = pool_.Add(pool_.Mul(nth, cluster_.extents[axis]), index_.Variable(axis));
    }
    EmitStore(count, EmitExpr(dtype, points, init), init);
    int x = update.args[1];
    int n = EmitExpr(dtype, pool_.Add(nth, Expr(1)), out);
    int reciprocal = EmitScalar(ScalarOp::kDiv, dtype, EmitConstant(dtype, 1, 1, out), n, out);
    int old_mean = EmitLoad(mean, dtype, out);
    int delta = EmitScalar(ScalarOp::kSub, dtype, x, old_mean, out);
    int step = EmitScalar(ScalarOp::kMul, dtype, delta, reciprocal, out);
    int new_mean = EmitScalar(ScalarOp::kAdd, dtype, old_mean, step, out);
    int new_delta = EmitScalar(ScalarOp::kSub, dtype, x, new_mean, out);
    int square = EmitScalar(ScalarOp::kMul, dtype, delta, new_delta, out);
    int new_m2 = EmitScalar(ScalarOp::kAdd, dtype, EmitLoad(m2, dtype, out), square, out);
    EmitStore(mean, new_mean, out);
    EmitStore(m2, new_m2, out);
  }

  Cluster& cluster_;
  const int axis_;
  LoopProgram& program_;
  IndexAnalysis& index_;
  ExprPool& pool_;
  Expr place_;
  Expr size_;
  std::vector<bool> crosses_;
  // Where an accumulator (by result) or a crossing value lives.
  absl::flat_hash_map<int, absl::InlinedVector<BufferId, 3>> arrays_;
  std::vector<std::pair<int, BufferId>> pending_;
  // Crossing values that are cheaper to make again.
  absl::flat_hash_set<int> copied_;
  std::vector<int> pending_copies_;
};

}  // namespace

bool CanInterchange(const Cluster& cluster) {
  for (const Stage& stage : cluster.stages) {
    for (int id : stage.insts) {
      const Inst& inst = cluster.insts[id];
      if (inst.kind == InstKind::kIndirect && stage.inner.empty()) return false;
      if (inst.kind != InstKind::kUpdate) continue;
      ReduceKind kind = cluster.insts[inst.args[0]].reduce;
      if (kind != ReduceKind::kWelford && FindReduction(kind) == nullptr) return false;
    }
  }
  return true;
}

void InterchangeReduction(Cluster& cluster, int axis, LoopProgram& program, IndexAnalysis& index) {
  Interchanger(cluster, axis, program, index).Run();
}

}  // namespace kiln::schedule
