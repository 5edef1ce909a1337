#include "compiler/schedule/unroll_reductions.h"

#include <optional>
#include <utility>
#include <vector>

#include "absl/container/flat_hash_map.h"
#include "compiler/loops/combining_op.h"

namespace kiln::schedule {
namespace {

// Points of one stage: a window of 7 x 7.
constexpr int64_t kMostPoints = 49;
// Instructions in all. A kernel of more takes longer to compile than it saves.
constexpr int64_t kMostInsts = 512;

std::optional<int64_t> PointsOf(const Cluster& cluster, const Stage& stage) {
  int64_t points = 1;
  for (int axis : stage.inner) {
    std::optional<int64_t> extent = cluster.extents[axis].AsInt();
    if (!extent.has_value() || *extent < 1 || *extent > kMostPoints) return std::nullopt;
    points *= *extent;
    if (points > kMostPoints) return std::nullopt;
  }
  return points;
}

class Unroller {
 public:
  Unroller(const Cluster& cluster, IndexAnalysis& index) : from_(cluster), to_(cluster), index_(index) {}

  Cluster Unroll() {
    to_.insts.clear();
    to_.stages.assign(1, {});
    to_.num_indirect = 0;
    for (const Stage& stage : from_.stages) {
      point_.assign(stage.inner.size(), 0);
      UnrollAxis(stage, 0);
    }
    CleanCluster(to_, [](BufferId) { return true; }, index_);
    return std::move(to_);
  }

 private:
  // The state of an accumulator so far.
  struct State {
    int value = -1;
    int index = -1;  // of argmax and its like
    // What the last update says of its order.
    Expr order;
  };

  void UnrollAxis(const Stage& stage, size_t d) {
    if (d == stage.inner.size()) {
      EmitPoint(stage);
      return;
    }
    const int64_t extent = *from_.extents[stage.inner[d]].AsInt();
    for (point_[d] = 0; point_[d] < extent; ++point_[d]) UnrollAxis(stage, d + 1);
  }

  void EmitPoint(const Stage& stage) {
    // Values of a stage with inner axes are seen in it only.
    if (!stage.inner.empty()) values_of_point_.clear();
    Substitution here;
    for (size_t d = 0; d < stage.inner.size(); ++d) here.emplace_back(index_.Variable(stage.inner[d]), Expr(point_[d]));
    for (const auto& symbol : row_indirect_) here.push_back(symbol);
    auto& values = stage.inner.empty() ? row_values_ : values_of_point_;
    for (int id : stage.insts) {
      Inst inst = from_.insts[id];
      if (inst.kind == InstKind::kUpdate) {
        inst.expr = index_.Substitute(inst.expr, here);
        Update(inst);
        continue;
      }
      if (inst.kind == InstKind::kResult) {
        const State& state = states_.at(inst.args[0]);
        values[id] = inst.result == 0 ? state.value : state.index;
        continue;
      }
      for (int& arg : inst.args) arg = ValueOf(arg);
      if (inst.kind == InstKind::kIndirect) {
        Expr symbol = index_.IndirectSymbol(to_.num_indirect++);
        here.emplace_back(inst.expr, symbol);
        if (stage.inner.empty()) row_indirect_.emplace_back(inst.expr, symbol);
        inst.expr = symbol;
      } else {
        inst.expr = index_.Substitute(inst.expr, here);
      }
      values[id] = Add(std::move(inst));
    }
  }

  int ValueOf(int id) const {
    auto here = values_of_point_.find(id);
    return here != values_of_point_.end() ? here->second : row_values_.at(id);
  }

  int Add(Inst inst) {
    to_.insts.push_back(std::move(inst));
    to_.stages[0].insts.push_back(static_cast<int>(to_.insts.size()) - 1);
    return to_.stages[0].insts.back();
  }

  int AddScalar(ScalarOp op, DType dtype, absl::InlinedVector<int, 3> args) {
    Inst inst;
    inst.kind = InstKind::kScalar;
    inst.op = op;
    inst.dtype = dtype;
    inst.args = std::move(args);
    return Add(std::move(inst));
  }

  void Update(const Inst& update) {
    const Inst& accumulator = from_.insts[update.args[0]];
    int value = ValueOf(update.args[1]);
    if (to_.insts[value].dtype != accumulator.dtype) value = AddScalar(ScalarOp::kCast, accumulator.dtype, {value});
    const int index = HasIndex(accumulator.reduce) ? ValueOf(update.args[2]) : -1;
    auto [it, is_first] = states_.try_emplace(update.args[0], State{value, index, update.expr});
    if (is_first) return;
    State& state = it->second;
    if (HasIndex(accumulator.reduce)) {
      const std::optional<int64_t> before = state.order.AsInt(), now = update.expr.AsInt();
      const bool in_order = before.has_value() && now.has_value() && *before < *now;
      if (in_order && accumulator.reduce == ReduceKind::kWindowMax) {
        ChooseInOrder(accumulator, value, index, state);
      } else {
        Choose(accumulator, value, index, state);
      }
      state.order = update.expr;
    } else {
      state.value = AddScalar(*CombiningOp(accumulator.reduce), accumulator.dtype, {state.value, value});
    }
  }

  // The better of two, of which the second comes later: of equals the first is kept, of NaNs it is not.
  void ChooseInOrder(const Inst& accumulator, int value, int index, State& state) {
    int takes = AddScalar(ScalarOp::kGt, DType::kBool, {value, state.value});
    if (IsFloating(accumulator.dtype)) {
      const int is_nan = AddScalar(ScalarOp::kNe, DType::kBool, {value, value});
      takes = AddScalar(ScalarOp::kBitOr, DType::kBool, {takes, is_nan});
    }
    Take(accumulator, takes, value, index, state);
  }

  void Take(const Inst& accumulator, int takes, int value, int index, State& state) {
    state.value = AddScalar(ScalarOp::kWhere, accumulator.dtype, {takes, value, state.value});
    state.index = AddScalar(ScalarOp::kWhere, DType::kInt64, {takes, index, state.index});
  }

  // The better of two, NaN being the best; of equals, as two NaNs are, the one with the smaller index, but of a
  // window's NaNs the one with the larger.
  void Choose(const Inst& accumulator, int value, int index, State& state) {
    const DType dtype = accumulator.dtype;
    auto truth = [&](ScalarOp op, int x, int y) { return AddScalar(op, DType::kBool, {x, y}); };
    const int is_before = truth(ScalarOp::kLt, index, state.index);
    const int is_same = truth(ScalarOp::kEq, value, state.value);
    int takes = truth(accumulator.reduce == ReduceKind::kArgMin ? ScalarOp::kLt : ScalarOp::kGt, value, state.value);
    takes = truth(ScalarOp::kBitOr, takes, truth(ScalarOp::kBitAnd, is_same, is_before));
    if (IsFloating(dtype)) {
      const int is_nan = truth(ScalarOp::kNe, value, value);
      const int is_number = truth(ScalarOp::kEq, state.value, state.value);
      const bool is_window = accumulator.reduce == ReduceKind::kWindowMax;
      const int of_two = is_window ? truth(ScalarOp::kGt, index, state.index) : is_before;
      const int wins = truth(ScalarOp::kBitAnd, is_nan, truth(ScalarOp::kBitOr, is_number, of_two));
      takes = truth(ScalarOp::kBitOr, takes, wins);
    }
    Take(accumulator, takes, value, index, state);
  }

  const Cluster& from_;
  Cluster to_;
  IndexAnalysis& index_;
  std::vector<int64_t> point_;
  absl::flat_hash_map<int, State> states_;
  absl::flat_hash_map<int, int> row_values_;
  absl::flat_hash_map<int, int> values_of_point_;
  Substitution row_indirect_;
};

}  // namespace

bool CanUnroll(const Cluster& cluster) {
  int64_t insts = 0;
  for (const Stage& stage : cluster.stages) {
    std::optional<int64_t> points = PointsOf(cluster, stage);
    if (!points.has_value()) return false;
    insts += *points * static_cast<int64_t>(stage.insts.size());
    for (int id : stage.insts) {
      const Inst& inst = cluster.insts[id];
      if (inst.kind != InstKind::kUpdate) continue;
      const ReduceKind kind = cluster.insts[inst.args[0]].reduce;
      if (!HasIndex(kind) && !CombiningOp(kind).has_value()) return false;
    }
  }
  return insts <= kMostInsts;
}

Cluster UnrollReductions(const Cluster& cluster, IndexAnalysis& index) { return Unroller(cluster, index).Unroll(); }

}  // namespace kiln::schedule
