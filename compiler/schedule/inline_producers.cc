#include "compiler/schedule/inline_producers.h"

#include <algorithm>
#include <utility>

#include "compiler/schedule/cluster_access.h"
#include "compiler/schedule/scalar_cost.h"
#include "compiler/schedule/solve_index.h"

namespace kiln::schedule {
namespace {

// Recomputing at most this much is cheaper than a load from the second-level
// cache and the store that it needs.
constexpr int kCheapCost = 12;
// In a loop that repeats the work many times, only this is not felt.
constexpr int kTrivialCost = 4;
constexpr int kMaxLoadsToRepeat = 6;
// Larger kernels no longer keep their values in registers.
constexpr size_t kMaxInsts = 300;
constexpr int kMaxSplits = 6;

struct Producer {
  int unit = -1;
  int store = -1;
  BufferId buffer;
  int cost = 0;
  int loads = 0;
  int full_loads = 0;  // that span all axes
};

std::optional<Producer> ReadProducer(FusionGraph& graph, int u, IndexAnalysis& index) {
  Unit& unit = graph.unit(u);
  if (!unit.alive || !unit.cluster.has_value()) return std::nullopt;
  const Cluster& cluster = *unit.cluster;
  if (cluster.HasInner() || cluster.stages.size() != 1) return std::nullopt;
  Producer producer;
  producer.unit = u;
  for (int id : cluster.stages[0].insts) {
    const Inst& inst = cluster.insts[id];
    producer.cost += ScalarCost(inst);
    if (inst.kind == InstKind::kLoad) {
      // A later writer would change what the moved load sees.
      for (int writer : graph.writers(inst.buffer)) {
        if (graph.unit(writer).order > unit.order) return std::nullopt;
      }
      ++producer.loads;
      const AffineForm& form = index.Form(inst.expr);
      producer.full_loads += !form.is_affine || form.terms.size() >= cluster.rows.size();
    }
    if (!IsStore(inst)) continue;
    if (producer.store >= 0) return std::nullopt;
    producer.store = id;
    producer.buffer = inst.buffer;
  }
  if (producer.store < 0 || graph.IsVisible(producer.buffer) || !graph.IsTemporary(producer.buffer)) {
    return std::nullopt;
  }
  if (graph.writers(producer.buffer).size() != 1) return std::nullopt;
  return producer;
}

class ReaderRewriter {
 public:
  ReaderRewriter(const Cluster& producer, const Producer& facts, Cluster reader, IndexAnalysis& index)
      : producer_(producer), facts_(facts), reader_(std::move(reader)), index_(index) {}

  // Inlines the producer at every load of its buffer. nullopt, or why it cannot.
  std::optional<ApartReason> Rewrite() {
    for (int s = 0; s < static_cast<int>(reader_.stages.size()); ++s) {
      std::vector<int> insts = reader_.stages[s].insts;
      for (int id : insts) {
        const Inst& inst = reader_.insts[id];
        if (inst.kind != InstKind::kLoad || inst.buffer != facts_.buffer) continue;
        if (IsRepeated(s, inst.expr) && facts_.cost > kTrivialCost) return ApartReason::kRepeated;
        if (!InlineAt(s, id)) return ApartReason::kOtherLoops;
        if (reader_.insts.size() > kMaxInsts) return ApartReason::kLarge;
      }
    }
    return std::nullopt;
  }

  Cluster Take() { return std::move(reader_); }

 private:
  // True if the load stands in a loop that it does not depend on, outside of
  // one that it does: then the work cannot be done once before that loop.
  bool IsRepeated(int s, Expr load) {
    bool missed = false;
    auto visit = [&](const AxisList& axes) {
      for (int axis : axes) {
        bool mentions = index_.Mentions(load, index_.Variable(axis));
        if (mentions && missed) return true;
        missed |= !mentions;
      }
      return false;
    };
    return visit(reader_.rows) || visit(reader_.stages[s].inner);
  }

  bool InlineAt(int s, int load) {
    Cluster producer = producer_;
    for (int split = 0; split <= kMaxSplits; ++split) {
      std::vector<Digit> digits = AxesAsDigits(producer, 0, index_);
      std::vector<Digit> terms = AxesAsDigits(reader_, s, index_);
      AddIndirectTerms(reader_, terms, index_);
      Expr store_index = producer.insts[facts_.store].expr, load_index = reader_.insts[load].expr;
      if (!SortIntoDigits(store_index, digits, index_) || !ReadTerms(load_index, terms, index_)) return false;
      std::optional<Split> next = FindSplit(digits, terms, index_);
      if (next.has_value()) {
        SplitAxis(next->of_load ? reader_ : producer, next->axis, next->low, index_);
        continue;
      }
      std::optional<std::vector<Expr>> values = SolveDigits(digits, index_.Form(store_index).offset, terms,
                                                            index_.Form(load_index).offset, index_);
      if (!values.has_value()) return false;
      Substitution places;
      for (size_t d = 0; d < digits.size(); ++d) places.emplace_back(digits[d].variable, (*values)[d]);
      Splice(producer, places, s, load);
      return true;
    }
    return false;
  }

  // Copies the producer's instructions to before the load, and gives its value
  // to the load's users.
  void Splice(const Cluster& producer, Substitution& places, int s, int load) {
    for (int j = 0; j < producer.num_indirect; ++j) {
      places.emplace_back(index_.IndirectSymbol(j), index_.IndirectSymbol(reader_.num_indirect + j));
    }
    reader_.num_indirect += producer.num_indirect;
    std::vector<int> copy_of(producer.insts.size(), -1), added;
    for (int id : producer.stages[0].insts) {
      if (id == facts_.store) continue;
      Inst inst = producer.insts[id];
      for (int& arg : inst.args) arg = copy_of[arg];
      inst.expr = index_.Substitute(inst.expr, places);
      copy_of[id] = static_cast<int>(reader_.insts.size());
      added.push_back(copy_of[id]);
      reader_.insts.push_back(std::move(inst));
    }
    std::vector<int>& insts = reader_.stages[s].insts;
    auto at = std::find(insts.begin(), insts.end(), load);
    at = insts.erase(at);
    insts.insert(at, added.begin(), added.end());
    int value = copy_of[producer.insts[facts_.store].args[0]];
    for (Inst& inst : reader_.insts) {
      for (int& arg : inst.args) arg = arg == load ? value : arg;
    }
  }

  const Cluster& producer_;
  const Producer& facts_;
  Cluster reader_;
  IndexAnalysis& index_;
};

bool IsWorthRepeating(const Producer& producer) {
  if (producer.cost > kCheapCost || producer.loads > kMaxLoadsToRepeat) return false;
  return producer.full_loads <= 1;
}

// Different elements, or loops, in which the cluster loads from the buffer.
int CountPlaces(const Cluster& cluster, BufferId buffer) {
  std::vector<std::pair<int, Expr>> places;
  for (size_t s = 0; s < cluster.stages.size(); ++s) {
    for (int id : cluster.stages[s].insts) {
      const Inst& inst = cluster.insts[id];
      if (inst.kind != InstKind::kLoad || inst.buffer != buffer) continue;
      std::pair<int, Expr> place = {static_cast<int>(s), inst.expr};
      if (std::find(places.begin(), places.end(), place) == places.end()) places.push_back(place);
    }
  }
  return static_cast<int>(places.size());
}

void TakeOver(Cluster& reader, const Cluster& producer) {
  reader.nodes.insert(reader.nodes.end(), producer.nodes.begin(), producer.nodes.end());
  reader.names.insert(reader.names.begin(), producer.names.begin(), producer.names.end());
  reader.inlined += 1 + producer.inlined;
}

void InlineProducer(FusionGraph& graph, const Producer& producer, IndexAnalysis& index) {
  const std::vector<int> readers = graph.readers(producer.buffer);
  if (readers.empty()) return;
  for (int reader : readers) {
    if (!graph.unit(reader).cluster.has_value()) return;
  }
  int places = 0;
  for (int reader : readers) places += CountPlaces(*graph.unit(reader).cluster, producer.buffer);
  auto refuse = [&](int reader, ApartReason reason) {
    graph.refusals().Note(producer.unit, reader, Refusals::Attempt::kInline, reason);
  };
  if (places > 1 && !IsWorthRepeating(producer)) {
    for (int reader : readers) refuse(reader, ApartReason::kCostly);
    return;
  }
  const Cluster& cluster = *graph.unit(producer.unit).cluster;
  std::vector<Cluster> rewritten;
  for (int reader : readers) {
    ReaderRewriter rewriter(cluster, producer, *graph.unit(reader).cluster, index);
    if (std::optional<ApartReason> reason = rewriter.Rewrite()) return refuse(reader, *reason);
    rewritten.push_back(rewriter.Take());
    TakeOver(rewritten.back(), cluster);
  }
  for (size_t r = 0; r < readers.size(); ++r) {
    CleanCluster(rewritten[r], [](BufferId) { return true; }, index);
    MergeAxes(rewritten[r], index);
    graph.SetCluster(readers[r], std::move(rewritten[r]));
  }
  graph.Remove(producer.unit);
}

}  // namespace

void InlineProducers(FusionGraph& graph, IndexAnalysis& index) {
  // Last first: a chain of producers then moves link by link into its end, and
  // each instruction is copied once.
  for (int u = graph.num_units() - 1; u >= 0; --u) {
    std::optional<Producer> producer = ReadProducer(graph, u, index);
    if (producer.has_value()) InlineProducer(graph, *producer, index);
  }
}

}  // namespace kiln::schedule
