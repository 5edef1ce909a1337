#include "compiler/schedule/join_clusters.h"

#include <algorithm>
#include <optional>
#include <utility>
#include <vector>

#include "compiler/schedule/check_row_locality.h"
#include "compiler/schedule/match_axes.h"
#include "compiler/schedule/task_size.h"

namespace kiln::schedule {
namespace {

// Few rows are no matter where all the work is less than what waking threads costs.
constexpr int64_t kLittleWork = 16384;
// About the lanes that one task of a reduction over strided rows takes; order_loops
// gives it 16 to 512.
constexpr int64_t kLanesPerTask = 64;
// An axis that turns from a row into an inner loop should be a loop worth having.
constexpr int64_t kWorthwhileInner = 8;
constexpr size_t kMaxInsts = 600;

bool Contains(const AxisList& axes, int axis) { return std::find(axes.begin(), axes.end(), axis) != axes.end(); }

int64_t Estimate(const Cluster& cluster, const AxisList& axes, IndexAnalysis& index) {
  int64_t product = 1;
  for (int axis : axes) product = std::min<int64_t>(product * index.Estimate(cluster.extents[axis]), int64_t{1} << 40);
  return product;
}

int64_t EstimateWork(const Cluster& cluster, IndexAnalysis& index) {
  int64_t work = 0;
  for (const Stage& stage : cluster.stages) {
    work += Estimate(cluster, cluster.rows, index) * std::min<int64_t>(Estimate(cluster, stage.inner, index), 1 << 20);
  }
  return work;
}

// True if memory runs along a row axis where a stage loops over inner ones: then
// order_loops makes the rows vector lanes.
bool RowsAreLanes(const Cluster& cluster, IndexAnalysis& index) {
  int row_runs = 0, inner_runs = 0;
  for (const Stage& stage : cluster.stages) {
    if (stage.inner.empty()) continue;
    for (int id : stage.insts) {
      const Inst& inst = cluster.insts[id];
      if (!IsInnerAccess(inst, stage, index)) continue;
      const AffineForm& form = index.Form(inst.expr);
      // A strided store costs more than a strided load, as in order_loops.
      int weight = IsStore(inst) ? 2 : 1;
      for (int axis : cluster.rows) row_runs += weight * form.CoefficientOf(index.Variable(axis)).IsInt(1);
      for (int axis : stage.inner) inner_runs += weight * form.CoefficientOf(index.Variable(axis)).IsInt(1);
    }
  }
  return row_runs > inner_runs;
}

class Joiner {
 public:
  Joiner(const Cluster& first, const Cluster& second, IndexAnalysis& index)
      : first_(first), second_(second), index_(index) {}

  std::variant<Cluster, ApartReason> Join() {
    if (first_.insts.size() + second_.insts.size() > kMaxInsts) return ApartReason::kLarge;
    std::optional<AxisMatch> match = MatchAxes(first_, second_, index_);
    if (!match.has_value()) return ApartReason::kOtherLoops;
    if (std::optional<ApartReason> refused = ChooseRows(*match)) return *refused;
    RenumberSecond();
    if (!PlaceStages()) return ApartReason::kCrossesRows;
    if (std::optional<ApartReason> refused = RefuseFewRows()) return *refused;
    Append();
    return std::move(first_);
  }

 private:
  // Decides which axes are rows of the joint cluster, in numbers of the first,
  // and turns the others into inner axes on both sides. The reason if that is not
  // to be done.
  std::optional<ApartReason> ChooseRows(const AxisMatch& match) {
    number_ = match.first_of_second;
    bool first_fixed = first_.HasInner(), second_fixed = second_.HasInner();
    both_fixed_ = first_fixed && second_fixed;
    none_fixed_ = !first_fixed && !second_fixed;
    AxisList matched;  // rows of both
    for (int axis : second_.rows) {
      if (number_[axis] >= 0 && Contains(first_.rows, number_[axis])) matched.push_back(number_[axis]);
    }
    bool all_first = matched.size() == first_.rows.size(), all_second = matched.size() == second_.rows.size();
    if (first_fixed && !all_first) return ApartReason::kOtherRows;
    if (second_fixed && !all_second) return ApartReason::kOtherRows;
    if (none_fixed_ && (!all_first || (!all_second && !match.by_dataflow))) return ApartReason::kOtherRows;
    AxisList demoted_first, demoted_second;
    for (int axis : first_.rows) {
      if (!Contains(matched, axis)) demoted_first.push_back(axis);
    }
    for (int axis : second_.rows) {
      if (number_[axis] < 0 || !Contains(matched, number_[axis])) demoted_second.push_back(axis);
    }
    for (const auto& [cluster, demoted] : {std::pair{&first_, &demoted_first}, {&second_, &demoted_second}}) {
      if (!demoted->empty() && Estimate(*cluster, *demoted, index_) < kWorthwhileInner) return ApartReason::kShortLoop;
    }
    any_demoted_ = !demoted_first.empty() || !demoted_second.empty();
    for (int axis : demoted_first) first_.rows.erase(std::find(first_.rows.begin(), first_.rows.end(), axis));
    Demote(first_, demoted_first);
    Demote(second_, demoted_second);
    return std::nullopt;
  }

  static void Demote(Cluster& cluster, const AxisList& axes) {
    for (Stage& stage : cluster.stages) stage.inner.insert(stage.inner.begin(), axes.begin(), axes.end());
  }

  // Gives the second's axes numbers of the first: matched ones are known; an
  // inner axis takes the number of an equally long inner axis, else a new one.
  void RenumberSecond() {
    for (const Stage& stage : second_.stages) {
      for (int axis : stage.inner) {
        if (number_[axis] < 0) number_[axis] = NumberFor(axis);
      }
    }
    Substitution renaming;
    for (size_t axis = 0; axis < number_.size(); ++axis) {
      if (number_[axis] < 0 || number_[axis] == static_cast<int>(axis)) continue;
      renaming.emplace_back(index_.Variable(static_cast<int>(axis)), index_.Variable(number_[axis]));
    }
    for (int j = 0; j < second_.num_indirect && first_.num_indirect > 0; ++j) {
      renaming.emplace_back(index_.IndirectSymbol(j), index_.IndirectSymbol(first_.num_indirect + j));
    }
    SubstituteInsts(second_.insts, renaming, index_);
    for (Stage& stage : second_.stages) {
      for (int& axis : stage.inner) axis = number_[axis];
      SortLikeFirst(stage.inner);
    }
  }

  int NumberFor(int axis) {
    Expr extent = second_.extents[axis];
    for (const Stage& stage : first_.stages) {
      for (int candidate : stage.inner) {
        if (first_.extents[candidate] == extent && IsFree(candidate, axis)) return candidate;
      }
    }
    first_.extents.push_back(extent);
    return static_cast<int>(first_.extents.size()) - 1;
  }

  // No stage of the second has both `axis` and one that has taken the number.
  bool IsFree(int number, int axis) const {
    return std::none_of(second_.stages.begin(), second_.stages.end(), [&](const Stage& stage) {
      return Contains(stage.inner, axis) && std::any_of(stage.inner.begin(), stage.inner.end(),
                                                        [&](int other) { return number_[other] == number; });
    });
  }

  // Inner axes of equal sets come in equal order.
  void SortLikeFirst(AxisList& inner) {
    for (const Stage& stage : first_.stages) {
      if (stage.inner.size() != inner.size()) continue;
      bool equal = std::all_of(inner.begin(), inner.end(), [&](int axis) { return Contains(stage.inner, axis); });
      if (!equal) continue;
      inner = stage.inner;
      return;
    }
  }

  // For each stage of the second, the stage that it becomes part of.
  bool PlaceStages() {
    placed_.assign(second_.stages.size(), -1);
    std::vector<int> stage_of(second_.insts.size(), -1);
    int num_stages = static_cast<int>(first_.stages.size());
    for (size_t t = 0; t < second_.stages.size(); ++t) {
      const Stage& stage = second_.stages[t];
      int earliest = 0;
      for (int id : stage.insts) {
        stage_of[id] = static_cast<int>(t);
        // A result follows the stage that updates its accumulator.
        if (second_.insts[id].kind == InstKind::kUpdate) stage_of[second_.insts[id].args[0]] = static_cast<int>(t);
        for (int arg : second_.insts[id].args) {
          if (stage_of[arg] >= 0) earliest = std::max(earliest, placed_[stage_of[arg]]);
        }
        if (!AccountForConflicts(static_cast<int>(t), second_.insts[id], earliest)) return false;
      }
      for (size_t before = 0; before < t; ++before) {
        if (ShareMemory(second_.stages[before], stage)) earliest = std::max(earliest, placed_[before] + 1);
      }
      placed_[t] = FindStage(stage.inner, earliest, num_stages);
      if (placed_[t] < 0) {
        placed_[t] = num_stages++;
        added_.push_back(static_cast<int>(t));
      }
    }
    return true;
  }

  int FindStage(const AxisList& inner, int earliest, int num_stages) const {
    for (int s = earliest; s < num_stages; ++s) {
      const Stage& stage = s < static_cast<int>(first_.stages.size())
                               ? first_.stages[s]
                               : second_.stages[added_[s - first_.stages.size()]];
      if (stage.inner == inner) return s;
    }
    return -1;
  }

  // Pushes `earliest` behind all that `inst` must follow. False if rows of the
  // two would touch each other.
  bool AccountForConflicts(int t, const Inst& inst, int& earliest) {
    if (inst.kind != InstKind::kLoad && !IsStore(inst)) return true;
    for (size_t s = 0; s < first_.stages.size(); ++s) {
      for (int id : first_.stages[s].insts) {
        const Inst& other = first_.insts[id];
        if (other.kind != InstKind::kLoad && !IsStore(other)) continue;
        if (other.buffer != inst.buffer || (!IsStore(inst) && !IsStore(other))) continue;
        AccessPlace a = {other.expr, &first_.stages[s].inner};
        AccessPlace b = {inst.expr, &second_.stages[t].inner};
        if (!IsStore(other)) std::swap(a, b);
        Meeting meeting = FindMeetingOf(a, b);
        if (meeting == Meeting::kAnywhere) return false;
        if (meeting == Meeting::kNever) continue;
        earliest = std::max(earliest, static_cast<int>(s) + (meeting == Meeting::kSamePoint ? 0 : 1));
      }
    }
    return true;
  }

  // Bounds of indirect symbols are those of either side.
  Meeting FindMeetingOf(const AccessPlace& store, const AccessPlace& other) {
    if (second_.num_indirect == 0) return FindMeeting(first_, first_.rows, store, other, index_);
    Cluster both;
    both.extents = first_.extents;
    both.insts = first_.insts;
    both.insts.insert(both.insts.end(), second_.insts.begin(), second_.insts.end());
    return FindMeeting(both, first_.rows, store, other, index_);
  }

  bool ShareMemory(const Stage& a, const Stage& b) const {
    for (int id : a.insts) {
      const Inst& inst = second_.insts[id];
      if (inst.kind != InstKind::kLoad && !IsStore(inst)) continue;
      for (int other_id : b.insts) {
        const Inst& other = second_.insts[other_id];
        if (other.kind != InstKind::kLoad && !IsStore(other)) continue;
        if (inst.buffer == other.buffer && (IsStore(inst) || IsStore(other))) return true;
      }
    }
    return false;
  }

  // Why too little would be left to share among threads and lanes, if it would.
  std::optional<ApartReason> RefuseFewRows() {
    int64_t rows = Estimate(first_, first_.rows, index_);
    Cluster shape;  // of the second, in the first's numbers
    shape.extents = first_.extents;
    shape.rows = first_.rows;
    shape.stages = second_.stages;
    shape.insts = second_.insts;
    // Joining over the very same axes takes no parallelism from either.
    if (both_fixed_ || !any_demoted_) return std::nullopt;
    bool lanes = RowsAreLanes(first_, index_) || RowsAreLanes(shape, index_);
    // Pointwise work keeps its own vector axis rather than lose it to a join.
    if (lanes && none_fixed_) return ApartReason::kKeepsLanes;
    if (lanes) rows /= kLanesPerTask;
    if (rows >= kManyRows) return std::nullopt;
    const bool is_little = EstimateWork(first_, index_) + EstimateWork(shape, index_) <= kLittleWork;
    return is_little ? std::nullopt : std::optional(ApartReason::kFewRows);
  }

  void Append() {
    int base = static_cast<int>(first_.insts.size());
    for (Inst& inst : second_.insts) {
      for (int& arg : inst.args) arg += base;
      first_.insts.push_back(std::move(inst));
    }
    for (int t : added_) first_.stages.push_back({second_.stages[t].inner, {}});
    for (size_t t = 0; t < second_.stages.size(); ++t) {
      std::vector<int>& insts = first_.stages[placed_[t]].insts;
      for (int id : second_.stages[t].insts) insts.push_back(id + base);
    }
    first_.num_indirect += second_.num_indirect;
    first_.nodes.insert(first_.nodes.end(), second_.nodes.begin(), second_.nodes.end());
    first_.names.insert(first_.names.end(), second_.names.begin(), second_.names.end());
    first_.inlined += second_.inlined;
    first_.joined += 1 + second_.joined;
  }

  Cluster first_;
  Cluster second_;
  IndexAnalysis& index_;
  // Whether both, or none, of the two have rows that can't be split further.
  bool both_fixed_ = false;
  bool none_fixed_ = false;
  bool any_demoted_ = false;
  std::vector<int> number_;  // by axis of the second
  std::vector<int> placed_;  // by stage of the second
  std::vector<int> added_;   // stages of the second that are new
};

}  // namespace

std::variant<Cluster, ApartReason> JoinClusters(const Cluster& first, const Cluster& second, IndexAnalysis& index) {
  return Joiner(first, second, index).Join();
}

}  // namespace kiln::schedule
