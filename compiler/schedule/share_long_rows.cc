#include "compiler/schedule/share_long_rows.h"

#include <algorithm>
#include <string>
#include <utility>

#include "absl/container/btree_map.h"
#include "absl/container/flat_hash_map.h"
#include "absl/container/flat_hash_set.h"
#include "absl/strings/str_cat.h"
#include "compiler/loops/combining_op.h"
#include "compiler/schedule/task_size.h"

namespace kiln::schedule {
namespace {

// Two tasks that are worth a thread each.
constexpr int64_t kWorthSharing = 2 * kGrainElements;
// Elements of a part. What it takes beyond them, some 50 cycles that fold a vector's
// lanes and store the result, is little beside the 128 vectors of 2048 elements.
constexpr int64_t kPartElements = 2048;
// A larger kernel has no second version. Fused norms, softmaxes and losses have 10 to 60.
constexpr size_t kMostInsts = 150;
// What a size about which nothing is known may well be.
constexpr int64_t kLargeSize = int64_t{1} << 20;

Expr ProductOf(const Cluster& cluster, const AxisList& axes, IndexAnalysis& index) {
  absl::InlinedVector<Expr, 4> extents;
  for (int axis : axes) extents.push_back(cluster.extents[axis]);
  return index.pool().Mul(absl::MakeConstSpan(extents));
}

// --- whether

bool IsFactor(Expr symbol, Expr product) {
  auto is_power = [&](Expr e) { return e == symbol || (e.kind() == ExprKind::kPow && e.args()[0] == symbol); };
  if (product.kind() != ExprKind::kMul) return is_power(product);
  return std::any_of(product.args().begin(), product.args().end(), is_power);
}

// How long a row may be where there are at most `most_rows`: then a size that
// multiplies the rows is small too.
int64_t MostElementsOfRow(Expr rows, Expr length, int64_t most_rows) {
  std::optional<int64_t> most = EvaluateInt(length, [&](Expr symbol) -> std::optional<int64_t> {
    return IsFactor(symbol, rows) ? most_rows : kLargeSize;
  });
  return std::min(most.value_or(kLargeSize), kLargeSize);
}

// The calls in which rows are few and long; nullopt where that can't be, or needs no test.
std::optional<Expr> FewLongRows(const Cluster& cluster, int threads, IndexAnalysis& index) {
  ExprPool& pool = index.pool();
  const Expr rows = ProductOf(cluster, cluster.rows, index);
  Expr length(0);
  for (const Stage& stage : cluster.stages) {
    if (stage.inner.empty()) continue;
    const Expr other = cluster.extents[stage.inner[0]];
    if (index.Estimate(other) > index.Estimate(length)) length = other;
  }
  // Of sizes that are known, fusion and SplitReduction have made what is best.
  if (!rows.has_symbols() && !length.has_symbols()) return std::nullopt;
  const int64_t many = kTasksPerThread * threads;
  if (MostElementsOfRow(rows, length, many - 1) * (many - 1) < kWorthSharing) return std::nullopt;
  const Expr elements = pool.Mul(rows, length);
  if (index.KnownLessEqual(Expr(many), rows)) return std::nullopt;
  if (index.KnownLessEqual(elements, Expr(kWorthSharing - 1))) return std::nullopt;
  const Expr few = pool.Lt(rows, Expr(many)), are_long = pool.Le(Expr(kWorthSharing), elements);
  const Expr both = pool.And(few, are_long);
  if (both.is_poison() || both.AsBool().has_value()) return std::nullopt;
  return both;
}

// True if memory runs along the stage's one inner axis, and nothing is strided along it.
bool RunsAlongInner(const Cluster& cluster, const Stage& stage, IndexAnalysis& index) {
  bool runs = false;
  for (int id : stage.insts) {
    const Inst& inst = cluster.insts[id];
    if (inst.kind != InstKind::kLoad && !IsStore(inst)) continue;
    std::optional<Expr> stride = index.StrideAlong(inst.expr, index.Variable(stage.inner[0]));
    if (!stride.has_value() || !(stride->IsInt(0) || stride->IsInt(1))) return false;
    runs = runs || stride->IsInt(1);
  }
  return runs;
}

bool CanCombine(ReduceKind kind) { return kind == ReduceKind::kWelford || CombiningOp(kind).has_value(); }

bool CanShare(const Cluster& cluster, IndexAnalysis& index) {
  if (cluster.insts.size() > kMostInsts) return false;
  absl::flat_hash_set<int> stored, updated;
  for (const Inst& inst : cluster.insts) {
    if (inst.kind == InstKind::kStoreAdd) return false;
    if (IsStore(inst)) stored.insert(inst.buffer.value);
  }
  for (const Stage& stage : cluster.stages) {
    if (stage.inner.size() > 1 || (stage.inner.size() == 1 && !RunsAlongInner(cluster, stage, index))) return false;
    for (int id : stage.insts) {
      const Inst& inst = cluster.insts[id];
      // Each kernel does the row's scalar work again, and must find what the first found.
      if (inst.kind == InstKind::kLoad && stage.inner.empty() && stored.contains(inst.buffer.value)) return false;
      if (inst.kind == InstKind::kResult && !updated.contains(inst.args[0])) return false;
      if (inst.kind != InstKind::kUpdate) continue;
      if (!CanCombine(cluster.insts[inst.args[0]].reduce) || !updated.insert(inst.args[0]).second) return false;
    }
  }
  return !updated.empty();
}

// --- how

// A result of an accumulator.
using ResultKey = std::pair<int, int>;

class RowSharer {
 public:
  RowSharer(const Cluster& whole, LoopProgram& program, IndexAnalysis& index)
      : whole_(whole),
        program_(program),
        index_(index),
        pool_(index.pool()),
        num_rows_(ProductOf(whole, whole.rows, index)),
        number_axis_(static_cast<int>(whole.extents.size())) {}

  std::vector<Cluster> Share() {
    for (size_t s = 0; s < whole_.stages.size(); ++s) {
      for (int id : whole_.stages[s].insts) {
        const Inst& inst = whole_.insts[id];
        if (inst.kind == InstKind::kUpdate) stage_of_[inst.args[0]] = static_cast<int>(s);
      }
    }
    const int num_stages = static_cast<int>(whole_.stages.size());
    for (int s = 0; s < num_stages;) {
      int end = s + 1;
      const bool is_row_work = whole_.stages[s].inner.empty(), reduces = Has(s, InstKind::kUpdate);
      while ((is_row_work || reduces) && end < num_stages && whole_.stages[end].inner.empty()) ++end;
      if (reduces) {
        AddParts(s);
        AddCombination(s, end);
      } else if (is_row_work) {
        AddRowWork(s, end);
      } else {
        AddPoints(s);
      }
      s = end;
    }
    Clean();
    return std::move(shared_);
  }

 private:
  bool Has(int s, InstKind kind) const {
    const std::vector<int>& insts = whole_.stages[s].insts;
    return std::any_of(insts.begin(), insts.end(), [&](int id) { return whole_.insts[id].kind == kind; });
  }

  static int Add(Cluster& cluster, Stage& stage, Inst inst) {
    stage.insts.push_back(static_cast<int>(cluster.insts.size()));
    cluster.insts.push_back(std::move(inst));
    return stage.insts.back();
  }

  // --- arrays between the kernels

  // Of the row; with parts, of the part `part` of `parts`.
  Expr Place(Expr parts, Expr part) {
    absl::InlinedVector<Expr, 4> terms = {part};
    Expr stride = parts;
    for (auto axis = whole_.rows.rbegin(); axis != whole_.rows.rend(); ++axis) {
      terms.push_back(pool_.Mul(stride, index_.Variable(*axis)));
      stride = pool_.Mul(stride, whole_.extents[*axis]);
    }
    return pool_.Add(absl::MakeConstSpan(terms));
  }

  BufferId ArrayOf(absl::btree_map<ResultKey, BufferId>& arrays, ResultKey key, Expr size) {
    auto [it, is_new] = arrays.try_emplace(key);
    if (is_new) {
      Buffer buffer;
      buffer.dtype = whole_.insts[key.first].dtype;
      buffer.num_elements = size;
      it->second = BufferId{static_cast<int>(program_.buffers.size())};
      program_.buffers.push_back(buffer);
      added_.insert(it->second.value);
    }
    return it->second;
  }

  Inst AccessTo(InstKind kind, BufferId array, Expr place) const {
    Inst inst;
    inst.kind = kind;
    inst.dtype = program_.buffers[array.value].dtype;
    inst.buffer = array;
    inst.expr = place;
    return inst;
  }

  Expr NumParts(int s) {
    return pool_.CeilDiv(whole_.extents[whole_.stages[s].inner[0]], Expr(kPartElements));
  }

  Inst PartAccess(InstKind kind, int s, ResultKey key) {
    const Expr parts = NumParts(s);
    const BufferId array = ArrayOf(part_arrays_, key, pool_.Mul(num_rows_, parts));
    return AccessTo(kind, array, Place(parts, index_.Variable(number_axis_)));
  }

  Inst RowAccess(InstKind kind, ResultKey key) {
    return AccessTo(kind, ArrayOf(row_arrays_, key, num_rows_), Place(Expr(1), Expr(0)));
  }

  // --- kernels

  // The scalar work of a row before stage `end`, with what earlier stages came to
  // loaded. Its stores stay where they are first.
  Cluster RowsBefore(int end) {
    Cluster cluster = whole_;
    cluster.has_few_rows = true;
    cluster.stages.clear();
    for (int s = 0; s < end; ++s) {
      if (!whole_.stages[s].inner.empty()) continue;
      cluster.stages.push_back(whole_.stages[s]);
      std::erase_if(cluster.stages.back().insts, [&](int id) { return IsStore(whole_.insts[id]); });
    }
    for (Inst& inst : cluster.insts) {
      if (inst.kind != InstKind::kResult || stage_of_.at(inst.args[0]) >= end) continue;
      inst = RowAccess(InstKind::kLoad, {inst.args[0], inst.result});
    }
    return cluster;
  }

  void AddRowWork(int begin, int end) {
    bool stores = false;
    for (int s = begin; s < end; ++s) stores = stores || Has(s, InstKind::kStore);
    if (!stores) return;
    Cluster cluster = RowsBefore(begin);
    cluster.stages.insert(cluster.stages.end(), whole_.stages.begin() + begin, whole_.stages.begin() + end);
    shared_.push_back(std::move(cluster));
  }

  // What reduces nothing: each of its points is as good as a row.
  void AddPoints(int s) {
    Cluster cluster = RowsBefore(s);
    Stage all;
    for (const Stage& stage : cluster.stages) all.insts.insert(all.insts.end(), stage.insts.begin(), stage.insts.end());
    const Stage& points = whole_.stages[s];
    all.insts.insert(all.insts.end(), points.insts.begin(), points.insts.end());
    cluster.rows.insert(cluster.rows.end(), points.inner.begin(), points.inner.end());
    cluster.stages = {std::move(all)};
    shared_.push_back(std::move(cluster));
  }

  static int NumResults(ReduceKind kind) { return kind == ReduceKind::kWelford ? 3 : 1; }

  void AddParts(int s) {
    Cluster cluster = RowsBefore(s);
    cluster.part_axis = whole_.stages[s].inner[0];
    cluster.part_size = kPartElements;
    cluster.part_number_axis = number_axis_;
    cluster.extents.push_back(NumParts(s));
    Stage keep;
    for (int id : whole_.stages[s].insts) {
      if (whole_.insts[id].kind != InstKind::kUpdate) continue;
      const int accumulator = whole_.insts[id].args[0];
      for (int which = 0; which < NumResults(whole_.insts[accumulator].reduce); ++which) {
        Inst store = PartAccess(InstKind::kStore, s, {accumulator, which});
        store.args = {AddResult(cluster, keep, accumulator, which)};
        Add(cluster, keep, store);
      }
    }
    cluster.stages.push_back(whole_.stages[s]);
    cluster.stages.push_back(std::move(keep));
    shared_.push_back(std::move(cluster));
  }

  static int AddResult(Cluster& cluster, Stage& stage, int accumulator, int which = 0) {
    Inst result;
    result.kind = InstKind::kResult;
    result.dtype = cluster.insts[accumulator].dtype;
    result.args = {accumulator};
    result.result = which;
    return Add(cluster, stage, result);
  }

  static int AddScalar(Cluster& cluster, Stage& stage, ScalarOp op, int a, int b) {
    Inst inst;
    inst.kind = InstKind::kScalar;
    inst.op = op;
    inst.dtype = cluster.insts[a].dtype;
    inst.args = {a, b};
    return Add(cluster, stage, inst);
  }

  static void AddUpdate(Cluster& cluster, Stage& stage, int accumulator, int value) {
    Inst update;
    update.kind = InstKind::kUpdate;
    update.dtype = cluster.insts[accumulator].dtype;
    update.args = {accumulator, value};
    Add(cluster, stage, update);
  }

  static int NewSum(Cluster& cluster, DType dtype) {
    Inst accumulate;
    accumulate.kind = InstKind::kAccumulate;
    accumulate.reduce = ReduceKind::kSum;
    accumulate.dtype = dtype;
    cluster.insts.push_back(accumulate);
    return static_cast<int>(cluster.insts.size()) - 1;
  }

  // A kernel that makes one of the parts of stage `s`, with the row's work up to `end`.
  void AddCombination(int s, int end) {
    Cluster cluster = RowsBefore(s);
    cluster.extents.push_back(NumParts(s));
    Stage first, between, second, after;
    first.inner = second.inner = {number_axis_};
    // By result, the instruction that is its value.
    absl::btree_map<ResultKey, int> values;
    for (int id : whole_.stages[s].insts) {
      if (whole_.insts[id].kind != InstKind::kUpdate) continue;
      const int accumulator = whole_.insts[id].args[0];
      if (whole_.insts[accumulator].reduce != ReduceKind::kWelford) {
        const int part = Add(cluster, first, PartAccess(InstKind::kLoad, s, {accumulator, 0}));
        AddUpdate(cluster, first, accumulator, part);
        values[{accumulator, 0}] = AddResult(cluster, between, accumulator);
        continue;
      }
      const DType dtype = whole_.insts[accumulator].dtype;
      auto load = [&](Stage& stage, int which) {
        return Add(cluster, stage, PartAccess(InstKind::kLoad, s, {accumulator, which}));
      };
      // The count and the mean, then the squares about that mean: each part's own,
      // and the distance of its mean for each of its elements.
      const int count = NewSum(cluster, dtype), sum = NewSum(cluster, dtype), squares = NewSum(cluster, dtype);
      const int counted = load(first, 2);
      AddUpdate(cluster, first, count, counted);
      AddUpdate(cluster, first, sum, AddScalar(cluster, first, ScalarOp::kMul, counted, load(first, 0)));
      const int all = AddResult(cluster, between, count);
      const int mean = AddScalar(cluster, between, ScalarOp::kDiv, AddResult(cluster, between, sum), all);
      const int distance = AddScalar(cluster, second, ScalarOp::kSub, load(second, 0), mean);
      const int square = AddScalar(cluster, second, ScalarOp::kMul, distance, distance);
      const int moved = AddScalar(cluster, second, ScalarOp::kMul, square, load(second, 2));
      AddUpdate(cluster, second, squares, AddScalar(cluster, second, ScalarOp::kAdd, moved, load(second, 1)));
      values[{accumulator, 0}] = mean;
      values[{accumulator, 1}] = AddResult(cluster, after, squares);
      values[{accumulator, 2}] = all;
    }
    for (Stage* stage : {&first, &between, &second, &after}) {
      if (!stage->insts.empty()) cluster.stages.push_back(std::move(*stage));
    }
    Stage keep;
    for (const auto& [key, value] : values) {
      Inst store = RowAccess(InstKind::kStore, key);
      store.args = {value};
      Add(cluster, keep, store);
    }
    cluster.stages.insert(cluster.stages.end(), whole_.stages.begin() + s + 1, whole_.stages.begin() + end);
    cluster.stages.push_back(std::move(keep));
    TakeValues(cluster, s, values);
    shared_.push_back(std::move(cluster));
  }

  // Puts `values` in the place of the results of stage `s`.
  void TakeValues(Cluster& cluster, int s, const absl::btree_map<ResultKey, int>& values) {
    absl::flat_hash_map<int, int> value_of;
    for (size_t id = 0; id < whole_.insts.size(); ++id) {
      const Inst& inst = whole_.insts[id];
      if (inst.kind != InstKind::kResult || stage_of_.at(inst.args[0]) != s) continue;
      value_of[static_cast<int>(id)] = values.at({inst.args[0], inst.result});
    }
    for (Inst& inst : cluster.insts) {
      for (int& arg : inst.args) {
        if (auto found = value_of.find(arg); found != value_of.end()) arg = found->second;
      }
    }
    for (Stage& stage : cluster.stages) {
      std::erase_if(stage.insts, [&](int id) { return value_of.contains(id); });
    }
  }

  // Drops the row's work that a kernel does not need, then the arrays that none reads.
  void Clean() {
    auto always = [](BufferId) { return true; };
    for (Cluster& cluster : shared_) CleanCluster(cluster, always, index_);
    absl::flat_hash_set<int> loaded;
    for (const Cluster& cluster : shared_) {
      for (const Inst& inst : cluster.insts) {
        if (inst.kind == InstKind::kLoad) loaded.insert(inst.buffer.value);
      }
    }
    auto is_needed = [&](BufferId b) { return !added_.contains(b.value) || loaded.contains(b.value); };
    for (Cluster& cluster : shared_) CleanCluster(cluster, is_needed, index_);
    std::erase_if(shared_, [](const Cluster& cluster) { return cluster.stages.empty(); });
  }

  const Cluster& whole_;
  LoopProgram& program_;
  IndexAnalysis& index_;
  ExprPool& pool_;
  const Expr num_rows_;
  // A new axis, whose variable is the number of a part.
  const int number_axis_;
  // By accumulator: the stage that updates it.
  absl::flat_hash_map<int, int> stage_of_;
  absl::btree_map<ResultKey, BufferId> part_arrays_, row_arrays_;
  absl::flat_hash_set<int> added_;
  std::vector<Cluster> shared_;
};

}  // namespace

std::optional<RowVersions> ShareLongRows(Cluster& cluster, LoopProgram& program, int threads, IndexAnalysis& index) {
  if (threads < 2 || !cluster.HasInner()) return std::nullopt;
  MergeAxes(cluster, index);
  if (!CanShare(cluster, index)) return std::nullopt;
  std::optional<Expr> when = FewLongRows(cluster, threads, index);
  if (!when.has_value()) return std::nullopt;
  RowVersions versions;
  versions.when = *when;
  versions.otherwise = index.pool().Not(*when);
  versions.shared = RowSharer(cluster, program, index).Share();
  const std::string condition = when->ToString();
  for (Cluster& shared : versions.shared) {
    shared.why = absl::StrCat("few long rows, shared by threads: runs where ", condition);
  }
  absl::StrAppend(&cluster.why, cluster.why.empty() ? "" : "; ", "another version where ", condition);
  return versions;
}

}  // namespace kiln::schedule
